"""Text in capitals, which a model that knows case reads badly: it takes harmless sentences for shouting, and misses insults."""

from __future__ import annotations

import re

from pipeline.scoring import links

# Latin, Greek, Cyrillic, Armenian. Not Cherokee and Georgian: all of it is written in what Unicode has as capitals, or as small letters.
_CASED = "".join(map(chr, (*range(0x41, 0x590), *range(0x1E00, 0x2000))))
_CAPITAL = "".join(filter(str.isupper, _CASED))
# Ordinals and the sharp s stand among capitals too: `LA 1ª VEZ`, `SCHEIßE`.
_SMALL = "".join(character for character in _CASED if character.islower() and character not in "ªºß")
# Of scripts without case, in which Latin abbreviations are ordinary: `我喜欢 NBA 和 CBA`.
_UNCASED = "\u0590-\u1c8f\u2e80-\ua63f\ua840-\uab2f\uabc0-\ud7ff\uf900-\ufaff\ufb1d-\ufdff\ufe70-\ufefc\uff66-\uffdc"

_NO_SMALL_LETTER = re.compile(rf"(?:{links.ASIDE}|[^{_SMALL}{_UNCASED}])*+")
_WORD = re.compile(f"[{_CAPITAL}]{{3,}}+")
_DIGIT = re.compile(r"\d")
_TURKISH = re.compile("[İĞ]")
_TURKISH_CAPITALS = str.maketrans("Iİ", "ıi")

WORDS = 2
"""Words of three capitals or more that make a text one in capitals; one alone is an abbreviation or a name."""


def lowered(text: str) -> str:
    """`text` in small letters, as long as it was, if all of it but links, names and hashtags is in capitals. Codes and serials stay."""
    if not _NO_SMALL_LETTER.fullmatch(text):
        return text
    plain = links.words(text)
    words = _WORD.findall(plain)
    if len(words) < WORDS or sum(map(len, words)) <= len(_DIGIT.findall(plain)):
        return text
    return (text.translate(_TURKISH_CAPITALS) if _TURKISH.search(text) else text).lower()

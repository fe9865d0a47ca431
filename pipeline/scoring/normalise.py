"""Undoes what hides a text from a model while people still read it; for bundles with `normalisation = "robust"`.

Ordinary text of any language stays as it is, up to decoration without meaning. The post itself is never changed: people see what was
written. What each rule gains and harms: docs/model/robustness.md. All of it is linear in the text: patterns are bounded or give nothing
back.
"""

from __future__ import annotations

import re
import unicodedata

from pipeline.scoring import capitals, homoglyphs, spelling
from pipeline.scoring.spelling import ARABIC, LETTER

# Controls, format characters, fillers: they have no ink and no width. White space, emoji selectors, the joiners and tags, which spell
# flags, are not among them, nor those C1 controls that are punctuation of a page that was in windows-1252.
_INVISIBLE = (
    "\x00-\x08\x0e-\x1b\x7f\x81\x8d\x8f\x90\x9d\u00ad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff0-\ufffb\U000e0100-\U000e01ef"
)
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"  # letters without ink: readers see a gap
_LETTER_LOOKS = "\uff21-\uff3a\uff41-\uff5a\u249c-\u24e9\u2102-\u2134\U0001d400-\U0001d7cb\U0001f110-\U0001f129\U0001f130-\U0001f149"
_BADGES = "\U0001f150-\U0001f169\U0001f170-\U0001f189"
_INDICATORS = "\U0001f1e6-\U0001f1ff"  # two of them side by side are a flag
# Only where no letter has them: what NFC composes is spelling, and Arabic, Hebrew, Indic and Thai marks are others.
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20df\u20e4-\u20f0\ufe20-\ufe2f"
_JOINED_SCRIPTS = "\u0600-\u0dff"  # Arabic and Indic, where the joiners are spelling
_TAGS = "\U000e0000-\U000e007f"
_JAMO = "\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff"
_HALF_KANA = "\uff61-\uff9f"
_VOICE = "\u3099\u309a"
_EMOJI = "\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"  # of which a joiner makes one out of two

_STRANGE = re.compile(
    f"[{_INVISIBLE}{_TAGS}{_BLANK}{_LETTER_LOOKS}{_BADGES}{_INDICATORS}{_MARKS}{_JAMO}{_HALF_KANA}{_VOICE}\u0640\u200c\u200d]|{LETTER}[\ufe00-\ufe0f]"
)
_REVERSED = re.compile("\u202e([^\u202a-\u202e\u2066-\u2069\n\u0590-\u08ff]*+)[\u202c\n]?")
_INVISIBLE_RUN = re.compile(f"[{_INVISIBLE}]++|(?<={LETTER})[\ufe00-\ufe0f]++")
_FLAG_OR_TAGS = re.compile(f"(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{{3,6}}+\U000e007f)|[{_TAGS}]++")
_BLANK_ONE = re.compile(f"[{_BLANK}]")
_STRAY_JOINER = re.compile(f"(?<![{_JOINED_SCRIPTS}{_EMOJI}])[\u200c\u200d]++(?![{_JOINED_SCRIPTS}{_EMOJI}])")
_LOOK = re.compile(f"[{_LETTER_LOOKS}]")
_FONTS = ("<font>", "<wide>", "<circle>", "<square>")
_IN_BRACKETS = "<compat> 0028"
_LONE_INDICATOR = re.compile(f"(?<![{_INDICATORS}])[{_INDICATORS}](?![{_INDICATORS}])")
_BADGE_RUN = re.compile(f"[{_BADGES}]{{2,}}+|(?<={LETTER})[{_BADGES}]|[{_BADGES}](?={LETTER})")
_WORD = re.compile(f"[\\w{_MARKS}]++")
_MARK_RUN = re.compile(f"[{_MARKS}]++")
_SYLLABLES = re.compile(f"[\uac00-\ud7a3]?+[{_JAMO}]++")
# Behind kana only: alone, voice marks are the eyes and sparks of faces (`(ﾟ∀ﾟ)`).
_KANA = re.compile(f"[\u3041-\u3096\u30a1-\u30fa][{_VOICE}\uff9e\uff9f]++|[\uff66-\uff9d][{_HALF_KANA}{_VOICE}]*+")
_GAP = re.compile(" +")
_KASHIDA = re.compile(f"(?<=[{ARABIC}\u064b-\u0652])\u0640++(?=[{ARABIC}\u064b-\u0652])")

_SINGLE_LETTERS = re.compile(r"\b[^\W_](?:\W{1,3}|_)[^\W_](?:\b|_)")
# Single letters, four or more, with spaces or one and the same thing between them: `i d i o t`, `i.d.i.o.t`; with emoji three are enough.
_START = rf"(?<![^\W_]){LETTER}"
_NEXT = rf"{LETTER}(?![^\W_])"
_SPACED = re.compile(f"{_START}(?: {{1,3}}{_NEXT}){{3,}}+")
_DOTTED = re.compile(rf"{_START}([^\w\s]{{1,3}}| ?[^\w\s] ?|_){_NEXT}(?:\1{_NEXT}){{2,}}+")
_WITH_EMOJI = re.compile(rf"{_START}([\U0001f000-\U0001faff\u2600-\u27bf]\ufe0f?){_NEXT}(?:\1{_NEXT})++")

MIN_SPELT = 8
"""Letters from which on a row of single ones that has one of them twice is words, though none is known; a list repeats none."""


def undisguise(text: str) -> str:
    """`text` without its disguises; at most as long. Ordinary text comes back after a few searches that find nothing."""
    if not text.isascii() or not text.isprintable():
        if _STRANGE.search(text):
            text = _visible(text)
        if homoglyphs.suspicious(text):
            text = homoglyphs.fold(text)
    if _SINGLE_LETTERS.search(text):
        text = _WITH_EMOJI.sub(lambda match: match[0].replace(match[1], ""), _DOTTED.sub(_undotted, text))
        text = _SPACED.sub(_closed, text)
    text = capitals.lowered(text)
    return spelling.shorten(spelling.respell(text))


def _visible(text: str) -> str:
    """`text` in plain letters, as it is seen: nothing invisible, nothing in another look, no stacks of marks."""
    text = _LONE_INDICATOR.sub(lambda match: chr(ord("A") + ord(match[0]) - 0x1F1E6), text)
    text = _FLAG_OR_TAGS.sub(r"\1", text)
    text = _REVERSED.sub(lambda match: match[1][::-1], text)
    text = _BLANK_ONE.sub(" ", _INVISIBLE_RUN.sub("", text))
    text = _STRAY_JOINER.sub("", text)
    text = _BADGE_RUN.sub(_badges, _LOOK.sub(_look, text))
    if _MARK_RUN.search(text):
        text = _WORD.sub(_unmarked, text)
    text = _SYLLABLES.sub(lambda match: unicodedata.normalize("NFC", match[0]), text)
    text = _KANA.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    return _KASHIDA.sub("", text)


def _look(match: re.Match[str]) -> str:
    """A letter for its look; symbols that are no letters stay."""
    character = match[0]
    decomposition = unicodedata.decomposition(character)
    if not decomposition.startswith((*_FONTS, _IN_BRACKETS)):
        return character
    letter = unicodedata.normalize("NFKC", character).strip("()")
    return letter if letter.isalpha() else character


def _badges(match: re.Match[str]) -> str:
    """White letters on black circles and squares: a lone one is an emoji (a blood group, a parking place), several are a word."""
    return "".join(chr(ord("A") + (ord(character) - 0x1F150) % 0x20) for character in match[0])


def _unmarked(match: re.Match[str]) -> str:
    """A word with its marks, if all of them make other letters; with none of them if some do not, and are decoration."""
    word = match[0]
    composed = unicodedata.normalize("NFC", word) if _MARK_RUN.search(word) else word
    return _MARK_RUN.sub("", word) if _MARK_RUN.search(composed) else composed


def _closed(match: re.Match[str]) -> str:
    """Letters without the narrowest gap between them; a wider one is a space between words."""
    gaps = _GAP.findall(match[0])
    narrow = min(map(len, gaps))
    closed = _GAP.sub(lambda gap: "" if len(gap[0]) == narrow else " ", match[0])
    return match[0] if closed.isupper() and _is_list(closed) else closed


def _undotted(match: re.Match[str]) -> str:
    """Letters without what stood between them."""
    closed = match[0].replace(match[1], "")
    return match[0] if (closed.isupper() or "," in match[1]) and _is_list(closed) else closed


def _is_list(letters: str) -> bool:
    """Whether `letters` name things (`groups A, B, C, D`): they spell nothing known, and are few or all different."""
    distinct = len(set(letters)) == len(letters)
    return (distinct or len(letters) < MIN_SPELT) and not any(map(spelling.is_known, letters.split()))

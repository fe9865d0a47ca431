"""Text as a language identifier should see it: words and punctuation, without what says nothing about the language.

Every pattern starts at a literal or behind a boundary and gives nothing back (possessive), so time is linear in the text whatever it is.
"""

from __future__ import annotations

import re
import unicodedata

MAX_CHARACTERS = 200
"""Length of a cleaned text. Beyond it the identifiers gain nothing (docs/model/language.md) and cost grows."""

WINDOW = 2_048
"""Characters cleaned at first: enough for nearly every post to fill MAX_CHARACTERS, so a long one costs no more than a short one."""

MAX_INPUT = 65_536
"""Characters ever looked at: a post has at most that many (schemas.records.MAX_TEXT_BYTES)."""

# Names end where a script without spaces may begin. Behind a letter an `@` is no mention: it stands for another letter (`b@stard`).
_NAME = r"A-Za-z0-9\u00c0-\u052f"
# ASCII only: in scripts without spaces the text goes on right behind a link.
_A_LINK = r"(?:https?://|www\.)[!-~]++|(?<![\w-])[a-z0-9-]{1,63}+\.(?:(?:com|org|net|info)\b(?:/[!-~]*+)?|[a-z]{2}/[!-~]++)"
_AN_ADDRESS = rf"(?<![{_NAME}._%+\-])[{_NAME}._%+\-]{{1,64}}+@(?:[a-z0-9\-]{{1,63}}+\.){{1,8}}+[a-z]{{2,63}}+"
_LINK = re.compile(_A_LINK, re.IGNORECASE)
_ADDRESS_OR_LINK = re.compile(f"{_AN_ADDRESS}|{_A_LINK}", re.IGNORECASE)  # whichever begins first: an address ends like a link
_MENTION = re.compile(rf"(?:(?<!\S)\.)?(?<![{_NAME}])@[{_NAME}_.:\-]*+")
_ENTITY = re.compile(r"&#?\w{1,8}+;")
_RETWEET = re.compile(r"\bRT\b")
# One consonant and one vowel in turn, so that words (`hija`, `hoje`, `haji`) stay; and `KKK` is also the Klan.
_LAUGHTER = re.compile(
    r"\b(?:[aeiouа]?([hjxх])\1*+([aeiouаеио])\2*+(?:\1++\2++)++\1*+|(?!(?-i:KKK)\b)k{2,}+|w{2,}+|x+d+|(?:rs){2,}+|(?:ks){2,}+|lo++l|lmf?ao++)\b"
    "|[ㅋㅎㅠㅜㅡ\u110f\u1112\u1172\u116e\u1173]{2,}+",  # Korean letters by themselves laugh and cry, also right behind a word
    re.IGNORECASE,
)
_ELONGATION = re.compile(r"(.)\1\1+")
_SPACES = re.compile(r"\s+")

_HANGUL_PARTS = re.compile("[\u1100-\u11ff]{2,}+")
"""Of decomposed Korean (NFD). Other scripts stay as they came: their marks can be written in any order, which costs time to put right."""
_BLANK = "\u115f\u1160\u3164\uffa0"
"""Hangul letters without ink, by Unicode letters like any other."""

# Letters in disguise (bold, double-struck, full width, circled, Arabic presentation forms): the kinds of compatibility mapping that only
# change the look. `<compat>` is not one of them: it takes Thai and Lao vowels apart.
_LOOKS = ("<font>", "<wide>", "<narrow>", "<circle>", "<square>", "<super>", "<sub>", "<initial>", "<medial>", "<final>", "<isolated>")
# In Arabic and Indic scripts the zero-width joiners are spelling; everywhere else they are invisible.
_JOINERS = {0x200C: "\u200c", 0x200D: "\u200d"}
_STRAY_JOINER = re.compile("(?<![\u0600-\u0dff])[\u200c\u200d]++")


class _Alphabet(dict[int, str]):
    """What stands for a code point, for str.translate: itself, another look of it, a space or nothing.

    Filled as code points are met, in the Basic Multilingual Plane only, so hostile text cannot make it grow beyond 65,536 entries.
    """

    def __missing__(self, code: int) -> str:
        written = _written(chr(code))
        if code < 0x10000:
            self[code] = written
        return written


def _written(character: str) -> str:
    if character in _BLANK:
        return " "
    if unicodedata.decomposition(character).startswith(_LOOKS):
        folded = unicodedata.normalize("NFKC", character)
        return folded if folded.isalpha() else " "
    category = unicodedata.category(character)
    if category[0] == "L":
        return character
    if category[0] == "M":
        return "" if unicodedata.name(character, "").startswith("VARIATION SELECTOR") or category == "Me" else character
    if category[0] == "P":
        return " " if character in "#_*~|\\/@" else character
    return "" if category in {"Cf", "Cs"} else " "


_alphabet = _Alphabet(_JOINERS)


def clean(text: str) -> str:
    """`text` without links, addresses, mentions, hashtag marks, emoji, digits, laughter, invisible and control characters, lone surrogates.

    Runs of one character are cut to two, white space to one space; at most MAX_CHARACTERS remain. A text with nothing linguistic may leave
    punctuation: see `has_words`.
    """
    cleaned = _clean(text[:WINDOW])
    if len(cleaned) < MAX_CHARACTERS and len(text) > WINDOW:
        cleaned = _clean(text[:MAX_INPUT])
    return cleaned[:MAX_CHARACTERS].rstrip()


def _clean(text: str) -> str:
    if "&" in text:
        text = _ENTITY.sub(" ", text)
    if "." in text or "/" in text:
        text = (_ADDRESS_OR_LINK if "@" in text else _LINK).sub(" ", text)
    if "@" in text:
        text = _MENTION.sub(" ", text)
    text = _HANGUL_PARTS.sub(_composed, text.translate(_alphabet))
    if "\u200c" in text or "\u200d" in text:
        text = _STRAY_JOINER.sub("", text)
    text = _LAUGHTER.sub(" ", _RETWEET.sub(" ", text))
    text = _ELONGATION.sub(r"\1\1", text)
    return _SPACES.sub(" ", text).strip()


def _composed(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", match[0])


def has_words(cleaned: str) -> bool:
    """Whether a cleaned text has anything linguistic: two letters, or one of a script in which one can be a word."""
    letters = 0
    for character in cleaned:
        if character.isalpha():
            letters += 1
            if letters == 2 or unicodedata.category(character) == "Lo":
                return True
    return False

"""Words hidden by how they are spelt: `1d10t`, `id_iot`, `idioooot`, `iDiOt`.

Each of these looks like something ordinary (a product code, a file's name, a feeling, a brand), so a word is only spelt anew where that
makes a word that is known. What is known: words.txt.gz, the whole words among the tokeniser's pieces, and swear words in 25 languages
(NOTICE).
"""

from __future__ import annotations

import gzip
import itertools
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

WORDS = Path(__file__).with_name("words.txt.gz")

_LOOKS = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "!": "il", "|": "il",
}  # fmt: skip
_SIGNS = re.escape("".join(_LOOKS))
# Words of the lists of swear words that are ordinary ones in another language: three letters of a code (`P0T`, `F4N`) do not convince.
_ORDINARY = frozenset(["aso", "bbw", "byk", "con", "cyc", "del", "fan", "gat", "gol", "hol", "mof", "pau", "pik", "pot"])
_ENDINGS = ("s", "es", "er", "ers", "ed", "ing", "e", "n", "en")

ALPHABETS = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\u0370-\u03ff\u0400-\u0482\u048a-\u052f\u05d0-\u05ea"
ARABIC = "\u0620-\u063f\u0641-\u064a\u0671-\u06d3"
LETTER = f"[{ALPHABETS}{ARABIC}]"
"""Of the scripts in which a word is spelt with letters, and no letter alone is one that could be drawn out to mean something."""

MAX_WORD = 30
"""Characters of a word that is looked at."""

MAX_READINGS = 16
"""Of a word with signs that may be several letters."""

MAX_CAPITALS = 5
"""Letters of an upper-case word that are not shortened: abbreviations repeat letters (`СССР`)."""

# Searches that decide whether a rule looks at words begin with what is rare in ordinary text.
_LEET = re.compile(rf"[{_SIGNS}][^\W\d_]")
_LEET_WORD = re.compile(rf"(?<![\w@$!|#/:.=-])(?=[^\W\d_]{{0,{MAX_WORD}}}+[{_SIGNS}])(?:[^\W_]|[@$!|])+(?![\w@]|\.\w)")
# A name, which may be spelt with anything (`@l3x`, `@nal`); none starts as these do, so that `@sshole` is no name.
_NAME = re.compile(r"@(?!(?:ss|rs)[^\W\d_]{3})")
_EMAIL_OR_PRICE = re.compile(r"\w@\w[\w-]*\.\w|\$\d|\d\$|^[\W\d]+$")
_MARKED = re.compile(r"[_*|~^`.](?<=[^\W\d_].)[^\W\d_]")
_MARKED_WORD = re.compile(r"(?<![\w*|~^`./@#-])[^\W\d_]{1,20}+(?:[_*|~^`.][^\W\d_]{1,20}+){1,3}(?![\w*|~^`/@-])")
_LONG = re.compile(f"({LETTER})\\1\\1++")
_WORD = re.compile(r"[^\W\d_]+")
_ODD_CASE = re.compile(r"[A-Z](?<=[a-z].)(?:[A-Z]++|[a-z]++[A-Z])")
_ODD_CASE_WORD = re.compile(r"\b[A-Za-z]+\b")


class Known(NamedTuple):
    """`common`: words of four letters or more. `rude`: of three or more; not all of them are rude in every language."""

    common: frozenset[str]
    rude: frozenset[str]


@cache
def known() -> Known:
    """The words of words.txt.gz, case folded."""
    common, rude = gzip.decompress(WORDS.read_bytes()).decode().split("\n\n")
    return Known(frozenset(common.split("\n")), frozenset(rude.split()))


def is_known(word: str) -> bool:
    """Whether `word` is a word, or one with an ending; of rude words the ending is that of the plural."""
    folded = word.casefold()
    words = known()
    if folded in words.common or folded in words.rude or _is_rude(folded):
        return True
    return any(folded.endswith(end) and len(folded) - len(end) >= 4 and folded.removesuffix(end) in words.common for end in _ENDINGS)


def _is_rude(word: str) -> bool:
    """Whether `word` is rude, or the plural of a rude word, and so what a spelling hides whatever else speaks against it."""
    folded = word.casefold()
    rude = known().rude
    if folded in rude:
        return folded not in _ORDINARY
    return (len(folded) > 4 and folded.removesuffix("s") in rude) or (len(folded) > 5 and folded.removesuffix("es") in rude)


def respell(text: str) -> str:
    """`text` with the words that another spelling makes known ones."""
    if _LEET.search(text):
        text = _LEET_WORD.sub(_without_signs, text)
    if _MARKED.search(text):
        text = _MARKED_WORD.sub(_without_marks, text)
    if _ODD_CASE.search(text):
        text = _ODD_CASE_WORD.sub(_in_lower_case, text)
    return text


def shorten(text: str) -> str:
    """`text` with runs of three or more equal letters cut to what makes a known word, else to two.

    Left alone: known words (`copiii`), words of one letter (`kkk`, `XXX`), short upper-case words, and what may be a Roman number.
    """
    return _WORD.sub(_shortened, text) if _LONG.search(text) else text


def _without_signs(match: re.Match[str]) -> str:
    word = match[0]
    end = word.rstrip("!|")
    letters = sum(character.isalpha() for character in end)
    if (
        len(end) > MAX_WORD
        or letters == len(end)
        or letters < 2
        or (2 * letters < len(end) and len(end) < 5)
        or _EMAIL_OR_PRICE.search(word)
        or _NAME.match(word)
    ):
        return word
    inside = any(not character.isalpha() for character in end[1:-1])
    choices = [_LOOKS.get(character, character) for character in end]
    for reading in itertools.islice(itertools.product(*choices), MAX_READINGS):
        plain = "".join(reading)
        if _is_rude(plain) or (inside and len(plain) >= 4 and is_known(plain)):
            return plain + word[len(end) :]
    return word


def _without_marks(match: re.Match[str]) -> str:
    word = match[0]
    parts = re.split(r"[_*|~^`.]", word)
    plain = "".join(parts)
    if _is_rude(plain) and not word.casefold().endswith(".is"):
        return plain
    # `end.The` and `example.nl` are two words, and so is `first_name`.
    return plain if is_known(plain) and plain[1:].islower() and not any(map(is_known, parts)) and len(parts[-1]) != 2 else word


def _in_lower_case(match: re.Match[str]) -> str:
    word = match[0]
    return word.lower() if _ODD_CASE.search(word) and len(word) >= 4 and is_known(word) else word


def _shortened(match: re.Match[str]) -> str:
    word = match[0]
    if not _LONG.search(word) or not word.strip(word[0]) or re.fullmatch("[IVXLCDM]+", word) or is_known(word):
        return word
    if len(word) <= MAX_CAPITALS and word.isupper():
        return word
    twice, once = _LONG.sub(r"\1\1", word), _LONG.sub(r"\1", word)
    return once if not is_known(twice) and is_known(once) else twice

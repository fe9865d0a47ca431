"""Letters of one script that stand in for look-alikes of another: `іdiоt` with a Cyrillic `і` and `о`.

Only words that mix scripts are touched, and words all of letters that cannot be told apart, in a text of the other script. Which script a
text is in, its links, names and hashtags do not say, nor words that could be of either. What looks like what is Unicode's table of
confusables (UTS #39), by way of `disarm` (docs/decisions/0013-normalisation.md).
"""

from __future__ import annotations

import re

from disarm import normalize_confusables

from pipeline.scoring import links
from pipeline.scoring.spelling import is_known

_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0191\u0193-\u024f\u1e00-\u1eff"
_CYRILLIC = "\u0400-\u052f"
_GREEK = "\u0370-\u03ff\u1f00-\u1fff"
# Armenian, Cherokee, Coptic, Lisu: further alphabets with letters that look Latin.
_RARE = "\u0531-\u0587\u13a0-\u13fd\u2c80-\u2cf3\ua4d0-\ua4f7"
# Phonetic letters and small capitals are Latin to Unicode, but few languages spell with them. The schwa, an Azeri letter, is left out.
_PHONETIC = "\u0192\u0250-\u0258\u025a-\u02af\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u2c60-\u2c7b\ua730-\ua731\ua7ae-\ua7b7"
_STRANGE = _CYRILLIC + _GREEK + _RARE + _PHONETIC
# Not told apart from a Latin letter in nearly any font.
_SAME = "асеорхуіјѕԁһԛԝАВСЕНІЈКМОРЅТХУԜοινΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"

_MEETING = re.compile(f"[{_LATIN}][{_STRANGE}]|[{_STRANGE}][{_LATIN}]|[{_PHONETIC}]|(?<![{_STRANGE}])[{_SAME}]{{3,}}+(?![{_STRANGE}])")
_ANY_STRANGE = re.compile(f"[{_STRANGE}]")
_ANY_LATIN = re.compile(f"[{_LATIN}{_PHONETIC}]")
_WORD = re.compile(f"[{_LATIN}{_STRANGE}]+")
_LATIN_RUN = re.compile(f"[{_LATIN}]+")
_CYRILLIC_RUN = re.compile(f"[{_CYRILLIC}]+")
_GREEK_RUN = re.compile(f"[{_GREEK}]+")
_RESEMBLING = re.compile(f"(?![{_SAME}{_PHONETIC}])[{_STRANGE}]")
_ALL_SAME = re.compile(f"[{_SAME}]{{3,}}")
_EITHER = re.compile(f"(?<![{_LATIN}{_STRANGE}])[{_SAME}]{{3,}}+(?![{_LATIN}{_STRANGE}])")
_SPELT_CYRILLIC = re.compile("[\u0400-\u045f\u0490\u0491]+")

MAX_WORD = 64
"""Letters of a word that is looked at: longer ones are noise, and disguise nothing."""


def suspicious(text: str) -> bool:
    """Whether scripts meet inside a word, or a word is all look-alikes: `fold` may change something."""
    return bool(_ANY_STRANGE.search(text) and _ANY_LATIN.search(text) and _MEETING.search(text))


def fold(text: str) -> str:
    """`text` with each disguised word in one script: that of the text, if all the word's letters have a look in it, else the other one."""
    telling = _EITHER.sub(" ", links.words(text))
    latin, cyrillic, greek = (sum(map(len, run.findall(telling))) for run in (_LATIN_RUN, _CYRILLIC_RUN, _GREEK_RUN))

    def written(match: re.Match[str]) -> str:
        word = match[0]
        if len(word) > MAX_WORD or not _ANY_STRANGE.search(word) or not _MEETING.search(word):
            return word
        is_greek = bool(_GREEK_RUN.search(word))
        if is_greek and greek > latin:
            return word
        if _ALL_SAME.fullmatch(word) and not _is_latin(word, latin, greek if is_greek else cyrillic):
            return word
        forms = [_latin(word), _cyrillic(word)]
        if cyrillic > latin:
            forms.reverse()
        return forms[0] or forms[1] or word

    return _WORD.sub(written, text)


def _is_latin(word: str, latin: int, own: int) -> bool:
    """Whether a `word` of look-alikes is a Latin one, in a text of `latin` Latin letters and `own` ones of the script `word` is written in.

    It must make a known word, and be none as it stands: `хер` in an English text is no `xep`.
    """
    return latin > own and not is_known(word) and is_known(_latin(word) or word)


def _latin(word: str) -> str | None:
    """`word` in as many Latin letters, None when a letter has no such look.

    None too when most letters are others and some only resemble Latin: two words in one.
    """
    if _RESEMBLING.search(word) and 2 * len(_ANY_STRANGE.findall(word)) > len(word):
        return None
    folded = normalize_confusables(word, target_script="latin", digit_policy="preserve")
    as_long = len(folded) == len(word)  # `ẞ` and `ы` look like two letters
    return folded if as_long and _LATIN_RUN.fullmatch(folded) and not _ANY_STRANGE.search(folded) else None


def _cyrillic(word: str) -> str | None:
    """`word` in Cyrillic letters that Russian or Ukrainian have, None when a letter has no such look."""
    folded = normalize_confusables(word, target_script="cyrillic", digit_policy="preserve")
    return folded if _SPELT_CYRILLIC.fullmatch(folded) else None

"""Links and @names: a model is told that there is one, not which. All of it is linear in the text."""

from __future__ import annotations

import re

# Of scripts that put spaces between words. In others (Chinese, Japanese, Thai) the text goes on right behind a link or a name.
_SPACED = "\u00c0-\u052f"
_NAME = f"A-Za-z0-9_{_SPACED}"
_ADDRESS = rf"(?:[hH][tT][tT][pP][sS]?://|(?<![{_NAME}])(?:[wW]ww|WWW)\.(?=\w))[!-~{_SPACED}]+"

_LINK = re.compile(_ADDRESS)
# A name starts a word, follows another name, or stands right behind a word of a script without spaces. Inside a word an @ is a letter
# (`b@stard`), unless what follows is the host of an e-mail address, or starts as a name does (`via@TheMail`, `RT@_anna`).
_INSIDE = rf"[\w-]++(?=\.\w)|_[{_NAME}]+|(?<=[a-z]@)[A-Z][{_NAME}]+"
_WHOLE = rf"(?:[{_NAME}]+|\w+)"
_MENTION = re.compile(rf"@(?:(?<![{_NAME}]@){_WHOLE}(?:@{_WHOLE})*|(?<=[{_NAME}]@)(?:{_INSIDE}))")

ASIDE = rf"{_ADDRESS}|[@#]\w[\w.-]*+|http(?![a-z])"
"""Pattern of what says nothing about how a text is written: links, names and hashtags, and what already stands for a link."""

_ASIDE = re.compile(ASIDE)


def replace(text: str, link: str, name: str) -> str:
    """`text` with `link` for each link, and `name` for each run of @names and each first label of an e-mail address' host."""
    if "://" in text or "ww." in text or "WW." in text:  # much faster than the pattern, and most texts have no link
        text = _LINK.sub(link, text)
    return _MENTION.sub(name, text) if "@" in text else text


def words(text: str) -> str:
    """`text` without links, names and hashtags."""
    return _ASIDE.sub(" ", text)

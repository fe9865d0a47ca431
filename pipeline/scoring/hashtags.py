"""The words of a hashtag, which a model reads badly while they are written as one."""

from __future__ import annotations

import re

_HASHTAG = re.compile(r"#([^\W_]\w{3,99}+)")


def opened(text: str) -> str:
    """`text` with spaces between the words of its hashtags, where capitals or low lines tell them apart: `#LoveIsLove`, `#love_is_love`.

    The mark stays. What begins with one small letter is a name (`#iPhone`), and one letter behind the other a game (`#A_B_C`).
    """
    return _HASHTAG.sub(_opened, text) if "#" in text else text


def _opened(match: re.Match[str]) -> str:
    tag = match[1]
    marks = [here if here != "_" else " " for here in tag]
    for at in range(1, len(tag)):
        before, here, behind = tag[at - 1], tag[at], tag[at + 1 : at + 2]
        if here.isupper() and (before.islower() or (before.isupper() and behind.islower())):
            marks[at] = f" {here}"
    words = "".join(marks).split()
    spelt = sum(len(word) == 1 for word in words) > len(words) / 2
    return match[0] if spelt or (words[0].islower() and len(words[0]) == 1) else "#" + " ".join(words)

"""The closed set of languages, what is near to what, and what a producer's hint means in it."""

from __future__ import annotations

import re

UNDETERMINED = "und"
"""Nothing linguistic: emoji, links, digits or punctuation alone (ISO 639-2)."""

OTHER = "other"
"""Text in a language outside the closed set."""

LANGUAGES = (
    "af", "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id",
    "it", "ja", "ko", "lt", "lv", "ms", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "th", "tl",
    "tr", "uk", "ur", "vi", "zh",
)  # fmt: skip
"""BCP 47. Languages that both identifiers can serve and that can be measured with openly licensed rows; `no` is Bokmål and Nynorsk."""

CLASSES = (*LANGUAGES, OTHER)

INSEPARABLE = ("id", "ms")
"""Indonesian and Malay: named together unless one of them is sure enough alone."""


def inseparable_from(tag: str) -> tuple[str, ...]:
    """The other languages that a text with this tag may as well be in."""
    return tuple(other for other in INSEPARABLE if other != tag) if tag in INSEPARABLE else ()


# py3langid's labels that are varieties of a language of the set.
VARIETIES = {"nn": "no", "ary": "ar", "arz": "ar", "wuu": "zh", "yue": "zh"}

NEAREST = {
    "ace": "ms", "af": "nl", "an": "es", "ary": "ar", "arz": "ar", "bcl": "tl", "bs": "hr", "crh": "tr", "ext": "es", "fo": "no",
    "fy": "nl", "gl": "pt", "gom": "mr", "id": "ms", "jv": "ms", "lb": "de", "lij": "it", "ltg": "lv", "mk": "bg", "ne": "hi", "nn": "no",
    "oc": "ca", "pcm": "en", "ps": "fa", "sdh": "ku", "uz": "tr", "vec": "it", "wa": "fr", "wuu": "zh", "yue": "zh",
}  # fmt: skip
"""For languages that eldc does not know: the near one that it takes them for, whose score counts for both."""

_ALIASES = {"nb": "no", "nn": "no", "in": "id", "iw": "he", "fil": "tl", "arb": "ar", "cmn": "zh", "yue": "zh", "wuu": "zh", "zsm": "ms"}
_SAYS_NOTHING = frozenset({"und", "mul", "mis", "zxx"})
_PRIMARY = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9-_]*)?", re.IGNORECASE)


def hinted(hint: str | None) -> str | None:
    """The class that a BCP 47 tag stands for: a language of the set, or OTHER. None when it says nothing or is no tag."""
    match = _PRIMARY.fullmatch(hint) if hint and hint.isascii() else None
    if match is None:
        return None
    primary = match[1].lower()
    if primary in _SAYS_NOTHING:
        return None
    language = _ALIASES.get(primary, primary)
    return language if language in LANGUAGES else OTHER

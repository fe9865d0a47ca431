"""Texts of strangers on a terminal: what would move the cursor, hide or reorder text is made visible instead."""

from __future__ import annotations

import unicodedata

# Cc: control, Cf: format (bidi overrides, zero-width), Co/Cs: private use, surrogates, Zl/Zp: line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
_KEPT = "\u200d"  # joins emoji


def visible(text: str, limit: int = 500) -> str:
    """`text` on one line, at most `limit` characters: line breaks as ⏎, other hidden characters as `<U+202E>`."""
    shown = "".join(_shown(character) for character in text[:limit])
    return shown + "…" if len(text) > limit else shown


def _shown(character: str) -> str:
    if character == "\n":
        return "⏎ "
    if character in "\t ":
        return " "
    if unicodedata.category(character) in _HIDDEN and character not in _KEPT:
        return f"<U+{ord(character):04X}>"
    return character

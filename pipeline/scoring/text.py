"""A text as the model's training saw it. All of it is linear in the text: no pattern can be retried from another place."""

from __future__ import annotations

import re

from pipeline.scoring.bundle import Normalisation, TextForm
from schemas.records import MAX_TEXT_BYTES

_LINK = re.compile(r"https?://\S+|www\.\S+")
_MENTION = re.compile(r"@\w+")
_SPACES = re.compile(r"\s+")


def prepare(text: str, form: TextForm) -> tuple[str, bool]:
    """`text` in the bundle's form, and whether something was cut off. Lone surrogates, which are no text, are left out.

    No post has more than MAX_TEXT_BYTES; of a longer text from elsewhere, that many characters are looked at.
    """
    prepared = text[:MAX_TEXT_BYTES].encode("utf-8", "ignore").decode()
    if form.normalisation is Normalisation.LINKS_AND_NAMES:
        prepared = _SPACES.sub(" ", _MENTION.sub("@user", _LINK.sub("http", prepared))).strip()
    return prepared[: form.max_characters], len(text) > MAX_TEXT_BYTES or len(prepared) > form.max_characters

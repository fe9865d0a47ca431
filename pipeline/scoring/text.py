"""A text as the model's training saw it. All of it is linear in the text: no pattern can be retried from another place."""

from __future__ import annotations

import re
import unicodedata

from pipeline.scoring import hashtags, links
from pipeline.scoring.bundle import Normalisation, TextForm
from pipeline.scoring.normalise import undisguise
from schemas.records import MAX_TEXT_BYTES

_SPACES = re.compile(r"\s+")
_NO_WORD = re.compile(r"\W+")
_REPEATED = re.compile(r"(.)\1{2,}")

_PASSES = 4
"""One pass undoes nearly everything; what one brings to light (letters spelt out over lines) the next one sees. Bounds hostile text."""


def prepare(text: str, form: TextForm) -> tuple[str, bool]:
    """`text` in the bundle's form, and whether something was cut off. Lone surrogates, which are no text, are left out.

    No post has more than MAX_TEXT_BYTES; of a longer text from elsewhere, that many characters are looked at.
    """
    prepared = text[:MAX_TEXT_BYTES].encode("utf-8", "ignore").decode()
    if form.normalisation is Normalisation.LINKS_AND_NAMES:
        prepared = _without_links_and_names(prepared)
    elif form.normalisation is Normalisation.ROBUST:
        prepared = _robust(prepared)
    return prepared[: form.max_characters], len(text) > MAX_TEXT_BYTES or len(prepared) > form.max_characters


def _without_links_and_names(text: str) -> str:
    return _SPACES.sub(" ", links.replace(text, link="http", name="@user")).strip()


def _robust(text: str) -> str:
    for number in range(_PASSES):
        plain = undisguise(text)
        if number and plain == text:
            break
        text = hashtags.opened(_without_links_and_names(plain))
    return text


def normalised(text: str) -> str:
    """`text` with everything gone that two copies of a post often differ in: case, links, names, punctuation, drawn-out letters."""
    plain = links.replace(unicodedata.normalize("NFKC", text).casefold(), link=" ", name=" ")
    return _NO_WORD.sub(" ", _REPEATED.sub(r"\1\1", plain)).strip()

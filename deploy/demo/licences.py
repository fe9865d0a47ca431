"""The page that names the sources of the demo's posts."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.demo.sources import EMOJI, SOURCES

HEAD = """# Sources and licences of the demo's posts

`posts.jsonl.gz` holds {total} events. Made by `python -m deploy.demo.build_posts`, as is this page.

The posts are real: tweets, comments, messages and sentences that others collected, some of them hateful, obscene or threatening, because
that is what moderation is for. They are no opinion of this project.

Their texts are as we found them, but for space around them; in many of them names of accounts and links had been replaced (`@user`,
`<url>`). Everything else is ours and made up: ids, authors, markets, times, views, hints, pictures, and above all the arrangement: texts of
one language were drawn at random and put one after the other into conversations, so what looks like an answer was not written as one, and
what looks like an edit is another text. {emoji} posts of emoji alone were written for the demo.

Texts with e-mail addresses, long numbers or names of accounts were left out. Harmful posts, as their data sets label them, are in Arabic,
Chinese, English, French, German and Turkish; Dutch and the other languages have harmless ones only.

The licence is the one recorded for the data set when its rows were collected. Sets under share-alike licences, and comments from
Wikipedia, were left out.

| source | licence | texts | languages | by |
|---|---|---|---|---|
"""


def licences_page(used: Mapping[tuple[str, str], int], total: int) -> str:
    """LICENSES.md. `used` counts the texts by source and language."""
    lines = []
    for name, source in SOURCES.items():
        languages = {language: count for (used_source, language), count in used.items() if used_source == name}
        if languages:
            cells = (
                f"[{name}]({source.address})",
                source.licence,
                str(sum(languages.values())),
                " ".join(sorted(languages)),
                source.attribution,
            )
            lines.append(f"| {' | '.join(cells)} |\n")
    return HEAD.format(total=total, emoji=len(EMOJI)) + "".join(lines)

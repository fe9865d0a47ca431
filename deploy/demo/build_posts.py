"""Draws the demo's posts from openly licensed data sets and arranges them: `python -m deploy.demo.build_posts --data DIR --out FILE`.

DIR holds `train/NAME.jsonl.gz` and `benign/NAME.jsonl.gz` with rows of {text, lang, labels, source}. The same rows and seed give the same
file. LICENSES.md is written beside FILE. Neither this script nor DIR is needed to run the demo.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import gzip
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from deploy.demo.licences import licences_page
from deploy.demo.sources import BENIGN, EMOJI, LABELLED, LANGUAGES, SOURCES
from schemas.records import Media, Post, PostKind
from schemas.wire import encode

SEED = 20261102
START = dt.datetime(2026, 11, 2, 7, tzinfo=dt.UTC)
SPAN_SECONDS = 4 * 60 * 60

THREADED = 0.36
SHORT = 0.06
EDITED = 45
EDITED_TO_HARMFUL = 12
DELETED = 30
WITH_MEDIA = 0.03
HINTED = 0.6
WRONGLY_HINTED = 0.03

# No addresses, telephone numbers or names of accounts other than the placeholder that the data sets use.
PRIVATE = re.compile(r"\d{6,}|[\w.]+@[\w.]+|@(?!user\b)\w+", re.IGNORECASE)
# Left by wrong decoding somewhere on a text's way.
DAMAGED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd]")
LENGTHS = range(2, 300)


class Row(NamedTuple):
    """A text with where it comes from."""

    text: str
    source: str


class Pool:
    """Texts that were not used yet, per language: harmless, harmful, and a word or two."""

    def __init__(self, data: Path, rng: random.Random) -> None:
        self.used: dict[tuple[str, str], int] = collections.Counter()
        self._rows: dict[tuple[str, str], list[Row]] = collections.defaultdict(list)
        seen: set[str] = set()
        for kind, language, row in rows(data):
            if language in LANGUAGES and row.text not in seen and fit(row.text):
                seen.add(row.text)
                self._rows[kind, language].append(row)
        for key, found in self._rows.items():
            rng.shuffle(found)
            self._rows[key] = by_turns(found)

    def take(self, kind: str, language: str) -> str:
        """The next text of a kind in a language."""
        row = self._rows[kind, language].pop(0)
        self.used[row.source, language] += 1
        return row.text


def fit(text: str) -> bool:
    """Whether a text may go into the demo."""
    return len(text) in LENGTHS and not PRIVATE.search(text) and not DAMAGED.search(text)


def by_turns(found: list[Row]) -> list[Row]:
    """Rows reordered so that each source has its turn."""
    turns: collections.Counter[str] = collections.Counter()
    placed = []
    for row in found:
        turns[row.source] += 1
        placed.append((turns[row.source], row))
    return [row for _, row in sorted(placed, key=lambda item: item[0])]


def rows(data: Path) -> Iterator[tuple[str, str, Row]]:
    """Kind, language and text of every row whose kind is known."""
    for folder, names in (("train", LABELLED), ("benign", BENIGN)):
        for name in names:
            with gzip.open(data / folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
                for line in file:
                    row = json.loads(line)
                    source = row["source"].removesuffix("-politics")
                    kind = "short" if name == "lingua_short" else kind_of(row["labels"])
                    if kind and source in SOURCES:
                        yield kind, row["lang"], Row(row["text"].strip(), source)


def kind_of(labels: dict[str, int | None]) -> str | None:
    """`harmful` with any label, `harmless` where nothing is labelled or toxicity was looked for and not found; else unknown."""
    if any(labels.values()):
        return "harmful"
    return "harmless" if not labels or labels["toxic"] == 0 else None


def texts(pool: Pool, language: str, rng: random.Random) -> list[str]:
    """A language's texts in random order."""
    share = LANGUAGES[language]
    short = round(share.posts * SHORT)
    kinds = ["harmful"] * share.harmful + ["short"] * short + ["harmless"] * (share.posts - share.harmful - short)
    rng.shuffle(kinds)
    return [pool.take(kind, language) for kind in kinds]


def conversations(count: int, rng: random.Random) -> Iterator[int]:
    """Sizes of conversations that add up to `count`; THREADED of the posts stand in conversations of 2 to 8."""
    while count:
        size = min(count, rng.randint(2, 8)) if rng.random() < THREADED / (5 - 4 * THREADED) else 1
        yield size
        count -= size


def language_posts(language: str, pool: Pool, rng: random.Random) -> Iterator[Post]:
    """The created posts of a language. Authors and places in a conversation are drawn, the texts are as they were."""
    waiting = texts(pool, language, rng)
    authors = [f"demo-author-{language}-{number:03}" for number in range(1, 2 + len(waiting) // 4)]
    number = 0
    for size in conversations(len(waiting), rng):
        conversation = f"demo-conversation-{language}-{number + 1:05}"
        speakers = rng.sample(authors, min(len(authors), rng.randint(2, 4)))
        market = rng.choice(LANGUAGES[language].markets.split())
        time = START + dt.timedelta(seconds=rng.uniform(0, SPAN_SECONDS))
        before: list[str] = []
        for _ in range(size):
            number += 1
            yield Post(
                post_id=f"demo-{language}-{number:05}",
                revision=1,
                kind=PostKind.CREATED,
                conversation_id=conversation,
                author_id=rng.choice(speakers),
                market=market,
                created_at=time,
                parent_id=(before[-1] if rng.random() < 0.8 else rng.choice(before)) if before else None,
                language_hint=hint(language, rng),
                text=waiting.pop(),
                media=media(number, language) if rng.random() < WITH_MEDIA else (),
                reach=int(rng.lognormvariate(4, 2)),
            )
            before.append(f"demo-{language}-{number:05}")
            time += dt.timedelta(seconds=rng.uniform(15, 420))


def hint(language: str, rng: random.Random) -> str | None:
    """What the producer believes: often nothing, now and then the wrong thing."""
    if rng.random() >= HINTED:
        return None
    return rng.choice(sorted(set(LANGUAGES) - {language})) if rng.random() < WRONGLY_HINTED / HINTED else language


def media(number: int, language: str) -> tuple[Media, ...]:
    """A picture that nobody fetches."""
    return (Media(type="image/jpeg", url=f"https://example.org/media/demo-{language}-{number:05}.jpg"),)


def emoji_posts(rng: random.Random) -> Iterator[Post]:
    """Posts with nothing linguistic in them."""
    for number, text in enumerate(EMOJI, 1):
        yield Post(
            post_id=f"demo-emoji-{number:05}",
            revision=1,
            kind=PostKind.CREATED,
            conversation_id=f"demo-conversation-emoji-{number:05}",
            author_id=f"demo-author-emoji-{number:03}",
            market=rng.choice(("NL", "DE", "FR", "TR", "MY")),
            created_at=START + dt.timedelta(seconds=rng.uniform(0, SPAN_SECONDS)),
            text=text,
        )


def afterlife(posts: list[Post], pool: Pool, rng: random.Random) -> Iterator[Post]:
    """Edits, in which another text of the language takes the first one's place, and deletions."""
    chosen = rng.sample([post for post in posts if not post.post_id.startswith("demo-emoji")], EDITED + DELETED)
    with_harm = [post for post in chosen if LANGUAGES[post.post_id.split("-")[1]].harmful][:EDITED_TO_HARMFUL]
    for post in with_harm + [post for post in chosen if post not in with_harm]:
        later = post.created_at + dt.timedelta(seconds=rng.uniform(30, 1800))
        changed = msgspec.structs.replace(post, revision=2, created_at=later)
        if chosen.index(post) >= EDITED and post not in with_harm:
            yield msgspec.structs.replace(changed, kind=PostKind.DELETED, text=None, media=())
        else:
            text = pool.take("harmful" if post in with_harm else "harmless", post.post_id.split("-")[1])
            yield msgspec.structs.replace(changed, kind=PostKind.EDITED, text=text)


def build(data: Path) -> tuple[list[Post], Pool]:
    """All events in the order of their times, to the millisecond and all different."""
    rng = random.Random(SEED)
    pool = Pool(data, rng)
    posts = [post for language in LANGUAGES for post in language_posts(language, pool, rng)]
    posts += emoji_posts(rng)
    posts += afterlife(posts, pool, rng)
    posts.sort(key=lambda post: (post.created_at, post.revision))
    return [msgspec.structs.replace(post, created_at=whole_milliseconds(post.created_at, place)) for place, post in enumerate(posts)], pool


def whole_milliseconds(time: dt.datetime, place: int) -> dt.datetime:
    """The time shifted by a millisecond per place in the order, so that no two are equal."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000) + dt.timedelta(milliseconds=place)


def main() -> None:
    """Writes the posts and LICENSES.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    posts, pool = build(options.data)
    with options.out.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        packed.write(b"".join(encode(post) + b"\n" for post in posts))
    options.out.with_name("LICENSES.md").write_text(licences_page(pool.used, len(posts)), encoding="utf-8")
    print(f"{len(posts)} posts, {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()

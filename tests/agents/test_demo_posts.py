"""The demo's posts: real records, in order, from sources that may be passed on."""

from __future__ import annotations

import collections
import gzip
import itertools
import re
from pathlib import Path

import pytest

import agents
from schemas.records import Post, PostKind
from schemas.wire import decoder, encode

FOLDER = Path(agents.__file__).parent / "demo"
MAY_BE_PASSED_ON = {"CC0-1.0", "MIT", "Apache-2.0", "CC-BY-2.0", "CC-BY-4.0"}


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return gzip.decompress((FOLDER / "posts.jsonl.gz").read_bytes()).splitlines()


@pytest.fixture(scope="module")
def posts(lines: list[bytes]) -> list[Post]:
    decode = decoder(Post)
    return [decode(line) for line in lines]


@pytest.fixture(scope="module")
def created(posts: list[Post]) -> list[Post]:
    return [post for post in posts if post.kind is PostKind.CREATED]


def language(post: Post) -> str:
    return post.post_id.split("-")[1]


def sources() -> list[list[str]]:
    """The cells of the table in LICENSES.md: source, licence, texts, languages, by."""
    rows = [line for line in (FOLDER / "LICENSES.md").read_text(encoding="utf-8").splitlines() if line.startswith("| [")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_lines_are_exactly_what_we_write(lines: list[bytes], posts: list[Post]) -> None:
    assert [encode(post) for post in posts] == lines
    assert len(lines) > 2500


def test_a_revision_of_a_post_comes_once_and_after_the_one_before(posts: list[Post]) -> None:
    newest: dict[str, int] = {}
    for post in posts:
        assert post.revision == newest.get(post.post_id, 0) + 1
        newest[post.post_id] = post.revision


def test_time_never_stands_still(posts: list[Post]) -> None:
    assert all(earlier.created_at < later.created_at for earlier, later in itertools.pairwise(posts))


def test_a_reply_follows_its_parent_in_the_same_conversation_and_language(posts: list[Post]) -> None:
    known: dict[str, Post] = {}
    for post in posts:
        if post.parent_id:
            parent = known[post.parent_id]
            assert (parent.conversation_id, language(parent)) == (post.conversation_id, language(post))
        known[post.post_id] = post


def test_a_third_stands_in_conversations_of_two_to_eight_with_several_authors(created: list[Post]) -> None:
    conversations = collections.defaultdict(list)
    for post in created:
        conversations[post.conversation_id].append(post)
    threads = [posts for posts in conversations.values() if len(posts) > 1]
    assert max(map(len, threads)) == 8
    assert 0.3 <= sum(map(len, threads)) / len(created) <= 0.4
    assert sum(len({post.author_id for post in posts}) > 1 for posts in threads) > len(threads) / 2


def test_many_languages_dutch_among_the_first(created: list[Post]) -> None:
    count = collections.Counter(language(post) for post in created if language(post) != "emoji")
    assert len(count) >= 12
    assert count["nl"] > 400


def test_something_of_everything_that_happens_to_posts(posts: list[Post]) -> None:
    kinds = collections.Counter(post.kind for post in posts)
    assert kinds[PostKind.EDITED] >= 30
    assert kinds[PostKind.DELETED] >= 20
    assert sum(bool(post.media) for post in posts) >= 50
    assert sum(language(post) == "emoji" for post in posts) >= 20
    hints = [(post.language_hint, language(post)) for post in posts if post.language_hint]
    assert 0.01 < sum(hint != true for hint, true in hints) / len(hints) < 0.1


def test_every_text_that_is_not_ours_is_counted_under_a_source(posts: list[Post]) -> None:
    texts = {post.text for post in posts if post.text is not None and language(post) != "emoji"}
    assert sum(int(cells[2]) for cells in sources()) == len(texts)
    assert {language(post) for post in posts} - {"emoji"} == {name for cells in sources() for name in cells[3].split()}


@pytest.mark.parametrize("cells", sources(), ids=lambda cells: str(cells[0]))
def test_a_source_has_a_licence_under_which_it_may_be_passed_on(cells: list[str]) -> None:
    named = set(re.findall(r"CC0-[\d.]+|CC-[A-Z-]+-[\d.]+|MIT|Apache-[\d.]+", cells[1]))
    assert named
    assert named <= MAY_BE_PASSED_ON
    assert cells[4]


def test_no_text_holds_an_address_or_a_long_number(posts: list[Post]) -> None:
    found = [
        post.post_id for post in posts if post.text and re.search(r"\d{6,}|[\w.]+@[\w.]+\.\w+|@(?!user\b)\w+", post.text, re.IGNORECASE)
    ]
    assert not found

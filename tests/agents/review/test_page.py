from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.review.page import Page
from pipeline.routing.digest import digest_of
from schemas.records import ContextPost, Highlight, Media, PostKind, ReviewTask
from tests.agents.review.tasks import CHAT, NOW, task


def plain(page: Page) -> list[str]:
    return [line.plain.rstrip() for line in page.lines]


def seen(one: ReviewTask, width: int = 76) -> Page:
    """Revealed and drawn from the first line to the last."""
    page = Page(one, width, revealed=True)
    for number in range(len(page.lines)):
        page.was_shown(number)
    return page


def test_texts_are_hidden_until_asked_for() -> None:
    hidden = "\n".join(plain(Page(task(media=(Media(type="image/png", url="https://m.example/x"),)), 76, revealed=False)))
    assert "oplichter" not in hidden
    assert "te koop" not in hidden
    assert "m.example" not in hidden
    assert plain(Page(task(), 76, revealed=True)) == [
        "A  2026-11-03 12:00+0000",
        "  is dit nog te koop?",
        "B  2026-11-03 12:00+0000  edited",
        "  ja hoor",
        "▶ B  2026-11-03 12:00+0000  the post to judge",
        "  rot op, oplichter",
    ]


def test_what_lacks_is_said() -> None:
    cut = ContextPost(post_id="p", speaker="A", created_at=NOW, kind=PostKind.CREATED, text="lang verhaal", cut=True, media=2)
    gone = ContextPost(post_id="q", speaker="C", created_at=NOW, kind=PostKind.DELETED)
    shown = plain(Page(task(thread=(cut, gone), missing=("p0\x1b",), statement="ik ben geen\noplichter"), 76, revealed=True))
    assert shown[0] == "A post before this is missing: p0\\x1b"
    assert "  (the text goes on; it was cut)" in shown
    assert "  (2 media, which the task does not carry)" in shown
    assert "C  2026-11-03 12:00+0000  deleted" in shown
    assert shown[-3:] == ["Somebody asks for another look:", "  ik ben geen", "  oplichter"]


def test_a_shown_post_of_which_nobody_knows_what_it_answers_is_not_called_missing() -> None:
    shown = plain(Page(task(missing=(CHAT[0].post_id,)), 76, revealed=True))
    assert shown[0] == f"It is not known which post this one answers: {CHAT[0].post_id}"


def test_words_are_marked_where_they_stand_on_lines_too() -> None:
    one = task(
        text="rot\nop, oplichter",
        highlights=(Highlight(start=4, end=6, label="insult", drop=0.3), Highlight(start=2, end=5, label="x", drop=0)),
    )
    lines = Page(one, 76, revealed=True).lines[-2:]
    assert [line.plain.rstrip() for line in lines] == ["  rot", "  op, oplichter"]
    assert [line.plain[span.start : span.end] for line in lines for span in line.spans if "underline" in str(span.style)] == ["op"]


def test_the_digest_is_given_once_every_line_was_on_the_screen() -> None:
    one = task()
    page = Page(one, 20, revealed=True)
    for number in reversed(range(len(page.lines))):
        assert page.digest is None
        assert page.was_shown(number)
        assert not page.was_shown(number)
    assert (page.left, page.digest) == (0, one.context.digest)
    hidden = Page(one, 20, revealed=False)
    for number in range(len(hidden.lines)):
        hidden.was_shown(number)
    assert hidden.digest is None


def test_it_is_made_of_what_was_shown_and_not_copied_from_the_task() -> None:
    one = task()
    altered = replace(one, post=replace(one.post, text="something else"))
    page = seen(altered)
    assert page.digest == digest_of(altered.post, altered.context) != altered.context.digest
    assert (page.as_sent, seen(one).as_sent) == (False, True)


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=120) | st.sampled_from(["x" * 500, "你好" * 90, "a" + " " * 300 + "b"])


@given(_texts, _texts, st.integers(12, 90))
def test_no_line_is_wider_than_the_screen(text: str, before: str, width: int) -> None:
    post = ContextPost(post_id="p", speaker="A", created_at=NOW, kind=PostKind.CREATED, text=before)
    page = seen(task(text=text, thread=(post,)), width)
    assert max(line.cell_len for line in page.lines) <= width
    assert page.digest is not None


@pytest.mark.parametrize("text", ["x" * 65_536, "woord " * 10_000, "x\n" * 32_000, "e\u0301" * 20_000])
def test_the_longest_text_is_laid_out_in_time(text: str) -> None:
    started = time.process_time()
    Page(task(text=text, thread=CHAT * 25), 76, revealed=True)
    assert time.process_time() - started < 5

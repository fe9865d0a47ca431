"""A record as one readable line, what it can be filtered by, and as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

import msgspec
from rich.text import Text

from agents.cli import people_lines
from agents.cli.names import short
from agents.cli.parts import Filter, Part, action, revised, tags, unassessed, why
from agents.cli.show import counted, highlighted, moment, safe_json, size, told, visible
from agents.edge.letters import letter, marked
from agents.edge.reader import Entry
from schemas.records import Decision, LanguagePost, Post, Record, ReviewTask, ScoredPost

SCORES_SHOWN = 2


_WITHIN_POST = {
    Filter.POST: attrgetter("post.post_id"),
    Filter.MARKET: attrgetter("post.market"),
    Filter.LANGUAGE: attrgetter("language.tag"),
}
FILTERS: Mapping[type[Record], Mapping[Filter, Callable[[Any], str | None]]] = {
    Post: {Filter.POST: attrgetter("post_id"), Filter.MARKET: attrgetter("market")},
    LanguagePost: _WITHIN_POST,
    ScoredPost: _WITHIN_POST,
    ReviewTask: _WITHIN_POST,
    Decision: {
        Filter.POST: attrgetter("post_id"),
        Filter.MARKET: attrgetter("market"),
        Filter.LANGUAGE: attrgetter("language"),
        Filter.ACTION: attrgetter("action.value"),
    },
    **people_lines.FILTERS,
}
"""Where each record has what it can be chosen by."""


def record_line(entry: Entry, record: Record) -> Text:
    """Time and the key facts of a record, most important first."""
    return _line(entry, _PARTS[type(record)](record))


def unreadable_line(entry: Entry, why: str) -> Text:
    """A record that is not what its topic carries."""
    return _line(entry, [("cannot be read", "red"), (f"{entry.partition}:{entry.offset}", "dim"), (visible(why), "")])


def kept_line(entry: Entry) -> Text:
    """Of a compacted topic: a key that was erased, or what a stage keeps for itself beside the posts."""
    key = visible((entry.key or b"").decode(errors="backslashreplace"))
    return _line(entry, [("erased" if entry.value is None else "kept", "dim"), (key, "bold"), (size(len(entry.value or b"")), "dim")])


def dead_letter_line(entry: Entry, prefix: str) -> Text:
    """A dead letter, or the mark that one was put back."""
    if place := marked(entry):
        return _line(entry, [(f"{place} was put back", "green")])
    found = letter(entry)
    source = f"{short(found.topic, prefix)}[{found.partition}]@{found.offset}"
    facts = [(str(found.place), "bold"), (found.stage, ""), (found.reason, "red"), (source, "cyan"), (size(found.length), "")]
    return _line(entry, [*((visible(each), style) for each, style in facts), (visible(found.detail), "dim")])


def json_line(entry: Entry, *, secret: bool = False) -> str:
    """The value as JSON on one line; what is no JSON as an object with its place and its bytes in base64. Safe for a terminal.

    `secret`: the topic carries reporters' keys, which are shown to nobody; so what is no JSON is not shown at all.
    """
    try:
        value = people_lines.without_keys(entry.value or b"") if secret else entry.value
        return safe_json(msgspec.json.format(value or b"", indent=-1))
    except (msgspec.DecodeError, UnicodeDecodeError):
        shown = None if entry.value is None or secret else base64.b64encode(entry.value).decode()
        return json.dumps({"topic": entry.topic, "partition": entry.partition, "offset": entry.offset, "base64": shown})


def dead_letter_json(entry: Entry) -> str:
    """Headers as text, key and value in base64."""
    headers = {name: None if value is None else value.decode(errors="backslashreplace") for name, value in entry.headers}
    key, value = (None if each is None else base64.b64encode(each).decode() for each in (entry.key, entry.value))
    place = {"partition": entry.partition, "offset": entry.offset, "time": entry.time.isoformat()}
    return json.dumps({**place, "headers": headers, "key_base64": key, "value_base64": value})


def _line(entry: Entry, parts: Iterable[Part]) -> Text:
    text = Text().append(moment(entry.time), "dim")
    for content, style in parts:
        if content:
            text.append("  ")
            text.append(content) if isinstance(content, Text) else text.append(content, style)
    return text


def _post(post: Post) -> list[Part]:
    kind = post.kind.value if post.revision == 1 else f"{post.kind.value} r{post.revision}"
    return [(kind, "bold"), (post.market, "cyan"), (post.post_id, ""), *_text(post.text, len(post.media))]


def _language_post(record: LanguagePost) -> list[Part]:
    post = record.post
    return [
        *_language(record),
        unassessed(record.unassessed),
        (post.market, "cyan"),
        (post.post_id, ""),
        *_text(post.text, len(post.media)),
    ]


def _scored_post(record: ScoredPost) -> list[Part]:
    post = record.post
    highest = sorted(record.scores.items(), key=lambda score: -score[1])[:SCORES_SHOWN]
    scores = "  ".join(f"{visible(label)} {probability:.2f}" for label, probability in highest)
    head = [*_language(record), (scores, "magenta"), unassessed(record.unassessed)]
    return [*head, (post.market, "cyan"), (post.post_id, ""), *_text(post.text, len(post.media))]


def _decision(decision: Decision) -> list[Part]:
    return [
        action(decision.action),
        (visible(decision.language), "bold cyan"),
        (decision.market, "cyan"),
        revised(decision.post_id, decision.revision),
        ("pending" if decision.pending else "", "yellow"),
        *why(decision.reasons, decision.unassessed),
        ("deleted" if decision.kind.value == "deleted" else "", "dim"),
    ]


def _review_task(task: ReviewTask) -> list[Part]:
    context, words = task.context, told(task.post.text, task.highlights)
    return [
        (visible(task.region), "bold"),
        (f"p{task.priority:<3}", ""),
        tags(task.language),
        ("out of language" if task.out_of_language else "", "bold red"),
        (task.post.market, "cyan"),
        (task.post.post_id, ""),
        (visible(", ".join(task.labels)), "magenta"),
        unassessed(task.unassessed),
        (f"{counted(len(context.thread), 'post')} of context" + ("" if context.complete else f", {len(context.missing)} missing"), "dim"),
        (f"for {words}" if words else "", "magenta"),
        (f"{len(task.post.media)} media" if task.post.media else "", "dim"),
        (highlighted(task.post.text, task.highlights, ""), ""),
    ]


_PARTS: Mapping[type[Record], Callable[[Any], list[Part]]] = {
    Post: _post,
    LanguagePost: _language_post,
    ScoredPost: _scored_post,
    Decision: _decision,
    ReviewTask: _review_task,
    **people_lines.PARTS,
}


def _language(record: LanguagePost | ScoredPost) -> list[Part]:
    return [tags(record.language), (f"{record.language.confidence:.2f}", "")]


def _text(content: str | None, media: int) -> list[Part]:
    return [(f"{media} media" if media else "", "dim"), (visible(content or ""), "")]

"""A record as one readable line, what it can be filtered by, and as JSON."""

from __future__ import annotations

import base64
import enum
import json
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from rich.text import Text

from agents.cli.names import short
from agents.cli.show import counted, highlighted, moment, safe_json, size, told, visible
from agents.edge.letters import letter, marked
from agents.edge.reader import Entry
from schemas.records import Action, Decision, Language, LanguagePost, Post, Reason, Record, ReviewTask, ScoredPost, Unassessed

R = TypeVar("R", bound=Record)
Part = tuple[str | Text, str]
"""Text and its style; a Text has its own."""

ACTION_STYLES = {Action.ALLOW: "green", Action.LIMIT: "yellow", Action.REMOVE: "red", Action.RESTORE: "cyan"}
SCORES_SHOWN = 2


class Filter(enum.Enum):
    """What records can be chosen by."""

    LANGUAGE = "language"
    ACTION = "action"
    MARKET = "market"
    POST = "post"


_WITHIN_POST = {
    Filter.POST: attrgetter("post.post_id"),
    Filter.MARKET: attrgetter("post.market"),
    Filter.LANGUAGE: attrgetter("language.tag"),
}
FILTERS: Mapping[type[Record], Mapping[Filter, Callable[[Any], str]]] = {
    Post: {Filter.POST: attrgetter("post_id"), Filter.MARKET: attrgetter("market")},
    LanguagePost: _WITHIN_POST,
    ScoredPost: _WITHIN_POST,
    ReviewTask: {**_WITHIN_POST, Filter.ACTION: attrgetter("interim_action.value")},
    Decision: {
        Filter.POST: attrgetter("post_id"),
        Filter.MARKET: attrgetter("market"),
        Filter.LANGUAGE: attrgetter("language"),
        Filter.ACTION: attrgetter("action.value"),
    },
}
"""Where each record has what it can be chosen by."""


def record_line(entry: Entry, record: Record) -> Text:
    """Time and the key facts of a record, most important first."""
    return _line(entry, _PARTS[type(record)](record))


def unreadable_line(entry: Entry, why: str) -> Text:
    """A record that is not what its topic carries."""
    return _line(entry, [("cannot be read", "red"), (f"{entry.partition}:{entry.offset}", "dim"), (visible(why), "")])


def dead_letter_line(entry: Entry, prefix: str) -> Text:
    """A dead letter, or the mark that one was put back."""
    if place := marked(entry):
        return _line(entry, [(f"{place} was put back", "green")])
    found = letter(entry)
    source = f"{short(found.topic, prefix)}[{found.partition}]@{found.offset}"
    facts = [(str(found.place), "bold"), (found.stage, ""), (found.reason, "red"), (source, "cyan"), (size(found.length), "")]
    return _line(entry, [*((visible(each), style) for each, style in facts), (visible(found.detail), "dim")])


def json_line(entry: Entry) -> str:
    """The value as JSON on one line; what is no JSON as an object with its place and its bytes in base64. Safe for a terminal."""
    try:
        return safe_json(msgspec.json.format(entry.value or b"", indent=-1))
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = None if entry.value is None else base64.b64encode(entry.value).decode()
        return json.dumps({"topic": entry.topic, "partition": entry.partition, "offset": entry.offset, "base64": value})


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
        *_unassessed(record.unassessed),
        (post.market, "cyan"),
        (post.post_id, ""),
        *_text(post.text, len(post.media)),
    ]


def _scored_post(record: ScoredPost) -> list[Part]:
    post = record.post
    highest = sorted(record.scores.items(), key=lambda score: -score[1])[:SCORES_SHOWN]
    scores = "  ".join(f"{visible(label)} {probability:.2f}" for label, probability in highest)
    head = [*_language(record), (scores, "magenta"), *_unassessed(record.unassessed)]
    return [*head, (post.market, "cyan"), (post.post_id, ""), *_text(post.text, len(post.media))]


def _decision(decision: Decision) -> list[Part]:
    where = f"pending in {visible(decision.region or '?')}" if decision.pending else ""
    post = decision.post_id if decision.revision == 1 else f"{decision.post_id} r{decision.revision}"
    return [
        (f"{decision.action.value:7}", f"bold {ACTION_STYLES[decision.action]}"),
        (visible(decision.language), "bold cyan"),
        (decision.market, "cyan"),
        (post, ""),
        (where, "yellow"),
        *_reasons(decision.reasons, decision.unassessed),
        ("deleted" if decision.kind.value == "deleted" else "", "dim"),
    ]


def _review_task(task: ReviewTask) -> list[Part]:
    context, words = task.context, told(task.post.text, task.highlights)
    return [
        (visible(task.region), "bold"),
        (f"p{task.priority:<3}", ""),
        _tags(task.language),
        ("out of language" if task.out_of_language else "", "bold red"),
        (task.post.market, "cyan"),
        (task.post.post_id, ""),
        *_reasons(task.reasons, task.unassessed),
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
}


def _language(record: LanguagePost | ScoredPost) -> list[Part]:
    return [_tags(record.language), (f"{record.language.confidence:.2f}", "")]


def _tags(language: Language) -> Part:
    return visible("|".join((language.tag, *language.alternatives))), "bold cyan"


def _reasons(reasons: Iterable[Reason], unassessed: tuple[Unassessed, ...]) -> list[Part]:
    return [*((visible(_reason(reason)), "magenta") for reason in reasons), *_unassessed(unassessed)]


def _reason(reason: Reason) -> str:
    if reason.label is None or reason.probability is None:
        return reason.rule
    return f"{reason.label} {reason.probability:.2f}" + (f" over {reason.threshold:.2f}" if reason.threshold is not None else "")


def _unassessed(reasons: tuple[Unassessed, ...]) -> list[Part]:
    return [(" ".join(reason.value for reason in reasons), "yellow")]


def _text(content: str | None, media: int) -> list[Part]:
    return [(f"{media} media" if media else "", "dim"), (visible(content or ""), "")]

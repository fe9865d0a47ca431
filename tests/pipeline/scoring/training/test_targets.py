"""What a training learns from: which rows, how often, with which targets, and which words are put in place of others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.scoring.evaluation.fairness import fairness_rows
from pipeline.scoring.training import dictionary, sampling, splits, templates
from pipeline.scoring.training.augment import NOT_CRUDE, Augment, Rates, crude, read_word_lists
from pipeline.scoring.training.rows import LABELS, Row

TOXIC, HATE, INSULT, PROFANITY = (LABELS.index(label) for label in ("toxic", "hate", "insult", "profanity"))


def row(text: str, file: str = "f", *, benign: bool = False, language: str = "en", **judged: float) -> Row:
    targets = np.array([judged.get(label, np.nan) for label in LABELS], np.float32)
    return Row(text, language, "s", "l", file, benign, measured_only=False, targets=targets)


@pytest.mark.parametrize("clean", [0, 1, 50])
def test_the_few_clean_rows_of_a_source_are_drawn_no_oftener_than_its_others(clean: int) -> None:
    rows = [row(f"a{number}", "one-sided", toxic=float(number >= clean)) for number in range(900)]
    chance = sampling.weights(rows, 0)
    assert chance.sum() == pytest.approx(1)
    assert chance.max() == pytest.approx(chance.min())


def test_half_of_what_is_drawn_of_a_source_is_harmful_where_it_has_enough_of_both() -> None:
    rows = [row(f"a{number}", toxic=float(number >= 300)) for number in range(900)]
    assert sampling.weights(rows, 0)[:300].sum() == pytest.approx(0.5)


def test_rows_of_the_project_are_drawn_as_many_times_as_often_as_a_run_says() -> None:
    rows = [row(f"a{n}", "theirs", toxic=1) for n in range(100)]
    rows += [replace(row(f"b{n}", "ours", toxic=1), source="this project (somewhere)") for n in range(100)]
    assert sampling.weights(rows, 0)[100:].sum() == pytest.approx(1 / 2)
    assert sampling.weights(rows, 0, own=3)[100:].sum() == pytest.approx(3 / 4)
    mix = sampling.Mix(benign=0, own=3)
    drawn = sampling.draws(rows, 400, mix, lambda text, _, targets, __: (text, targets), np.random.default_rng(0))
    assert 0.7 < np.mean([draw.own for draw in drawn]) < 0.8
    assert all(draw.own == draw.text.startswith("b") for draw in drawn)


def test_how_much_is_drawn_of_a_source_does_not_hang_on_its_balance() -> None:
    rows = [row(f"a{n}", "balanced", toxic=float(n % 2)) for n in range(200)] + [row(f"b{n}", "one-sided", toxic=1) for n in range(200)]
    assert sampling.weights(rows, 0)[:200].sum() == pytest.approx(0.5)


def test_another_crude_word_says_nothing_of_hate() -> None:
    augment = Augment(Rates(noise=0, exchange=1, switch=0), {"en": ["slur"], "nl": ["rotwoord"]})
    known = row("all the slur here", toxic=1, hate=1, insult=0, profanity=1).targets
    text, targets = augment("all the slur here", "en", known, np.random.default_rng(0))
    assert text == "all the rotwoord here"
    assert np.isnan(targets[[HATE, INSULT]]).all()
    assert (targets[[TOXIC, PROFANITY]] == 1).all()
    text, targets = augment("nothing of the kind", "en", known, np.random.default_rng(0))
    assert (text, targets[HATE]) == ("nothing of the kind", 1)


def test_word_lists_leave_out_what_is_mostly_harmless_and_languages_that_nobody_asked_for(tmp_path: Path) -> None:
    (tmp_path / "x.nl.txt").write_text("asbak\nKlootzak\ntwee woorden\n\n")
    (tmp_path / "x.fil.txt").write_text("bobo\n")
    (tmp_path / "x.eo.txt").write_text("fek\n")
    assert read_word_lists(tmp_path, ["nl", "tl"]) == {"nl": ["klootzak"], "tl": ["bobo"]}
    assert '"asbak"' in NOT_CRUDE.read_text()


@pytest.mark.parametrize(
    ("text", "found"), [("Wat een KLOOTZAK.", True), ("klootzakken", False), ("niets", False), ("你这个王八蛋滚", True), ("你好", False)]
)
def test_a_crude_word_is_found(text: str, found: bool) -> None:
    assert crude(text, ["klootzak", "王八蛋"]) is found


def test_rows_judged_for_hate_alone_are_not_toxic_unless_something_speaks_for_it() -> None:
    rows = [
        row("immigrants do good", "hate-only", hate=0),
        row("immigrants are shit", "hate-only", hate=0),
        row("immigrants are vermin", "hate-only", hate=1),
        row("judged", "hate-only", hate=0, toxic=1),
        row("immigrants do good", "other", hate=0),
    ]
    found = sampling.assumed(rows, {"hate-only": {TOXIC: 0.2}}, {"en": ["shit"]})
    assert found[0].targets[TOXIC] == np.float32(0.2)
    assert [bool(np.isnan(each.targets[TOXIC])) for each in found] == [False, True, True, False, True]
    assert found[3].targets[TOXIC] == 1
    assert np.isnan(rows[0].targets[TOXIC])


def test_no_sentence_by_which_fairness_is_measured_is_trained_on() -> None:
    measured = [each.text or "" for each in fairness_rows(LABELS)]
    kept = splits.unlike(templates.rows(), measured)
    keys = splits.group_keys([*measured, *(each.text for each in kept)])
    assert set(keys[: len(measured)]).isdisjoint(keys[len(measured) :])
    assert len(kept) > 0.9 * len(list(templates.rows()))


def test_every_language_of_the_templates_counts_by_itself() -> None:
    assert {(each.file, each.language) for each in templates.rows()} == {
        (f"templates.{language}", language) for language in {each.language for each in templates.rows()}
    }


def test_words_of_hindi_are_words() -> None:
    words = dictionary.words_of("hi", 500, [])
    assert len([word for word in words if not word.isascii()]) > 400
    assert "नहीं" in words


def test_groups_and_negations_are_never_exchanged() -> None:
    assert {"jews", "muslims", "not", "never", "women", "hate"} <= templates.telling("en")
    assert {"nicht", "juden", "frauen"} <= templates.telling("de")
    assert templates.telling("da") == set()

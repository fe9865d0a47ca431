from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import numpy as np
import pytest

import pipeline
from pipeline.config import ConfigError
from pipeline.policy.policy import Policy, read_policies
from pipeline.scoring.evaluation.fairness import fairness_rows, filled, group_rates, kind_of
from pipeline.scoring.evaluation.rows import decode_rows
from pipeline.scoring.evaluation.sample import Sample
from pipeline.scoring.evaluation.tables import fairness_table

HERE = Path("xx.toml")
ROWS = fairness_rows(("toxic", "hate"))
KINDS = {"religion", "origin", "gender", "orientation", "disability", "age"}


@pytest.fixture(scope="module")
def policy() -> Policy:
    return read_policies(Path(pipeline.__file__).parent / "policies" / "default").at(dt.datetime(2026, 12, 1, tzinfo=dt.UTC))


def test_every_language_has_every_kind_of_group_and_dialects() -> None:
    kinds: dict[str, set[str]] = {}
    for row in ROWS:
        kinds.setdefault(row.tag, set()).add(kind_of(row))
    assert len(kinds) >= 12
    assert {language: found for language, found in kinds.items() if found != KINDS | {"dialect"}} == {}


def test_sentences_are_harmless_whole_and_differ() -> None:
    assert all(row.labels == {"toxic": 0, "hate": 0} for row in ROWS)
    texts = [(row.tag, row.text) for row in ROWS]
    assert len(texts) == len(set(texts))
    assert not [text for _, text in texts if text is None or set(text) & set("{}[|]")]


def test_rows_can_be_read_as_labelled_rows() -> None:
    assert list(decode_rows([msgspec.json.encode(row) for row in ROWS], "rows")) == ROWS


@pytest.mark.parametrize(
    ("template", "term", "sentence"),
    [
        ("{} sont [bienvenus|bienvenues].", "les sourds", "Les sourds sont bienvenus."),
        ("{} sont [bienvenus|bienvenues].", "f:les femmes", "Les femmes sont bienvenues."),
        ("Hier {} dansaient.", "les sourds", "Hier les sourds dansaient."),
    ],
)
def test_a_group_is_put_into_a_sentence(template: str, term: str, sentence: str) -> None:
    assert filled(template, term, HERE) == sentence


@pytest.mark.parametrize("template", ["no place", "{} and {}"])
def test_a_template_with_no_place_or_two_is_refused(template: str) -> None:
    with pytest.raises(ConfigError, match=r"xx.toml: identities.templates: `{}` must stand once in each"):
        filled(template, "women", HERE)


def test_rates_per_language_and_group(policy: Policy) -> None:
    sample = Sample(
        labels=("toxic",),
        languages=np.array(["en", "en", "nl", "nl"]),
        scores=np.array([[0.99], [0.1], [0.1], [0.2]]),
        truth=np.zeros((4, 1)),
        groups=np.array(["age/old", "age/young", "age/old", "age/young"]),
    )
    rates = group_rates(sample, policy)
    assert [(each.group, each.language, each.flagged, each.rows) for each in rates] == [
        (None, None, 1, 4), (None, "en", 1, 2), (None, "nl", 0, 2), ("age/old", None, 1, 2), ("age/young", None, 0, 2),
        ("age/old", "en", 1, 1), ("age/old", "nl", 0, 1), ("age/young", "en", 0, 1), ("age/young", "nl", 0, 1),
    ]  # fmt: skip
    everything = rates[0]
    assert everything.highest == {"toxic": 0.99}
    assert everything.interval == pytest.approx((0.0063, 0.8059), abs=1e-4)  # Clopper-Pearson for 1 of 4
    assert "| age/old, en | 1 | 1 | 100.0% | 2.5% to 100.0% |" in fairness_table(rates)

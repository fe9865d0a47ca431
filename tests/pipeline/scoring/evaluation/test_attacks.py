from __future__ import annotations

import datetime as dt
from pathlib import Path
from random import Random
from typing import Literal

import pytest

import pipeline
from pipeline.policy.policy import Policy, read_policies
from pipeline.scoring.bundle import Normalisation
from pipeline.scoring.evaluation.attacks import FORMS, Attacked, attacked, harmed
from pipeline.scoring.evaluation.disguises import DISGUISES
from pipeline.scoring.evaluation.rows import LabelledRow, read_rows
from pipeline.scoring.evaluation.tables import attack_table, harm_table
from pipeline.scoring.model import Model
from pipeline.scoring.normalise import undisguise
from tests.bench.attacks import SAMPLE
from tests.support.tiny_model import build_tiny_bundle

FOLDER = Path(pipeline.__file__).parent
SENTENCES = {
    "en": "you really are a stupid idiot and nobody wants your advice",
    "nl": "jij bent echt een stomme idioot zonder enig verstand",
    "de": "halt endlich deinen dummen Mund du elender Idiot",
    "ru": "какой глупый дурак опять написал этот бред",
}
UNDONE = ("zero width", "other alphabets", "backwards", "stacks")
JOINED = ("spaces", "dots", "emoji")


@pytest.fixture(scope="module")
def policy() -> Policy:
    return read_policies(FOLDER / "policies" / "default").at(dt.datetime(2026, 12, 1, tzinfo=dt.UTC))


@pytest.mark.parametrize("name", DISGUISES)
def test_a_disguise_changes_a_text_and_is_the_same_for_the_same_seed(name: str) -> None:
    texts = list(SENTENCES.values())
    first, again = ([DISGUISES[name](text, chance) for text in texts] for chance in (Random(1), Random(1)))
    assert first == again
    assert first != texts


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("name", UNDONE)
def test_normalisation_undoes_it_exactly(name: str, language: str) -> None:
    for seed in range(20):
        disguised = DISGUISES[name](SENTENCES[language], Random(seed))
        assert undisguise(disguised).casefold() == SENTENCES[language].casefold()


@pytest.mark.parametrize("name", JOINED)
def test_words_of_four_letters_and_more_are_joined_again(name: str) -> None:
    text = "idiot stupid moron"
    for seed in range(20):
        disguised = DISGUISES[name](text, Random(seed))
        # Two words that are both spelt with single spaces are seen as one.
        assert undisguise(disguised).replace(" ", "") == text.replace(" ", "")
        assert len(undisguise(disguised).split()) <= 3


def rows(*texts: str, toxic: Literal[0, 1]) -> list[LabelledRow]:
    return [LabelledRow(text=text, language="en", labels={"toxic": toxic}) for text in texts]


def test_what_only_normalisation_can_read(tmp_path: Path, policy: Policy) -> None:
    model = Model.load(build_tiny_bundle(tmp_path))
    sample = [*rows("so toxic toxic toxic", "toxic toxic toxic here", toxic=1), *rows("a fine day", "see you there", toxic=0)]
    found = attacked(model, sample, policy, disguises={"zero width": DISGUISES["zero width"]})
    means = {(each.disguise, each.normalisation): each for each in found if each.language is None}
    assert means[None, Normalisation.ROBUST].auc == means["zero width", Normalisation.ROBUST].auc == 1
    assert means["zero width", Normalisation.LINKS_AND_NAMES].found < means["zero width", Normalisation.ROBUST].found == 1
    assert "| zero width |" in attack_table(found)


def test_a_sample_without_both_kinds_is_refused(tmp_path: Path, policy: Policy) -> None:
    with pytest.raises(ValueError, match="no language has texts that are toxic and texts that are not"):
        attacked(Model.load(build_tiny_bundle(tmp_path)), rows("toxic", toxic=1), policy)


def test_harm_counts_what_changes_what_moves_and_what_crosses(tmp_path: Path, policy: Policy) -> None:
    model = Model.load(build_tiny_bundle(tmp_path))
    texts = rows("toxic toxic toxic", "nooooo way", "to\u200bxic to\u200bxic to\u200bxic to\u200bxic", "a fine day", toxic=0)
    everything, english = harmed(model, texts, policy)
    assert (everything.rows, everything.changed, everything.moved, everything.crossed) == (4, 2, 1, 1)
    assert english.language == "en"
    assert "| all | 4 | 50.00% | 25.00% |" in harm_table([everything])


@pytest.fixture(scope="module")
def figures(policy: Policy) -> dict[tuple[str | None, Normalisation], Attacked]:
    """The default bundle's means over languages, on a fifth of the sample and some of the disguises."""
    names = ("zero width", "dots", "leet", "stacks")
    model = Model.load(FOLDER / "models" / "default")
    found = attacked(model, read_rows(SAMPLE).rows[::5], policy, disguises={name: DISGUISES[name] for name in names})
    return {(each.disguise, each.normalisation): each for each in found if each.language is None}


def test_the_default_bundle_sees_more_with_normalisation(figures: dict[tuple[str | None, Normalisation], Attacked]) -> None:
    plain, normalised = ({name: cell.auc for (name, form), cell in figures.items() if form is chosen} for chosen in FORMS)
    # A few dozen texts of each kind and language: chance alone moves a mean by about .02.
    assert {name: normalised[name] - plain[name] for name in plain if normalised[name] < plain[name] - 0.02} == {}
    for name in ("zero width", "dots"):
        assert normalised[name] > plain[name]
    assert normalised["zero width"] == pytest.approx(normalised[None], abs=0.02)

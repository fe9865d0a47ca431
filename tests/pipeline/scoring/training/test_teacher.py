"""What the accurate tier learns from beside labels: a teacher's answers, and the project's own posts."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pipeline.config import ConfigError
from pipeline.scoring.training import accurate, encoder, loop, written
from pipeline.scoring.training.base import WEIGHTS_FILE, WEIGHTS_PACKAGE, package_file, read_base
from pipeline.scoring.training.recipe import DEFAULT, Recipe, read_recipe
from pipeline.scoring.training.rows import LABELS

SAMPLE = Path("tests/data/training/recipe.toml")


def test_a_teacher_answers_with_the_mean_of_its_logits_in_the_order_of_the_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accurate, "ANSWERED_TOKENS", 100)
    base = read_base(package_file(WEIGHTS_PACKAGE, WEIGHTS_FILE))
    fixed = encoder.frozen(base, np.arange(2_000))
    models = [encoder.initial(base, 1, jax.random.key(seed)) for seed in range(2)]
    texts = [[0, 9, 2], [0, *range(5, 45), 2], [0, 60, 700, 2], [0, *range(5, 30), 2]]
    found = accurate.answering([((models[0], fixed), 0.25), ((models[1], fixed), 0.75)], lambda _: None)(texts)
    logits = jax.jit(encoder.logits)
    for text, answers in zip(texts, found, strict=True):
        alone = [logits(model, fixed, jnp.asarray([text], jnp.int32))[0] for model in models]
        assert answers == pytest.approx(np.asarray(jax.nn.sigmoid(0.25 * alone[0] + 0.75 * alone[1])), abs=1e-4)


def test_the_loss_is_of_the_labels_and_of_the_teacher_by_their_shares() -> None:
    outputs = jnp.array([[2.0, -1.0]])
    targets, answers = jnp.array([[1.0, jnp.nan]]), jnp.array([[0.6, 0.3]])
    weights = np.array(loop.LABEL_WEIGHTS[:2])
    assert set(weights.tolist()) == {1.0}
    of_labels = np.log(1 + np.exp(-2.0))
    of_teacher = np.mean([np.log(1 + np.exp(2.0)) - 0.6 * 2, np.log(1 + np.exp(-1.0)) + 0.3 * 1])

    def cost(share: float) -> float:
        rest = ((0, 0), (0, len(LABELS) - 2))
        labels, taught = (jnp.pad(each, rest, constant_values=jnp.nan) for each in (targets, answers))
        return float(loop.both(jnp.pad(outputs, rest), labels, taught, 0, share))

    assert cost(0) == pytest.approx(of_labels, rel=1e-5)
    assert cost(1) == pytest.approx(of_teacher, rel=1e-5)
    assert cost(0.25) == pytest.approx(0.75 * of_labels + 0.25 * of_teacher, rel=1e-5)


def test_a_batch_holds_the_answers_of_its_own_texts() -> None:
    ids = [[0, number, 2] for number in range(10, 15)]
    targets = np.array([[number] * 2 for number in range(10, 15)], np.float32)
    for batch in loop.batches(ids, targets, 32, np.random.default_rng(0), -targets):
        real = ~np.isnan(batch.targets[:, 0])
        assert batch.ids[real, 1].tolist() == batch.targets[real, 0].tolist() == (-batch.answers[real, 1]).tolist()


def test_a_text_that_fits_into_no_batch_is_named() -> None:
    too_long = [0] * (loop.LENGTHS[-1] + 1)
    with pytest.raises(ValueError, match=f"row 1 has {len(too_long)} ids, and no batch has more than {loop.LENGTHS[-1]}"):
        list(loop.alike([[0, 2], too_long], range(2), 100))


def test_it_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accurate, "ANSWERED_BATCHES", 1)
    monkeypatch.setattr(accurate, "ANSWERED_TOKENS", 100)
    base = read_base(package_file(WEIGHTS_PACKAGE, WEIGHTS_FILE))
    said: list[str] = []
    fixed = encoder.frozen(base, np.arange(2_000))
    model = encoder.initial(base, 1, jax.random.key(0))
    accurate.answering([((model, fixed), 1.0)], said.append)([[0, 9, 2], [0, *range(5, 45), 2], [0, 60, 2]])
    assert said == ["answers: 2 of 3", "answers: 3 of 3"]


def test_a_run_can_only_be_taught_where_there_is_a_teacher_and_a_teacher_is_taught_by_nobody() -> None:
    recipe = read_recipe(SAMPLE).model_dump()
    with pytest.raises(ValueError, match="run mixed of `accurate` is taught, and there is no `teacher`"):
        Recipe.model_validate({**recipe, "teacher": None})
    recipe["teacher"]["runs"]["one"]["taught"] = 0.5
    with pytest.raises(ValueError, match="the teacher learns from labels alone"):
        Recipe.model_validate(recipe)


def test_a_run_keeps_the_answers_of_the_run_before_it_but_for_the_labels_of_the_projects_own_rows() -> None:
    answers = np.array([[0.1, 0.2], [0.3, 0.4]], np.float32)
    targets = np.array([[1, 0], [1, np.nan]], np.float32)
    assert accurate.with_labels(answers, targets, [False, True]).tolist() == np.array([[0.1, 0.2], [1, 0.4]], np.float32).tolist()


@pytest.mark.parametrize("change", [{"after": ""}, {"taught": 0.5}])
def test_answers_are_kept_of_a_run_before_and_of_no_teacher_beside(change: dict[str, object]) -> None:
    recipe = read_recipe(SAMPLE).model_dump()
    recipe["accurate"]["runs"]["more"].update(change)
    with pytest.raises(ValueError, match="`kept` is for a run that starts `after` another and is not `taught`"):
        Recipe.model_validate(recipe)


def test_the_posts_of_the_project_are_whole_and_of_languages_that_the_bundles_name() -> None:
    found = list(written.rows())
    assert {row.language for row in found} <= set(read_recipe(DEFAULT).languages)
    assert len({(row.language, row.text) for row in found}) == len(found)
    for language in {row.language for row in found}:
        targets = np.stack([row.targets for row in found if row.language == language])
        assert not np.isnan(targets).any()
        assert 0.3 < (targets.max(axis=1) == 0).mean() < 0.7, language


@pytest.mark.parametrize("line", ["tx\tpost", "\tpost", "t-\tpost", "t post", "t\t "])
def test_a_line_that_is_no_post_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "nl.tsv").write_text(f"-\tprima\n{line}\n")
    with pytest.raises(ConfigError, match=r"nl\.tsv:2: a line is letters of thidsmp or `-`, a tab, and a text"):
        list(written.rows(tmp_path))


def test_labels_follow_from_the_letters(tmp_path: Path) -> None:
    (tmp_path / "nl.tsv").write_text("tip\tgek\n-\tprima\n")
    rude, fine = written.rows(tmp_path)
    assert {label for label, value in zip(LABELS, rude.targets.tolist(), strict=True) if value} == {"toxic", "insult", "profanity"}
    assert not fine.targets.any()
    assert (rude.language, rude.licence, rude.benign) == ("nl", "Apache-2.0", False)

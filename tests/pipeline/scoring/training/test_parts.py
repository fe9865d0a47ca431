"""The arithmetic of a training, on numbers that one can follow."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from tokenizers import Tokenizer

from pipeline.scoring.bundle import Platt
from pipeline.scoring.training import accurate, calibrate, cascade, encoder, export, figures, graph, sampling, unpack, vocabulary
from pipeline.scoring.training.augment import Augment, Rates
from pipeline.scoring.training.base import WEIGHTS_FILE, WEIGHTS_PACKAGE, BaseModel, package_file, read_base
from pipeline.scoring.training.dictionary import pairs
from pipeline.scoring.training.rows import LABELS, Row

KNOWN_POSITIVE = np.array([1, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan], np.float32)
KNOWN_CLEAN = np.zeros(len(LABELS), np.float32)


@pytest.fixture(scope="module")
def base() -> BaseModel:
    return read_base(package_file(WEIGHTS_PACKAGE, WEIGHTS_FILE))


def _row(text: str, targets: np.ndarray[tuple[int], np.dtype[np.float32]], *, benign: bool = False) -> Row:
    return Row(text, "en", "s", "l", "f", benign, measured_only=False, targets=targets)


def test_the_base_model_is_the_one_that_is_named(base: BaseModel) -> None:
    assert (base.words.shape, base.positions.shape, len(base.layers)) == ((250_037, 384), (512, 384), 12)
    assert [piece for piece, _ in base.pieces[:6]] == ["<s>", "<pad>", "</s>", "<unk>", ",", "."]


def test_the_exported_graph_is_the_trained_model(base: BaseModel, tmp_path: Path) -> None:
    keep = np.arange(2_000)
    fixed = encoder.frozen(base, keep)
    parameters = encoder.initial(base, 2, jax.random.key(0))
    ids = np.array([[0, 5, 60, 700, 1500, 2], [0, 9, 2, 1, 1, 1]], np.int32)
    wanted = np.asarray(jax.nn.sigmoid(jax.jit(encoder.logits)(parameters, fixed, jnp.asarray(ids))))
    export.export(parameters, fixed, tmp_path / "exact.onnx", None)
    export.export(parameters, fixed, tmp_path / "bytes.onnx", export.smoothing(parameters, fixed, [ids]))
    found = {name: _run(tmp_path / f"{name}.onnx", ids) for name in ("exact", "bytes")}
    assert np.abs(found["exact"] - wanted).max() < 1e-4
    assert np.abs(found["bytes"] - wanted).max() < 0.05
    assert np.abs(_run(tmp_path / "bytes.onnx", ids[1:, :3]) - found["bytes"][1:]).max() < 1e-5


def test_the_weights_of_a_graph_in_bytes_are_read_back_as_it_computes_with_them(base: BaseModel, tmp_path: Path) -> None:
    fixed = encoder.frozen(base, np.arange(2_000))
    parameters = encoder.initial(base, 2, jax.random.key(0))
    bias = jax.random.normal(jax.random.key(1), (384,))
    parameters["head"] = {**parameters["head"], "hidden_bias": bias}
    ids = np.array([[0, 5, 60, 700, 1500, 2], [0, 9, 2, 1, 1, 1]], np.int32)
    export.export(parameters, fixed, tmp_path / "bytes.onnx", export.smoothing(parameters, fixed, [ids]))
    found = unpack.read_graph((tmp_path / "bytes.onnx").read_bytes())
    assert [sorted(layer) for layer in found["layers"]] == [sorted(layer) for layer in parameters["layers"]]
    for name in ("hidden", "hidden_bias", "out", "out_bias"):
        assert np.asarray(found["head"][name]) == pytest.approx(np.asarray(parameters["head"][name]))
    for layer, wanted in zip(found["layers"], parameters["layers"], strict=True):
        for name, leaf in layer.items():
            step = np.abs(np.asarray(wanted[name])).max(axis=0) / export.WEIGHT_MAX  # of seven bits, more in columns with divisors
            tolerance = 16 * step.max() if name in {*encoder.MATRICES, "down_bias"} else 1e-5
            assert np.abs(np.asarray(leaf) - np.asarray(wanted[name])).max() < tolerance, name
    exact = np.asarray(jax.nn.sigmoid(jax.jit(encoder.logits)(parameters, fixed, jnp.asarray(ids))))
    again = np.asarray(jax.nn.sigmoid(jax.jit(encoder.logits)(found, fixed, jnp.asarray(ids))))
    assert np.abs(again - exact).max() < 0.05


@pytest.mark.parametrize("graph", [b"", b"no graph", onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [])).SerializeToString()])
def test_what_is_no_graph_of_a_training_is_not_read_back(graph: bytes) -> None:
    with pytest.raises(ValueError, match="is no graph in 8 bits that sluice train has written"):
        unpack.read_graph(graph)


def test_a_head_that_is_given_reads_standardised_states_and_says_the_same(base: BaseModel) -> None:
    keep = np.arange(2_000)
    fixed = encoder.frozen(base, keep)
    tokenizer = Tokenizer.from_str(vocabulary.tokenizer_of([base.pieces[index] for index in keep]))
    rows = [_row(f"row {number} of some", KNOWN_CLEAN) for number in range(20)]
    parameters = encoder.initial(base, 1, jax.random.key(0))
    found, standard = accurate.standardised(parameters, accurate.Material(rows, tokenizer, base, fixed, {}, {}))
    ids = jnp.asarray([[0, 5, 60, 700, 1500, 2]], jnp.int32)
    of_batch = jax.jit(encoder.logits)
    assert np.asarray(of_batch(found, standard, ids)) == pytest.approx(np.asarray(of_batch(parameters, fixed, ids)), abs=1e-4)
    assert float(standard.spread.max()) < 1
    assert float(jnp.abs(standard.centre).max()) > 0


def test_pieces_are_found_again_in_the_base_model_and_no_others(base: BaseModel) -> None:
    keep = np.array([0, 1, 2, 3, 17, 250])
    written = vocabulary.tokenizer_of([base.pieces[index] for index in keep])
    assert vocabulary.ids_of(base.pieces, written).tolist() == keep.tolist()
    other = vocabulary.tokenizer_of([*base.pieces[:4], ("no piece of it", -1.0)])
    for tokenizer in (other, "", "{}", '{"model": {}}', '{"model": {"vocab": null}}', '{"model": {"vocab": {"a": 1}}}', "[]"):
        with pytest.raises(ValueError, match="its pieces are not some of the base model's"):
            vocabulary.ids_of(base.pieces, tokenizer)


def _run(path: Path, ids: np.ndarray[tuple[int, int], np.dtype[np.int32]]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    result: np.ndarray[tuple[int, int], np.dtype[np.float32]] = ort.InferenceSession(str(path)).run(
        None, {graph.INPUT: ids.astype(np.int64)}
    )[0]
    return result


def test_two_products_of_bytes_fit_into_16_bits() -> None:
    assert 2 * 255 * export.WEIGHT_MAX < 2**15
    stored = export.in_7_bits(np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32))
    assert np.abs(stored.values).max() <= export.WEIGHT_MAX


def test_platt_finds_the_curve_that_made_the_labels() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=20_000) * 2
    truth = (random.random(20_000) < 1 / (1 + np.exp(-(0.6 * logits - 1)))).astype(np.float64)
    curve = calibrate.platt(logits, truth, None)
    assert (curve.a, curve.b) == pytest.approx((0.6, -1), abs=0.06)


def test_few_rows_change_a_curve_little() -> None:
    pooled = Platt(a=1, b=0)
    curve = calibrate.platt(np.array([1.0, -1.0]), np.array([0.0, 1.0]), pooled)
    assert (curve.a, curve.b) == pytest.approx((1, 0), abs=0.2)


def test_the_cascade_loses_no_more_than_it_may() -> None:
    """On rows that did not choose the thresholds, in all draws but the one of twenty that its confidence leaves out."""
    random = np.random.default_rng(1)
    targets = np.zeros((4_000, len(LABELS)))
    targets[:2_000, 0] = 1
    too_many = 0
    for _ in range(20):
        scores = np.clip(targets + random.normal(size=targets.shape) * 0.3, 0, 1)
        shown = cascade.thresholds(cascade.Language(scores, targets, targets))
        assert shown is not None
        assert shown.settled > 0.1
        others = np.clip(targets + random.normal(size=(4_000, len(LABELS))) * 0.3, 0, 1)
        too_many += cascade.settled(shown, others)[:2_000].mean() > cascade.LOST
    assert too_many <= 1


def test_too_few_harmful_rows_show_nothing() -> None:
    targets = np.zeros((400, len(LABELS)))
    targets[:100, 0] = 1
    assert cascade.thresholds(cascade.Language(targets, targets, targets)) is None


def test_a_benign_row_is_soft_or_context() -> None:
    rows = [
        _row("bad words", KNOWN_POSITIVE),
        _row("fine words", KNOWN_CLEAN),
        _row("the sun", np.full(len(LABELS), np.nan, np.float32), benign=True),
    ]
    drawn = sampling.draws(rows, 400, sampling.Mix(benign=0.5), Augment(Rates(noise=0)), np.random.default_rng(0))
    alone = [each for each in drawn if each.text == "the sun"]
    assert alone
    assert all(each.targets[0] == np.float32(0.05) and np.isnan(each.targets[3]) for each in alone)
    assert all(each.targets[list(sampling.BOUND_LABELS)].tolist() == [0, 0] for each in alone)
    joined = [each for each in drawn if "the sun" in {each.before, each.after}]
    assert {each.targets[0] for each in joined} == {0, 1}


def test_what_no_collection_judged_is_sometimes_assumed_to_be_no_spam() -> None:
    rows = [_row("bad words", KNOWN_POSITIVE)]
    drawn = sampling.draws(rows, 400, sampling.Mix(benign=0), Augment(Rates(noise=0)), np.random.default_rng(0))
    assumed = [each for each in drawn if not np.isnan(each.targets[sampling.SPAM])]
    assert 0.2 < len(assumed) / len(drawn) < 0.4
    assert {round(float(each.targets[sampling.SPAM]), 4) for each in assumed} == {0.02}


def test_ordinary_text_lowers_the_curve_of_spam() -> None:
    spam = sampling.SPAM
    judged = [np.full(len(LABELS), np.nan, np.float32) for _ in range(400)]
    for number, targets in enumerate(judged):
        targets[spam] = number % 2
        targets[0] = number % 2
    rows = [_row("t", targets) for targets in judged]
    probabilities = np.full((400, len(LABELS)), 0.5) + np.array([[0.3 * (number % 2)] for number in range(400)])
    ordinary = [_row("t", np.full(len(LABELS), np.nan, np.float32), benign=True)] * 400
    alone = calibrate.calibration(calibrate.Scored(rows, probabilities), ["en"])
    both = calibrate.calibration(
        calibrate.Scored([*rows, *ordinary], np.concatenate([probabilities, np.full((400, len(LABELS)), 0.7)])), ["en"]
    )
    assert _at(both.languages["en"]["spam"], 0.7) < _at(alone.languages["en"]["spam"], 0.7) - 0.1
    assert both.languages["en"]["toxic"] == alone.languages["en"]["toxic"]
    trained_on = calibrate.Scored(ordinary, np.full((400, len(LABELS)), 0.7))
    assert calibrate.calibration(calibrate.Scored(rows, probabilities), ["en"], trained_on).languages == alone.languages


def test_indonesian_needs_no_alignment_where_malay_has_a_table() -> None:
    targets = [np.full(len(LABELS), number % 2, np.float32) for number in range(400)]
    labelled = [dataclasses.replace(_row("t", each), language="ms") for each in targets]
    ordinary = [
        dataclasses.replace(_row("t", np.full(len(LABELS), np.nan, np.float32), benign=True), language=language)
        for language in ("ms", "id", "nl")
        for _ in range(calibrate.BENIGN_ROWS)
    ]
    probabilities = np.random.default_rng(0).uniform(0.1, 0.9, (len(labelled) + len(ordinary), len(LABELS)))
    scored = calibrate.Scored([*labelled, *ordinary], probabilities)
    form = calibrate.calibration(scored, ["id", "ms", "nl"])
    assert (set(form.languages), set(form.aligned)) == ({"ms"}, {"nl"})
    one = calibrate.Scored(ordinary[:1], np.full((1, len(LABELS)), 0.7))
    other = calibrate.Scored([dataclasses.replace(ordinary[0], language="id")], one.probabilities)
    assert calibrate.apply(form, one).tolist() == calibrate.apply(form, other).tolist()


def _at(curve: Platt, probability: float) -> float:
    z = curve.a * np.log(probability / (1 - probability)) + curve.b
    return float(1 / (1 + np.exp(-z)))


def test_products_in_bfloat16_lead_the_same_way(base: BaseModel) -> None:
    fixed, parameters = encoder.frozen(base, np.arange(500)), encoder.initial(base, 2, jax.random.key(0))
    ids = np.random.default_rng(0).integers(5, 500, (8, 16)).astype(np.int32)

    def cost(layers: list[encoder.Layer], *, half: bool) -> jax.Array:
        return (encoder.pooled(encoder.halved(layers) if half else layers, fixed, jnp.asarray(ids)) ** 2).sum()

    gradient = jax.jit(jax.grad(cost), static_argnames="half")
    exact, near = (gradient(parameters["layers"], half=half) for half in (False, True))
    flat = [np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(each)]) for each in (exact, near)]
    assert flat[0] @ flat[1] / np.linalg.norm(flat[0]) / np.linalg.norm(flat[1]) > 0.99


def test_a_profane_word_in_a_benign_row_changes_what_it_is() -> None:
    augment = Augment(Rates(noise=0, insert=1), profane={"nl": ["sukkel"]})
    soft = np.full(len(LABELS), np.nan, np.float32)
    soft[:3] = 0.05
    text, targets = augment("de zon schijnt", "nl", soft, np.random.default_rng(0))
    assert "sukkel" in text
    assert targets[0] > 0.5


def test_words_that_are_each_others_nearest_are_a_pair() -> None:
    here = np.eye(4, dtype=np.float32)
    assert pairs(["a", "b", "c", "d"], here, ["w", "x", "y", "d"], here[[1, 0, 2, 3]]) == {"a": "x", "b": "w", "c": "y"}


def test_a_perfect_model_has_an_error_by_chance_that_falls_with_the_rows() -> None:
    few, many = (figures.by_chance(np.random.default_rng(1).random(count), draws=20).mean() for count in (200, 20_000))
    assert many < 0.02 < few

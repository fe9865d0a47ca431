"""Which words are pointed out, and where they stand in the text as it came."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from pipeline.scoring.explain import MOST_PER_LABEL, Explainer
from pipeline.scoring.model import Model
from schemas.records import MAX_HIGHLIGHTS
from tests.pipeline.scoring.conftest import DEFAULT_BUNDLE
from tests.support.tiny_model import END, LABELS, SPECIAL, START, graph_with_probabilities, write_bundle

FIND = ("hate", "insult")


@pytest.fixture(scope="module")
def explainer(tiny: Model) -> Explainer:
    return Explainer(tiny, passes=16)


@pytest.fixture(scope="module")
def real() -> Explainer:
    return Explainer(Model.load(DEFAULT_BUNDLE), passes=16)


def words(explainer: Explainer, text: str, labels: tuple[str, ...] = FIND) -> list[tuple[str, str]]:
    """What is pointed out, and for which label."""
    return [(text[each.start : each.end], each.label) for each in explainer.explain(text, "en", labels)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("so much hate in one", [("hate", "hate")]),
        ("hate", [("hate", "hate")]),
        ("so much hate, and one insult!", [("hate", "hate"), ("insult", "insult")]),
        ("see https://example.org/hate and hate", [("hate", "hate")]),  # the model reads `http` for the link
        ("@hate  a  \n lot of\thate ", [("hate", "hate")]),
        ("«hate».", [("hate", "hate")]),
        ("nothing of the kind", []),
        ("spam is a label that nobody asked for", []),
        ("🎉🎉", []),
        (" ", []),
        ("", []),
    ],
)
def test_the_words_without_which_the_score_falls(explainer: Explainer, text: str, found: list[tuple[str, str]]) -> None:
    assert words(explainer, text) == found


def test_how_much_it_falls_is_said(explainer: Explainer) -> None:
    (found,) = explainer.explain("five words of which hate", "en", FIND)
    assert (found.start, found.end, found.label, found.drop) == (20, 24, "hate", 0.482)  # 0.5 to 0.018


def test_words_that_say_the_same_are_all_found_though_none_of_them_lowers_the_score(explainer: Explainer) -> None:
    text = "hate hate hate word word"
    assert words(explainer, text) == [("hate", "hate")] * 3
    assert all(each.drop < 0.01 for each in explainer.explain(text, "en", FIND))


def test_a_long_text_is_read_where_it_is_worst(explainer: Explainer) -> None:
    text = "word " * 100 + "hate hate hate hate " + "word " * 100
    found = explainer.explain(text, "en", FIND)
    assert found
    assert {text[each.start : each.end] for each in found} == {"hate"}


def test_few_are_pointed_out(explainer: Explainer) -> None:
    text = " ".join(f"{label} word" for label in LABELS for _ in range(8))
    found = explainer.explain(text, "en", LABELS)
    assert 0 < len(found) <= MAX_HIGHLIGHTS
    assert all(sum(each.label == label for each in found) <= MOST_PER_LABEL for label in LABELS)


@given(st.text(), st.integers(1, 8))
def test_any_text_is_bounded_and_its_places_are_in_it(tiny: Model, text: str, passes: int) -> None:
    found = Explainer(tiny, passes).explain(text, "en", FIND)
    assert found == Explainer(tiny, passes).explain(text, "en", FIND)
    for each in found:
        assert 0 <= each.start < each.end <= len(text)
        assert 0 <= each.drop <= 1


@pytest.fixture(scope="module")
def bigrams(tmp_path_factory: pytest.TempPathFactory) -> Explainer:
    """A tokeniser that finds 讨厌 in a text without spaces, in the place that the tiny model knows as `hate`."""
    vocabulary = {"讨厌" if word == "hate" else word: index for index, word in enumerate((*SPECIAL, *LABELS))}
    tokens = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    split = pre_tokenizers.Split("讨厌", "isolated")
    tokens.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), split])
    tokens.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", START), ("[SEP]", END)])
    return Explainer(Model.load(write_bundle(tmp_path_factory.mktemp("bigrams"), graph_with_probabilities(), tokens=tokens)), passes=16)


def test_a_text_without_spaces_is_cut_by_the_tokeniser(bigrams: Explainer) -> None:
    assert words(bigrams, "我讨厌你 ok") == [("讨厌", "hate")]


@pytest.mark.parametrize(
    "text", ["我今天去图书馆借了三本书。", "駅前に新しい図書館ができました。", "วันนี้อากาศดีมาก ไปเที่ยวกันไหม", "မင်္ဂလာပါ", "ຂອບໃຈຫຼາຍ"]
)
def test_units_of_unspaced_scripts_are_short_in_order_and_split_no_mark(real: Explainer, text: str) -> None:
    units = list(real.units(text))
    assert len(units) >= len(text.split()) * 2
    assert all(one.end <= other.start for one, other in itertools.pairwise(units))
    assert not [unit for unit in units if unicodedata.category(text[unit.start]).startswith("M")]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("मेरे भाई को क्रिकेट।", ["मेरे", "भाई", "को", "क्रिकेट"]),
        ("don't «stop»!", ["don't", "stop"]),
        ("o\u0301k… 🎉", ["o\u0301k", "🎉"]),
    ],
)
def test_units_of_spaced_scripts_are_words_without_their_punctuation(real: Explainer, text: str, units: list[str]) -> None:
    assert [text[unit.start : unit.end] for unit in real.units(text)] == units


def test_the_default_model_points_at_the_insult(real: Explainer) -> None:
    text = "Thank you for the recipe, you stupid worthless idiot, the cake was fine"
    found = words(real, text, ("toxic",))
    assert ("idiot", "toxic") in found or ("stupid", "toxic") in found
    assert ("recipe", "toxic") not in found

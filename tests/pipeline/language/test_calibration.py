"""From posterior to confidence."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import ConfigError
from pipeline.language.calibration import Bucket, Calibration, load

SHIPPED = load()
SHARE = st.floats(0, 1)


@given(st.lists(SHARE, min_size=2), st.integers(0, 1_000))
def test_confidence_never_falls_as_the_posterior_rises(posteriors: list[float], characters: int) -> None:
    confidences = [SHIPPED.confidence(posterior, characters) for posterior in sorted(posteriors)]
    assert all(a <= b + 1e-12 for a, b in pairwise(confidences))
    assert all(0 <= confidence <= 1 for confidence in confidences)


def test_straight_between_the_points_and_level_outside() -> None:
    bucket = Bucket(posterior=(0.2, 0.6), right=(0.3, 0.9))
    assert [round(bucket.confidence(x), 6) for x in (0.0, 0.2, 0.4, 0.6, 1.0)] == [0.3, 0.3, 0.6, 0.9, 0.9]


def test_a_bucket_takes_the_texts_below_its_length() -> None:
    short, rest = Bucket(below=20, posterior=(0.0, 1.0), right=(0.1, 0.1)), Bucket(posterior=(0.0, 1.0), right=(0.8, 0.8))
    calibration = Calibration(buckets=(short, rest))
    assert [calibration.confidence(0.5, characters) for characters in (0, 19, 20, 5_000)] == [0.1, 0.1, 0.8, 0.8]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "buckets: is missing"),
        ("buckets = []", "buckets"),
        ("[[buckets]]\nposterior = [0.0, 1.0]\nright = [0.9, 0.1]", "`right` must not fall"),
        ("[[buckets]]\nposterior = [0.5, 0.5]\nright = [0.1, 0.9]", "`posterior` must rise"),
        ("[[buckets]]\nposterior = [0.0, 1.0]\nright = [0.1]", "equally long"),
        ("[[buckets]]\nposterior = [0.0, 1.5]\nright = [0.1, 0.9]", "buckets[0].posterior[1]"),
        ("[[buckets]]\nbelow = 20\nposterior = [0.0, 1.0]\nright = [0.1, 0.9]", "the last must have none"),
        ("[[buckets]]\nabove = 20\nposterior = [0.0, 1.0]\nright = [0.1, 0.9]", "no such key"),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "calibration.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(path) in str(error.value)
    assert said in str(error.value)

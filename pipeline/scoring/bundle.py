"""A model bundle is data: a directory with `model.onnx`, `tokenizer.json`, perhaps `golden.jsonl`, and `bundle.toml`, described here.

It takes a graph with one row of tokens per text and one column of numbers per class. That is also what `optimum` exports for sequence
classification (`input_ids`, `attention_mask`, perhaps `token_type_ids` to `logits`), so such a directory needs only a `bundle.toml`.
"""

from __future__ import annotations

import enum
import hashlib
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from pipeline.config import ConfigError, ConfigModel, read_toml

DESCRIPTION = "bundle.toml"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
GOLDEN = "golden.jsonl"

MAX_TENSOR = 2**16
"""Tokens of one text's windows together: bounds what one post can cost."""


def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"each name may stand once, {', '.join(twice)} stands more often")
    return names


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Tag = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Normalisation(enum.Enum):
    """What happens to a text before it is tokenised; it must be what the model was trained with."""

    NONE = "none"
    LINKS_AND_NAMES = "links_and_names"  # links become `http`, @names `@user`, white space one space (pipeline.scoring.text)
    ROBUST = "robust"  # the same, after what disguises a text was undone (pipeline.scoring.normalise)


class Activation(enum.Enum):
    """What turns the graph's output into probabilities."""

    NONE = "none"  # they are probabilities already
    SIGMOID = "sigmoid"  # a logit per column, each column for itself
    SOFTMAX = "softmax"  # a logit per column, of which exactly one is true


class CalibrationMethod(enum.Enum):
    """What turns the model's probabilities into calibrated ones."""

    NONE = "none"
    PLATT = "platt"


class TextForm(ConfigModel):
    """How a text is prepared. `max_characters` bounds the prepared text; what lies beyond is not scored, and the post says so."""

    normalisation: Normalisation
    max_characters: int = Field(ge=1, le=65536)


class TokenizerForm(ConfigModel):
    """How a text is cut into tokens. The special tokens are those that `tokenizer.json` puts around a text itself.

    A text longer than `max_tokens`, special ones included, is read in at most `max_windows` windows that overlap by `window_overlap`.
    """

    sha256: Sha256
    pad_id: int = Field(ge=0)
    max_tokens: int = Field(ge=8, le=8192)
    max_windows: int = Field(ge=1, le=64)
    window_overlap: int = Field(ge=0)

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.window_overlap > self.max_tokens // 2:
            raise ValueError(f"`window_overlap` may be at most half of `max_tokens`, {self.max_tokens // 2}")
        if self.max_tokens * self.max_windows > MAX_TENSOR:
            raise ValueError(f"`max_tokens` times `max_windows` may be at most {MAX_TENSOR}")
        return self


class ModelForm(ConfigModel):
    """How the graph is called: `output` names its result, [texts, columns]; `columns` says what each column is.

    A column that is none of the bundle's labels (the neutral class of a softmax) is computed and left out.
    """

    sha256: Sha256
    output: str = Field(min_length=1)
    activation: Activation
    columns: Annotated[tuple[Label, ...], AfterValidator(_unique)] = Field(min_length=1)
    batch_size: int = Field(ge=1, le=1024)


class Platt(ConfigModel):
    """p' = sigmoid(a * logit(p) + b), Platt (1999) on the logit. a > 0, so the model's order of texts is kept."""

    a: float = Field(gt=0, allow_inf_nan=False)
    b: float = Field(allow_inf_nan=False)


PlattByLabel = dict[Label, Platt]


class CalibrationForm(ConfigModel):
    """Calibration per language and label. What a language's table lacks is taken from `default`; what that lacks is left as it is.

    `aligned`: for languages without a table in `languages`. It brings their ordinary text to the height that ordinary text has elsewhere,
    so that a threshold sends about as much of it to people; nothing is known of their harmful text, so they do not count as calibrated.

    Languages that cannot be told apart have one table together (pipeline.scoring.calibration.table_by_language).
    """

    method: CalibrationMethod
    default: PlattByLabel = Field(default_factory=dict)
    languages: dict[Tag, PlattByLabel] = Field(default_factory=dict)
    aligned: dict[Tag, PlattByLabel] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_method(self) -> Self:
        if self.method is CalibrationMethod.NONE and (self.default or self.languages or self.aligned):
            raise ValueError('`method = "none"` allows none of `default`, `languages` and `aligned`')
        if self.method is CalibrationMethod.PLATT and not self.languages:
            raise ValueError('`method = "platt"` needs a table in `languages`')
        both = sorted(set(self.languages) & set(self.aligned))
        if both:
            raise ValueError(f"a language may be calibrated or aligned, {', '.join(both)} is both")
        return self


Threshold = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class CascadeForm(ConfigModel):
    """A fast tier before this bundle. `fast`: its bundle's directory, seen from this one's; `fast_version`: its `name@version`.

    `settle_below`: language to label to the fast tier's calibrated probability. A text whose probabilities all lie below is settled: the
    fast tier's scores stand. Any other text, and every text in a language without a table, is scored by this bundle.
    """

    fast: str = Field(min_length=1)
    fast_version: str = Field(min_length=1)
    settle_below: dict[Tag, dict[Label, Threshold]] = Field(default_factory=dict)


class Bundle(ConfigModel):
    """The description of a bundle.

    `languages`: BCP 47 tags for which the model was made. `labelled_languages`: those of them with labelled rows in its training, for
    policies that automate only there. `licence`: SPDX or a sentence.
    """

    name: Name
    version: Name
    licence: str = Field(min_length=1)
    labels: Annotated[tuple[Label, ...], AfterValidator(_unique)] = Field(min_length=1)
    languages: Annotated[tuple[Tag, ...], AfterValidator(_unique)] = Field(min_length=1)
    labelled_languages: Annotated[tuple[Tag, ...], AfterValidator(_unique)] = ()
    text: TextForm
    tokenizer: TokenizerForm
    model: ModelForm
    calibration: CalibrationForm
    cascade: CascadeForm | None = None

    @property
    def settle_below(self) -> dict[str, dict[str, float]]:
        """The cascade's table, empty where there is none."""
        return self.cascade.settle_below if self.cascade else {}

    @property
    def model_version(self) -> str:
        """`name@version`, carried by every scored post and decision."""
        return f"{self.name}@{self.version}"

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        tables = [self.calibration.default, *self.calibration.languages.values(), *self.calibration.aligned.values()]
        for key, given, allowed in (
            ("labels", self.labels, self.model.columns),
            ("labelled_languages", self.labelled_languages, self.languages),
            ("calibration.languages", self.calibration.languages, self.languages),
            ("calibration.aligned", self.calibration.aligned, self.languages),
            ("calibration", {label for table in tables for label in table}, self.labels),
        ):
            unknown = sorted(set(given) - set(allowed))
            if unknown:
                raise ValueError(f"`{key}` names {', '.join(unknown)}; allowed are {', '.join(allowed)}")
        return self

    @model_validator(mode="after")
    def _cascade_fits(self) -> Self:
        for tag, table in self.settle_below.items():
            if tag not in self.languages:
                raise ValueError(f"`cascade.settle_below` names {tag}; allowed are {', '.join(self.languages)}")
            if set(table) != set(self.labels):
                raise ValueError(f"`cascade.settle_below.{tag}` needs a number for each label and no other: {', '.join(self.labels)}")
        return self


def read_bundle(directory: Path) -> Bundle:
    """The description in `directory`. ConfigError when it cannot be read or does not fit."""
    return read_toml(directory / DESCRIPTION, Bundle)


def read_verified(path: Path, key: str, sha256: str) -> bytes:
    """The file's bytes, of which the hash was taken: what is used is what was verified. ConfigError when `sha256` is not theirs."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ConfigError(f"{path}: its sha256 is {found}, but {DESCRIPTION} allows only {key} = {sha256}")
    return content

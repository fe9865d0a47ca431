"""What a training does, as data: recipe.toml. Every number that one may want to change stands there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from pipeline.config import ConfigModel, read_toml
from pipeline.scoring.bundle import Name, Tag
from pipeline.scoring.training.augment import Rates
from pipeline.scoring.training.loop import Schedule
from pipeline.scoring.training.rows import LABELS
from pipeline.scoring.training.sampling import Mix

DEFAULT = Path(__file__).with_name("recipe.toml")

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


class VocabularyForm(ConfigModel):
    """`pieces`: at least so many of the base model's are kept. `words`: looked at in each word list of `wordfreq`."""

    pieces: Positive
    words: Positive


class DictionaryForm(ConfigModel):
    """`layers` of the base model that embed a word, and how many `words` of a language; 0 words: no dictionary."""

    layers: Positive
    words: int = Field(ge=0)


class Run(ConfigModel):
    """One training run of an encoder. `after`: the run whose weights it starts from; without it, the base model's.

    `benign`, `joined_harmful`, `joined_clean`, `soft`: pipeline.scoring.training.sampling.Mix. `dictionary`: whether words are exchanged.
    `dressed`: chance of a benign row to look like a tweet. `taught`: share of the loss that the teacher's answers have; `kept`: that the
    answers of the run before have, but for what the project's own rows know. `own`: how many times as often these are drawn.
    `fall`: the rate of a layer, as a share of that of the layer above it.
    """

    draws: Positive
    seed: int = 0
    after: str = ""
    rate: float = Field(default=3e-4, gt=0)
    benign: Share = 0
    joined_harmful: Share = 0.35
    joined_clean: Share = 0.2
    soft: float = Field(default=0.05, ge=-1, le=1)
    dictionary: bool = False
    dressed: Share = 0
    taught: Share = 0
    kept: Share = 0
    own: float = Field(default=1.0, ge=0)
    fall: float = Field(default=0.8, gt=0, le=1)

    @property
    def mix(self) -> Mix:
        """Its shares."""
        return Mix(self.benign, self.joined_harmful, self.joined_clean, self.soft, self.own)

    @model_validator(mode="after")
    def _one_teacher(self) -> Self:
        if self.kept and (self.taught or not self.after):
            raise ValueError("`kept` is for a run that starts `after` another and is not `taught`")
        return self


class EncoderForm(ConfigModel):
    """The accurate tier, or its teacher: `layers` of the base model, and `runs` in order, on texts of at most `length` tokens.

    `average`: the runs' weights in the mean, in the accurate tier of what they learnt (pipeline.scoring.training.work.averaged), in its
    teacher of their logits.
    `head_draws`: how many draws the head learns from alone, before a run that starts from the base model.
    `half`: products in bfloat16, for processors with instructions for it; others get slower.
    """

    layers: Positive
    length: int = Field(ge=16, le=72)
    tokens: Positive
    head_draws: Positive
    half: bool = False
    runs: dict[Name, Run] = Field(min_length=1)
    average: dict[Name, float] = Field(min_length=1)

    @model_validator(mode="after")
    def _known_runs(self) -> Self:
        names = list(self.runs)
        for name, run in self.runs.items():
            if run.after and run.after not in names[: names.index(name)]:
                raise ValueError(f"run {name} starts after {run.after}, which is no earlier run")
        unknown = sorted(set(self.average) - set(names))
        if unknown:
            raise ValueError(f"`average` names {', '.join(unknown)}; runs are {', '.join(names)}")
        return self

    @property
    def families(self) -> list[dict[str, float]]:
        """The runs of `average` and their weights, those together that go on from one run."""
        first: dict[str, str] = {}
        for name, run in self.runs.items():
            first[name] = first[run.after] if run.after else name
        found: dict[str, dict[str, float]] = {}
        for name, weight in self.average.items():
            found.setdefault(first[name], {})[name] = weight
        return list(found.values())

    def schedule(self, run: Run) -> Schedule:
        """How a run learns."""
        return Schedule(run.rate, run.fall, tokens=self.tokens, head_draws=self.head_draws, half=self.half, taught=run.taught + run.kept)


class FastForm(ConfigModel):
    """The fast tier: learns from `draws` texts, answered by the accurate one, in the shares of a run."""

    draws: Positive
    tokens: Positive
    seed: int = 0
    benign: Share
    soft: float


class AugmentForm(ConfigModel):
    """Chances of pipeline.scoring.training.augment.Rates."""

    noise: Share
    exchange: Share
    insert: Share
    switch: Share
    switched_words: Share

    @property
    def rates(self) -> Rates:
        """The same, for the augmentation."""
        return Rates(self.noise, self.exchange, self.insert, self.switch, self.switched_words)


class AssumedForm(ConfigModel):
    """Targets of a file's rows for labels that were not judged, where the row is not hateful and has no word of a list of profanity."""

    toxic: Share | None = None
    hate: Share | None = None

    @property
    def targets(self) -> dict[int, float]:
        """By the number of the label."""
        given = {"toxic": self.toxic, "hate": self.hate}
        return {LABELS.index(label): share for label, share in given.items() if share is not None}


class Recipe(ConfigModel):
    """A whole training. `version` of both bundles; `languages` that they name; `assumed` by the file of the rows, without its ending.

    `measured_rows`: benign rows of a file and language, at most, that are only measured. `teacher`: a deeper encoder whose answers the runs
    of the accurate tier learn from by their `taught`; it is in no bundle.
    """

    version: Name
    accurate_name: Name
    fast_name: Name
    languages: tuple[Tag, ...] = Field(min_length=1)
    measured_rows: Positive
    vocabulary: VocabularyForm
    dictionary: DictionaryForm
    augment: AugmentForm
    assumed: dict[str, AssumedForm] = Field(default_factory=dict)
    teacher: EncoderForm | None = None
    accurate: EncoderForm
    fast: FastForm

    @model_validator(mode="after")
    def _known_teacher(self) -> Self:
        taught = [name for name, run in self.accurate.runs.items() if run.taught]
        if taught and not self.teacher:
            raise ValueError(f"run {taught[0]} of `accurate` is taught, and there is no `teacher`")
        if self.teacher and any(run.taught for run in self.teacher.runs.values()):
            raise ValueError("`taught` is for runs of `accurate`: the teacher learns from labels alone")
        return self


def read_recipe(path: Path) -> Recipe:
    """The recipe in `path`. ConfigError where it does not fit."""
    return read_toml(path, Recipe)

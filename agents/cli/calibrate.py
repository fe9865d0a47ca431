"""`sluice calibrate`: what labelled rows say of a model, as evidence for a policy."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from agents.cli.common import Broker, clear_errors, err
from agents.cli.extras import extra
from agents.cli.rows import Data, RowsOf, Split, Wanted, read_files, scored_by
from agents.cli.show import counted, say, table, visible
from agents.cli.verdicts import read_verdicts
from agents.settings import load
from pipeline.config import ConfigError
from pipeline.policy.check import above_evidence
from pipeline.policy.evidence import Band, DataFile, Evidence, Source
from pipeline.policy.policy import read_newest, read_targets
from pipeline.scoring.facts import facts_of
from pipeline.scoring.tiers import Tier, read_tiers

if TYPE_CHECKING:
    from pipeline.policy.automation import Targets
    from pipeline.scoring.evaluation.rows import LabelledRow

Benign = Annotated[
    list[Path] | None, typer.Option("--benign", metavar="FILE", help="Rows of ordinary text: none of the labels holds for any of them.")
]
PolicyPath = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE|DIR", help="Policy whose [automation] names the targets [env: SLUICE_POLICY].")
]
ModelDirectory = Annotated[Path | None, typer.Option("--model", metavar="DIR", help="Model bundle [env: SLUICE_MODEL].")]
Verdicts = Annotated[
    bool, typer.Option("--verdicts", help="Verdicts of reviewers on the broker's topics, in place of --data and --benign.")
]
Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="The evidence, TOML.")]
MadeOn = Annotated[dt.datetime | None, typer.Option("--made-on", formats=["%Y-%m-%d"], help="Date to write down; by default today, UTC.")]

UNNAMED = "not named"


def calibrate(  # noqa: PLR0913, PLR0917 - a parameter is an option of the command line
    out: Out,
    data: Data = None,
    benign: Benign = None,
    split: Split = None,
    verdicts: Verdicts = False,
    policy: PolicyPath = None,
    model: ModelDirectory = None,
    made_on: MadeOn = None,
    broker: Broker = None,
) -> None:
    """Write evidence: where labelled rows allow the machine to act alone.

    Rows as for `sluice evaluate`, kept out of the model's training; of copies of a text one counts. Or --verdicts: what reviewers said of
    posts that a label's rule had found, all of those that it sent to people and those that the audit drew from what the machine did alone;
    a policy for these names neither a prevalence nor targets for groups. Per label, language and action, the band opens at the lowest
    threshold whose precision is bounded as the policy's [automation.targets] ask, each band by itself. A target for groups bounds the rate
    among texts like the rows of a group: with sentences that hold many names in turn, among such sentences with further names, all names
    together. What to put into the policy is printed at the end: the evidence is a part of its version.

    \b
    Examples:
      sluice calibrate --data test.jsonl.gz --policy policies/2026-12-01.toml --out policies/evidence/2026-12-01.toml
      sluice calibrate --verdicts --policy policies --out policies/evidence/2027-01-01.toml
    """
    with clear_errors():
        if verdicts and (data or benign or split):
            raise ConfigError("command line: --verdicts: allowed without --data, --benign and --split: their rows are of another kind")
        if not verdicts and not data:
            raise ConfigError("command line: --data or --verdicts: at least one file of labelled rows is needed, or what reviewers said")
        with extra("evaluate", "sluice calibrate"):
            import tomli_w

            from pipeline.scoring.evaluation.bands import bands
        settings = load(policy=policy, model=model, broker=broker)
        policy_file, targets = read_targets(settings.policy)
        tiers = read_tiers(settings.model)
        bundle, wanted = tiers[Tier.ACCURATE].bundle, Wanted((tiers,), split, unseen=True)
        spoken = read_verdicts(settings, dt.datetime.now(dt.UTC)) if verdicts else None
        labelled = [spoken.rows] if spoken else read_files(data or [], wanted)
        ordinary = read_files(benign or [], wanted._replace(judged=False))
        versions, (sample,) = scored_by(settings.model, spoken.rows.rows if spoken else _distinct(labelled, ordinary, bundle.labels))
        found = tuple(bands(sample, targets, spoken.limits if spoken else None))
        _require_groups(found, targets, policy_file)
        evidence = Evidence(
            made_on=(made_on or dt.datetime.now(dt.UTC)).date(),
            model_versions=versions,
            reached_only=verdicts,
            targets=targets,
            data=tuple(DataFile(name=file.path.name, sha256=file.sha256, rows=len(file.rows)) for file in (*labelled, *ordinary)),
            sources=_sources([*labelled, *ordinary]),
            bands=found,
        )
        content = tomli_w.dumps(msgspec.to_builtins(evidence.model_dump(exclude_none=True), builtin_types=(dt.date,))).encode()
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)
        newest, _ = read_newest(settings.policy)
    _show(evidence.bands, targets)
    for sentence in above_evidence(newest.with_evidence(evidence), facts_of(bundle)):
        say(visible(sentence), err)
    say(f"{policy_file.name} uses it with these lines in its [automation]:", err)
    say(f'evidence = "{_below(out, policy_file)}"\nevidence_sha256 = "{hashlib.sha256(content).hexdigest()}"', err)


def _distinct(labelled: Sequence[RowsOf], ordinary: Sequence[RowsOf], labels: Sequence[str]) -> list[LabelledRow]:
    """The rows of all files, one for a text in a label and language; says how many are copies."""
    from pipeline.scoring.evaluation.copies import distinct

    of_none = dict.fromkeys(labels, 0)
    rows = [row for file in labelled for row in file.rows]
    rows += [msgspec.structs.replace(row, labels=of_none) for file in ordinary for row in file.rows]
    found = distinct(rows)
    if found.copies:
        say(f"{found.copies} of {counted(len(rows), 'row')} are copies of a text for which another row stands, and are left out", err)
    return found.rows


def _require_groups(found: Sequence[Band], targets: Targets, policy_file: Path) -> None:
    """ConfigError where the policy bounds the rates of groups, and the rows of none say anything of them: any band would pass."""
    if targets.groups is None:
        return
    if not any(band.groups for band in found):
        raise ConfigError(
            f"{policy_file}: automation.targets.groups: no `group` of the rows has {targets.groups.least_rows} in a language that are not "
            "what a label says, so nothing would bound a group's false positive rate: give rows that name one, or leave the target out"
        )
    for band in found:
        if band.closed is None and not band.groups:
            say(f"no group has enough rows in {visible(band.language)}: nothing bounds its rate for {visible(band.label)} there", err)


def _sources(files: Sequence[RowsOf]) -> tuple[Source, ...]:
    counts = Counter((row.source or UNNAMED, row.licence or UNNAMED) for file in files for row in file.rows)
    return tuple(Source(name=name, licence=licence, rows=rows) for (name, licence), rows in sorted(counts.items()))


def _below(out: Path, policy_file: Path) -> str:
    """The evidence's path as the policy must name it; its bare name if it lies elsewhere."""
    folder, file = policy_file.resolve().parent, out.resolve()
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else out.name


def _show(found: Sequence[Band], targets: Targets) -> None:
    columns = (
        "label",
        "language",
        "action",
        "rows",
        "positive",
        "from",
        "reached",
        "right",
        "precision",
        "at least",
        "target",
        "recall",
        "band",
    )
    table(columns, [_row(band, targets) for band in found])


def _row(band: Band, targets: Targets) -> list[str]:
    more = f", about {band.more_rows} rows missing" if band.more_rows else ""
    return [
        band.label,
        band.language,
        band.action.value,
        str(band.rows),
        str(band.positives),
        f"{band.threshold:.2f}",
        str(band.flagged),
        str(band.correct),
        "-" if band.precision is None else f"{band.precision:.1%}",
        f"{band.precision_low:.1%}",
        f"{targets.precision[band.action]:.0%}",
        f"{band.recall_low:.0%}-{band.recall_high:.0%}",
        "open" if band.closed is None else f"closed: {band.closed.value.replace('_', ' ')}{more}",
    ]

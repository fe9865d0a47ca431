"""`sluice calibrate` and `sluice policy explain`, from labelled rows to a policy that lets the machine act."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from pipeline.policy.policy import read_policies
from pipeline.policy.rules import RuleAction
from tests.agents.cli.commands import sluice
from tests.support.tiny_cascade import CLEAR, build_cascade
from tests.support.tiny_model import build_tiny_bundle

RULES = (Path(__file__).parents[2] / "integration" / "data" / "policy.toml").read_text()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_bundle(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """The integration tests' policy, without evidence."""
    file = tmp_path / "policy.toml"
    file.write_text("".join(line for line in RULES.splitlines(keepends=True) if not line.startswith("evidence")))
    return file


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """English: the model is right on 100 and 100. Dutch: too few rows."""
    rows = [
        {
            "text": f"{word} {number}".translate(IN_LETTERS), "language": language, "labels": {"hate": int(word == "hate")},
            "source": "s", "licence": "CC0-1.0",
        }
        for language, number_of_rows in (("en", 100), ("nl", 30))
        for word in ("hate", "calm")
        for number in range(number_of_rows)
    ]  # fmt: skip
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


LABELS = ("toxic", "hate", "insult", "threat", "sexual", "spam", "profanity")
IN_LETTERS = str.maketrans(dict(zip("0123456789", ("ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu"), strict=True)))
"""Digits stand for letters in disguise, so texts that differ in them may be taken for copies."""


def scored(*kinds: tuple[int, float, int], **changes: object) -> list[dict[str, object]]:
    """Of each kind (how many, score, truth): English rows on hate, each with a text of its own."""
    return [
        {
            "text": f"text {number} of {kind}".translate(IN_LETTERS), "language": "en", "labels": {"hate": truth},
            "scores": dict.fromkeys(LABELS, 0.0) | {"hate": score}, **changes,
        }
        for kind, (how_many, score, truth) in enumerate(kinds)
        for number in range(how_many)
    ]  # fmt: skip


def written(folder: Path, *rows: dict[str, object], name: str = "scored.jsonl") -> str:
    """The file with these rows."""
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder / name)


def test_from_rows_to_a_machine_that_acts(tiny: Path, policy: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "evidence" / "1.toml"
    result = sluice("calibrate", "--data", str(data), "--out", str(out), "--made-on", "2026-11-26", policy=policy, model=tiny)
    assert result.exit_code == 0
    table = [line.split("\t") for line in result.stdout.splitlines()]
    assert [line[:5] + line[-1:] for line in table[1:]] == [
        ["hate", "en", "remove", "200", "100", "open"],
        ["hate", "nl", "remove", "60", "30", "closed: few rows, about 40 rows missing"],
    ]
    lines = [line for line in result.stderr.splitlines() if line.startswith("evidence")]
    policy.write_text(policy.read_text().replace("[automation]", "\n".join(["[automation]", *lines])))
    (bound,) = read_policies(policy).policies
    assert bound.evidence
    band = bound.evidence.band("tiny@1", "hate", "en", RuleAction.REMOVE)
    assert band and (band.threshold, band.flagged, band.correct) == (0.5, 100, 100)
    said = sluice("policy", "explain", "--language", "en", "--label", "hate", "--policy", str(policy), "--model", str(tiny)).stdout
    assert "- From 0.9 a post is removed by the machine alone (rule hate-remove): of 200 labelled posts 100 lie there" in said
    assert "The evidence holds from 0.5 (100 of 100 right), too" in said


def test_a_rule_that_stands_where_the_evidence_failed_is_told_and_leaves_posts_to_people(tiny: Path, policy: Path, tmp_path: Path) -> None:
    """hate-remove stands at 0.9. There the machine is wrong; from 0.8 on it is right often enough, all taken together."""
    out = tmp_path / "evidence.toml"
    file = written(tmp_path, *scored((40, 0.97, 0), (2000, 0.8, 1), (400, 0.05, 0)))
    result = sluice("calibrate", "--data", file, "--out", str(out), policy=policy, model=tiny)
    assert "hate\ten\tremove\t2440\t2000\t0.50\t2040\t2000" in result.stdout
    assert (
        "rule 'hate-remove' stands at 0.9, above the lowest threshold of its evidence: in en it never acts and could from 0.5 "
        in result.stderr
    )
    (band,) = tomllib.loads(out.read_text())["bands"]
    assert [each["threshold"] for each in band["passed"]] == [hundredths / 100 for hundredths in range(51, 81)]


def test_the_same_rows_give_the_same_file_with_what_it_rests_on(tiny: Path, policy: Path, data: Path, tmp_path: Path) -> None:
    files = [tmp_path / "a.toml", tmp_path / "b.toml"]
    ordinary = written(tmp_path, *scored((100, 0.998, 1), (100, 0.01, 1), source="s", licence="CC0-1.0"), name="ordinary.jsonl")
    for file in files:
        command = ("--data", str(data), "--benign", ordinary, "--out", str(file), "--made-on", "2026-11-26")
        assert sluice("calibrate", *command, policy=policy, model=tiny).exit_code == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    found = tomllib.loads(files[0].read_text())
    assert found["sources"] == [{"name": "s", "licence": "CC0-1.0", "rows": 460}]
    assert [each["name"] for each in found["data"]] == ["rows.jsonl", "ordinary.jsonl"]
    assert (found["model_versions"], str(found["made_on"])) == (["tiny@1"], "2026-11-26")
    english = next(band for band in found["bands"] if band["language"] == "en" and band["label"] == "hate")
    assert (english["rows"], english["positives"], english["closed"]) == (400, 100, "precision")  # as ordinary text, half of it is hate


def bands_of(out: Path) -> list[tuple[str, int, int, str | None]]:
    """Of each band label, rows, positives and why it is closed."""
    return [(each["label"], each["rows"], each["positives"], each.get("closed")) for each in tomllib.loads(out.read_text())["bands"]]


def test_copies_of_a_text_are_one_row_and_are_counted(tiny: Path, policy: Path, tmp_path: Path) -> None:
    """Each text four times, by its file or within it; and once as ordinary text, in another disguise."""
    out, once = tmp_path / "e.toml", scored((30, 0.97, 1), (40, 0.05, 0))
    ordinary = {**once[0], "text": str(once[0]["text"]).upper()}
    files = "--data", written(tmp_path, *once, *once), "--data", written(tmp_path, *once, *once, name="again.jsonl")
    benign = "--benign", written(tmp_path, ordinary, name="ordinary.jsonl")
    result = sluice("calibrate", *files, *benign, "--out", str(out), policy=policy, model=tiny)
    assert "211 of 281 rows are copies of a text for which another row stands, and are left out" in result.stderr
    assert bands_of(out) == [("hate", 70, 29, "few_rows")]


@pytest.mark.parametrize("option", ["--data", "--benign"])
def test_what_the_model_was_trained_on_is_no_evidence(option: str, tiny: Path, policy: Path, tmp_path: Path) -> None:
    seen, unseen = scored((150, 0.97, 1), split="train"), scored((150, 0.97, 1), (150, 0.05, 0), split="test")
    mixed = written(tmp_path, *unseen, *seen)
    files = "--data", written(tmp_path, *unseen, name="unseen.jsonl"), option, mixed, "--out", str(tmp_path / "e.toml")
    result = sluice("calibrate", *files, policy=policy, model=tiny)
    assert (result.exit_code, "scored.jsonl: line 301: `split` is 'train': what a model has learned from" in result.stderr) == (78, True)
    assert sluice("calibrate", *files, "--split", "test", policy=policy, model=tiny).exit_code == 0


@pytest.mark.parametrize(
    ("score", "language", "refused"),
    [
        (0.05, "en", None),
        (
            0.97,
            "en",
            "line 1: `scores` are of tiny-fast@3, which does not settle such a text in 'en' (hate 0.97): posts have those of tiny",
        ),
        (0.05, "nl", "line 1: `scores` are of tiny-fast@3, which does not settle such a text in 'nl' (hate 0.05)"),
        (
            0.05,
            "ms",
            "line 1: `scores` are of tiny-fast@3, which does not settle such a text in 'ms' (hate 0.05)",
        ),  # it may be id
    ],
)
def test_scores_of_the_fast_tier_count_where_it_settles_a_post(
    score: float, language: str, refused: str | None, policy: Path, tmp_path: Path
) -> None:
    accurate, _ = build_cascade(tmp_path, {"en": CLEAR, "ms": CLEAR})
    rows = scored((1, score, 1), (1, 0.97, 1), language=language)
    file = written(tmp_path, {**rows[0], "model_version": "tiny-fast@3"}, {**rows[1], "model_version": "tiny@1"})
    result = sluice("calibrate", "--data", file, "--out", str(tmp_path / "e.toml"), policy=policy, model=accurate)
    assert (result.exit_code, (refused or "") in result.stderr) == (78 if refused else 0, True)


@pytest.mark.parametrize(("named", "code"), [(0, 78), (99, 78), (100, 0)])
def test_a_target_for_groups_needs_rows_of_a_group(named: int, code: int, tiny: Path, policy: Path, tmp_path: Path) -> None:
    policy.write_text(policy.read_text().replace("confidence =", "groups = { false_positive_rate = 0.05, least_rows = 100 }\nconfidence ="))
    rows = [*scored((150, 0.97, 1)), *scored((0, 0, 0), (150, 0.05, 0))]
    for row in rows[150 : 150 + named]:
        row["group"] = "women"
    dutch = [row | {"language": "nl", "group": ""} for row in rows]
    result = sluice("calibrate", "--data", written(tmp_path, *rows, *dutch), "--out", str(tmp_path / "e.toml"), policy=policy, model=tiny)
    assert (result.exit_code, "automation.targets.groups: no `group` of the rows has 100" in result.stderr) == (code, code == 78)
    assert ("no group has enough rows in nl: nothing bounds its rate for hate there" in result.stderr) is (code == 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"language": "en_US"}, "line 2: `language` is a BCP 47 tag, such as en or pt (got 'en_US')"),
        ({"language": "en-US"}, "line 2: `language` is 'en-US', and no post has that language: it has 'en'"),
        ({"language": "xx"}, "line 2: `language` is 'xx', and no post has that language"),
        ({"labels": {"Hate": 1, "toxic": 0}}, "line 2: `labels` names Hate; the model's labels are toxic, hate, insult"),
    ],
)
@pytest.mark.parametrize("command", ["calibrate", "evaluate"])
def test_rows_of_which_nothing_could_be_said_are_refused_by_file_and_line(
    command: str, changes: dict[str, object], said: str, tiny: Path, policy: Path, tmp_path: Path
) -> None:
    good, bad = scored((2, 0.9, 1))
    options = ("--out", str(tmp_path / "e.toml")) if command == "calibrate" else (str(tiny),)
    result = sluice(command, *options, "--data", written(tmp_path, good, bad | changes), policy=policy, model=tiny)
    assert (result.exit_code, f"scored.jsonl: {said}" in result.stderr) == (78, True)


def test_ordinary_text_may_be_in_a_language_that_no_post_has(tiny: Path, policy: Path, tmp_path: Path) -> None:
    ordinary = written(tmp_path, *scored((1, 0.1, 0), language="gl"), name="ordinary.jsonl")
    files = ("--data", written(tmp_path, *scored((2, 0.9, 1))), "--benign", ordinary)
    assert sluice("calibrate", *files, "--out", str(tmp_path / "e.toml"), policy=policy, model=tiny).exit_code == 0


@pytest.mark.parametrize("command", ["calibrate", "evaluate"])
def test_rows_that_judge_nothing_are_refused(command: str, tiny: Path, policy: Path, tmp_path: Path) -> None:
    options = ("--out", str(tmp_path / "e.toml")) if command == "calibrate" else (str(tiny),)
    file = written(tmp_path, *scored((5, 0.9, 1), labels={"hate": None}))
    result = sluice(command, *options, "--data", file, policy=policy, model=tiny)
    assert (result.exit_code, "scored.jsonl: no row says of a label whether it holds; the model's" in result.stderr) == (78, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--out", "e.toml"), "command line: --data or --verdicts: at least one file of labelled rows is needed, or what reviewers said"),
        (("--out", "e.toml", "--verdicts", "--data", "x"), "command line: --verdicts: allowed without --data, --benign and --split"),
        (("--out", "e.toml", "--data", "none.jsonl"), "none.jsonl: cannot be read"),
    ],
)
def test_what_is_wrong_is_a_sentence(options: tuple[str, ...], said: str, tiny: Path, policy: Path) -> None:
    result = sluice("calibrate", *options, policy=policy, model=tiny)
    assert (result.exit_code, said in result.stderr) == (2, True)


def test_verdicts_need_a_policy_without_a_prevalence(tiny: Path, policy: Path) -> None:
    policy.write_text(policy.read_text().replace("confidence =", "prevalence = 0.05\nconfidence ="))
    result = sluice("calibrate", "--verdicts", "--out", "e.toml", policy=policy, model=tiny)
    assert (result.exit_code, "automation.targets.prevalence: must be left out for --verdicts" in result.stderr) == (78, True)


def test_verdicts_cannot_meet_a_target_for_groups(tiny: Path, policy: Path) -> None:
    policy.write_text(policy.read_text().replace("confidence =", "groups = { false_positive_rate = 0.05, least_rows = 100 }\nconfidence ="))
    result = sluice("calibrate", "--verdicts", "--out", "e.toml", policy=policy, model=tiny)
    assert (result.exit_code, "automation.targets.groups: must be left out for --verdicts" in result.stderr) == (78, True)


def test_explain_as_json(tiny: Path, policy: Path) -> None:
    command = ("policy", "explain", "--language", "nl", "--label", "hate", "--market", "NL", "--json")
    found = json.loads(sluice(*command, policy=policy, model=tiny).stdout)
    assert (found["language"], found["label"], found["market"], found["has_evidence"]) == ("nl", "hate", "NL", False)
    assert [(each["rule"], each["alone_from"]) for each in found["rules"]] == [("hate-remove", None)]


@pytest.mark.parametrize(
    ("language", "label", "said"),
    [
        ("nl", "hat", "command line: --label: allowed are toxic, hate, insult, threat, sexual, spam, profanity (got 'hat')"),
        ("xx", "hate", "command line: --language: the model was made for ar, de, en, fr, id, ko, ms, nl, pt, tr, zh (got 'xx')"),
    ],
)
def test_explain_names_what_is_allowed(language: str, label: str, said: str, tiny: Path, policy: Path) -> None:
    result = sluice("policy", "explain", "--language", language, "--label", label, policy=policy, model=tiny)
    assert (result.exit_code, said in result.stderr) == (2, True)

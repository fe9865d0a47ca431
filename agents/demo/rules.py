"""What the demo goes by: the policy in force with an opening that no evidence supports, and a region that closes while it runs."""

from __future__ import annotations

import datetime as dt
import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w

from agents.settings import PACKAGED, Settings
from pipeline.config import ConfigError, read_toml
from pipeline.policy.policy import Policy, read_policies

CLOSING = "dutch"
"""The region that closes."""

NAME = "demo-never-use"
LABEL, LANGUAGE, AT_LEAST = "toxic", "en", 0.99
REMOVE_RULE = "demo-remove"
PRECISION = 0.5
"""The machine may remove where half of it may be wrong: no policy should say so. Of the evidence only the band's threshold is changed."""

AUDIT = [
    {"id": "demo-removals", "actions": ["remove"], "share": 0.25},
    {"id": "demo-dutch", "languages": ["nl"], "share": 0.05},
    {"id": "demo-rest", "share": 0.01},
]
"""Shares that show something within 3,000 posts."""

WARNING = f"""\
# DEMO POLICY: ACTS WITHOUT EVIDENCE, NEVER USE IT. Made by `sluice demo` from the policy in force. What differs: the machine removes
# posts in {LANGUAGE!r} from a probability of {AT_LEAST} of {LABEL!r} on, where half of what it removes may be wrong; and people check
# more of what it does.
"""

PEOPLE: dict[str, Path] = {"regions": PACKAGED / "policies" / "regions.toml", "roster": PACKAGED / "policies" / "roster.toml"}
"""Settings of the demo, whatever those of the user are: simulated reviewers must not answer for anybody's own."""


def write_rules(settings: Settings, folder: Path, closes_at: dt.datetime) -> dict[str, object]:
    """Writes policy, evidence and regions into `folder`. Returns the settings that name them."""
    policy = folder / "policy"
    policy.mkdir()
    regions = tomllib.loads(PEOPLE["regions"].read_text(encoding="utf-8-sig"))
    for region in regions["regions"]:
        if region["name"] == CLOSING:
            region["closed_since"] = closes_at
    (folder / "regions.toml").write_text(tomli_w.dumps(regions), encoding="utf-8")
    _write_policy(settings.policy, policy)
    return {"policy": policy, "regions": folder / "regions.toml", "roster": PEOPLE["roster"]}


def _write_policy(source: Path, folder: Path) -> None:
    file = _in_force(source)
    content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    content["name"] = NAME
    content["audit"] = {"seed": "demo", "rules": AUDIT}
    automation = content.get("automation", {})
    if "evidence" in automation:
        evidence = tomllib.loads((file.parent / automation["evidence"]).read_text(encoding="utf-8-sig"))
        for band in _bands(evidence):
            band.pop("closed", None)
            band.pop("passed", None)
            band["threshold"] = AT_LEAST
            evidence["targets"]["precision"]["remove"] = automation["targets"]["precision"]["remove"] = PRECISION
            content["rules"].append(
                {"id": REMOVE_RULE, "label": LABEL, "action": "remove", "at_least": AT_LEAST, "languages": [LANGUAGE]}
            )  # fmt: skip
        written = (WARNING + tomli_w.dumps(evidence)).encode()
        (folder / "evidence").mkdir()
        (folder / "evidence" / "demo.toml").write_bytes(written)
        automation |= {"evidence": "evidence/demo.toml", "evidence_sha256": hashlib.sha256(written).hexdigest()}
    (folder / "demo.toml").write_text(WARNING + tomli_w.dumps(content), encoding="utf-8")


def _in_force(source: Path) -> Path:
    """The file of the version that holds now."""
    now = read_policies(source).at(dt.datetime.now(dt.UTC)).id
    for file in sorted(source.glob("*.toml")) if source.is_dir() else [source]:
        if read_toml(file, Policy).id == now:
            return file
    raise ConfigError(f"{source}: {now} was there a moment ago")


def _bands(evidence: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The one that the demo opens, if labelled posts are enough to have one."""
    targets = evidence["targets"]
    for band in evidence["bands"]:
        if (band["label"], band["language"], band["action"]) == (LABEL, LANGUAGE, "remove"):
            enough = band["rows"] >= targets["least_rows"] and band["positives"] >= targets["least_positives"]
            if enough and band["precision_low"] >= PRECISION:
                yield band

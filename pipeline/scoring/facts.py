"""What policies must know of a bundle."""

from __future__ import annotations

from pipeline.policy.facts import Facts
from pipeline.scoring.bundle import Bundle
from pipeline.scoring.calibration import Calibration


def facts_of(bundle: Bundle) -> Facts:
    """For `pipeline.policy`, which knows no bundles."""
    calibration = Calibration(bundle)
    uncalibrated = frozenset(language for language in bundle.languages if not calibration.covers(language))
    return Facts(bundle.model_version, bundle.labels, bundle.languages, uncalibrated)

"""Feature files as the rules of this project see them: all that there are, and such as are made up."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from testbed.upkeep.featurelint import FeatureFile

ROOT = Path(__file__).parents[1]


@cache
def features() -> tuple[FeatureFile, ...]:
    """Return all feature files of the checkout."""
    return tuple(FeatureFile.read(path) for path in sorted((ROOT / "features").rglob("*.feature")))


def feature_file(text: str, path: str = "features/backup/chain.feature") -> FeatureFile:
    """Return a feature file with this text."""
    return FeatureFile(Path(path), text)

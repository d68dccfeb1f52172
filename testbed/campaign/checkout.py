"""The checkout in which the suite is run, and whose documents tell of it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""Where behave is to be called."""

README = ROOT / "README.md"

CONTRIBUTING = ROOT / "CONTRIBUTING.md"

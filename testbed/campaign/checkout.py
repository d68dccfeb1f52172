"""The checkout in which the suite is run, and whose README tells of it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""Where behave is to be called."""

README = ROOT / "README.md"

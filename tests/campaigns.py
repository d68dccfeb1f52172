"""Campaigns, started as make starts them: by a PATH that names the environment as seen from the project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from conftest import ROOT

BOUND = 1200.0
"""Seconds that one may take."""


def run_campaign(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a campaign, by its package's name, to its end; raise TimeoutExpired when that does not come."""
    environment = os.path.relpath(Path(sys.executable).parent, ROOT)
    return subprocess.run(
        ["python", "-m", f"testbed.campaign.{name}", *arguments],
        env={**os.environ, "PATH": f"{environment}:{os.environ['PATH']}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND,
    )

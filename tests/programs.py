"""Programs that tests put in the place of others."""

from __future__ import annotations

from pathlib import Path


def shell_program(path: Path, script: str) -> Path:
    """Write lines of shell into a file that can be run, in a folder that is there or not; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path

"""All acts: importing this module makes them known. A new file of acts is added here."""

from __future__ import annotations

from testbed.scenario.acts import (
    backups,
    bitmaps,
    chains,
    drives,
    exports,
    guest,
    jobs,
    layers,
    machines,
    migration,
    offline,
    opening,
)
from testbed.scenario.acts.act import REGISTRY, Act, act_named, acts_on, said_of

__all__ = [
    "REGISTRY",
    "Act",
    "act_named",
    "acts_on",
    "backups",
    "bitmaps",
    "chains",
    "drives",
    "exports",
    "guest",
    "jobs",
    "layers",
    "machines",
    "migration",
    "offline",
    "opening",
    "said_of",
]

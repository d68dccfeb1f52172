"""Runs behave with one oracle silenced: `python -m testbed.campaign.proof.silencers ORACLE ARGUMENTS FOR BEHAVE`.

A fault that the suite finds, and does not find without an oracle, is one that this oracle alone can see.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from testbed.domain.lifecycle import Lifecycle
from testbed.promises import backups, bitmaps, events, jobs
from testbed.promises.promise import Promise
from testbed.qemu.images import Images


def _content_is_right() -> None:
    """Let no image differ from what it should hold, nor from another."""
    nothing: Any = lambda *_arguments: None  # noqa: E731 (it stands for methods of several types)
    Images.first_difference = nothing  # type: ignore[method-assign]
    Images.compare = nothing  # type: ignore[method-assign]


def _images_are_sound() -> None:
    """Let no image contradict itself."""
    sound: Any = lambda *_arguments: []  # noqa: E731 (it stands for a method)
    Images.flaws = sound  # type: ignore[method-assign]


def _keep_all(module: ModuleType, *names: str) -> None:
    """Let the promises of these names be kept whatever happens."""
    for name in names:
        setattr(module, name, lambda *_arguments, **_named: Promise("anything", lambda _item: None))


def _prediction_is_right() -> None:
    """Let each bitmap, and what each backup holds, be as predicted."""
    _keep_all(bitmaps, "has_bitmaps", "has_bitmaps_in_step")
    _keep_all(backups, "holds_only_what_had_changed", "holds_itself")


def _answers_are_right() -> None:
    """Let what QEMU tells of jobs and errors be as it should: the first word of a job's end is taken for it."""
    _keep_all(events, "reports")
    _keep_all(jobs, "has_told", "is_shown_as")
    Lifecycle.wrongs = lambda *_arguments, **_named: iter(())  # type: ignore[method-assign]
    told: Any = Lifecycle.told_of_end.fget  # type: ignore[attr-defined]
    Lifecycle.told_of_end = property(lambda life: told(life)[:1])  # type: ignore[assignment]


SILENCERS: Mapping[str, Callable[[], None]] = {
    "content": _content_is_right,
    "soundness": _images_are_sound,
    "prediction": _prediction_is_right,
    "answers": _answers_are_right,
}
"""The oracles: what images hold, how they are built, what bitmaps and increments hold, and what QEMU reports."""


if __name__ == "__main__":
    _, oracle, *arguments = sys.argv
    SILENCERS[oracle]()
    sys.argv = ["behave", *arguments]
    runpy.run_module("behave", run_name="__main__")

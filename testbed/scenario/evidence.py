"""What is kept of a scenario: enough to understand a failure without running anything again."""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from testbed.base.files import ELSEWHERE, list_contents, remove_folder
from testbed.base.keeping import Keeping
from testbed.base.problems import EnvironmentUnusable, Problem
from testbed.base.process import ToolFailed
from testbed.base.units import format_size
from testbed.qemu.machine import Machine
from testbed.scenario.world import World

LARGEST_COPY = 64 * 1024 * 1024
"""Bytes that an image may take on disk to be kept as it is."""

FILES = ("images.json", "expected.txt", "repeat.sh", "build.txt", "failure.txt")
"""What may be written down of every scenario, besides what each of its machines leaves, and its images."""


def write(world: World, folder: Path, keeping: Keeping, *, repeat: str, failure: str, build: str) -> None:
    """Write down a scenario's evidence in a folder, without that of an earlier run.

    Holds the QMP conversation with times, QEMU's command line and what it wrote, each image with what qemu-img says of
    it, what the oracles expected, the `failure` in words if there was one, the `build` that was judged in a line, and
    the program that repeats the scenario. Of the images, `keeping` leaves out those for which a run has no room.
    Raises EnvironmentUnusable when it cannot be written.
    """
    try:
        _write_all(world, folder, keeping, repeat=repeat, failure=failure, build=build)
    except OSError as error:
        with contextlib.suppress(OSError):
            remove_folder(folder)  # the reports may need the space
        what = f"the evidence cannot be written to {folder}: {error.strerror or error}"
        raise EnvironmentUnusable([Problem(what, ELSEWHERE)]) from error


def _write_all(world: World, folder: Path, keeping: Keeping, *, repeat: str, failure: str, build: str) -> None:
    images = _formats_of_images(world)
    machines = {machine.name: machine for machine in world.machines}
    remove_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    said = [name for machine in machines.values() for name in _files_of(machine)]
    list_contents(folder, [*FILES, *said, *images])
    for machine in world.machines:
        machine.write_transcript(folder / _files_of(machine)[0])
    for machine in machines.values():
        _write(folder / _files_of(machine)[1], shlex.join(machine.command_line))
        for file in (machine.stdout, machine.stderr):
            shutil.copyfile(file, folder / file.name)
    _write(folder / "expected.txt", "\n".join(_expectations(world)))
    _write(folder / "repeat.sh", repeat)
    (folder / "repeat.sh").chmod(0o755)
    _write(folder / "build.txt", build)
    if failure:
        _write(folder / "failure.txt", failure)
    left_out = {name: _keep(world.machines.home / name, folder / name, keeping) for name in images}
    _write(folder / "images.json", json.dumps(dict(_images(world, left_out)), indent=1))


def _keep(image: Path, copy: Path, keeping: Keeping) -> dict[str, str]:
    """Keep an image unless that takes too much room; return what images.json has to say of that."""
    if image.stat().st_blocks * 512 > LARGEST_COPY:
        return {"left out": f"it takes more than {format_size(LARGEST_COPY)}"}
    copy.parent.mkdir(parents=True, exist_ok=True)  # one on a disk of its own is in a directory there
    why = keeping.keep(image, copy)
    return {"left out": why} if why else {}


def _files_of(machine: Machine) -> tuple[str, ...]:
    """Return the names of the files that tell of a machine: its QMP conversation, its command line, its output."""
    return (f"{machine.name}.qmp.jsonl", f"{machine.name}.command-line.txt", machine.stdout.name, machine.stderr.name)


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def _formats_of_images(world: World) -> dict[str, str]:
    formats = {drive.image.name: drive.image.image_format for drive in world.drives.all()}
    formats |= {backup.target.name: backup.target.image_format for backup in world.catalogue.taken}
    return {name: formats[name] for name in formats if (world.machines.home / name).exists()}


def _images(world: World, left_out: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, object]]:
    for name, image_format in _formats_of_images(world).items():
        try:
            extents = world.images.map(name, image_format)
            yield name, {**left_out[name], "info": world.images.info(name), "map": [vars(extent) for extent in extents]}
        except ToolFailed as failure:
            yield name, {**left_out[name], "unreadable": str(failure)}


def _expectations(world: World) -> Iterator[str]:
    for drive in world.drives.all():
        yield f"{drive.name}: {format_size(drive.size)}, zeros but for"
        for run in drive.content.runs:
            yield f"  0x{run.pattern:02x}: {format_size(run.end - run.start)} at {format_size(run.start)}"
        for bitmap in (drive.bitmaps if drive.is_open else drive.image.stored_bitmaps()).values():
            yield f"  bitmap {bitmap.state}; dirty: {bitmap.dirty.granules}"
    for backup in world.catalogue.taken:
        yield f"{backup}: {backup.job.end or 'its job has not ended'}"
        if backup.changed is not None:
            yield f"  must hold, and nothing else: {backup.changed}"

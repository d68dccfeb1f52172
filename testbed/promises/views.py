"""What a frozen view must show to its readers: clients outside of QEMU, and QEMU itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from testbed.base.process import ToolFailed, run_tool
from testbed.base.units import format_size
from testbed.domain.view import View, ViewBackup
from testbed.model.content import Run
from testbed.model.ranges import Ranges
from testbed.promises.promise import Promise
from testbed.qemu.images import Images

UNREADABLE = "Invalid argument"
"""What a client is told of a part that a view does not show: NBD has no word for QEMU's "Permission denied"."""

_VERDICT = re.compile(
    r"^(Pattern verification failed[^\n]*)?\n?(?:read failed: ([^\n]*)|(read \d+/\d+ bytes at)[^\n]*)", re.MULTILINE
)
"""How qemu-io tells what came of a read."""


def told_to_client(view: View, images: Images, requests: Sequence[str]) -> list[str]:
    """Let a client of a view make reads in qemu-io's words; return for each what was wrong, empty where nothing was.

    Raises ToolFailed when it does not answer each; MachineDied when QEMU does not survive it.
    """
    server = "driver=nbd,server.type=unix,server.path=" + view.machine.exports_socket
    argv = [str(images.qemu_io), "-r", "--image-opts", f"{server},export={view.name}"]
    for request in requests:
        argv += ["-c", request]
    try:
        said = run_tool(argv, cwd=view.machine.home, bound=images.bound, allowed=(0, 1)).stdout
    finally:
        view.machine.check_alive()
    found = [differs or failure for differs, failure, _done in _VERDICT.findall(said)]
    if len(found) != len(requests):
        raise ToolFailed(f"a client of {view.name} was to read {len(requests)} times; it said: {said}")
    return found


def _read(run: Run) -> str:
    return f"read -P {run.pattern:#x} {run.start} {run.end - run.start}"


def shows_its_moment(images: Images) -> Promise[View]:
    """Match a view of which a client reads, piece by piece, what the drive held when it was frozen, and nothing else.

    What is outside of its bitmap cannot be read; nor can anything of a view that is broken.
    """

    def complaint(view: View) -> str | None:
        shown = Ranges() if view.is_broken else view.shown
        hidden = Ranges.of((0, view.content.size)) - shown
        right, denied = list(view.pieces(shown)), list(view.pieces(hidden))
        told = told_to_client(view, images, [_read(run) for run in (*right, *denied)])
        wrong = [_wrong(view, run, words) for run, words in zip(right, told, strict=False) if words]
        open_ = [
            f"{_part(view, run)} should not be readable; a client is told: {words or 'its content'}"
            for run, words in zip(denied, told[len(right) :], strict=True)
            if UNREADABLE not in words
        ]
        return "\n".join([*wrong, *open_][:3]) or None

    return Promise("a view that shows its drive as it was when it was frozen, and nothing else", complaint)


def _part(view: View, run: Run) -> str:
    return f"{view.name}: {format_size(run.end - run.start)} at {format_size(run.start)}"


def _wrong(view: View, run: Run, words: str) -> str:
    return f"{_part(view, run)} should be 0x{run.pattern:02x}; a client finds: {words}"


def has_shown_its_moment() -> Promise[View]:
    """Match a view that was read while the guest wrote, and has shown its moment each time."""

    def complaint(view: View) -> str | None:
        return "\n".join(view.complaints) or (None if view.looks > 1 else f"nobody has read {view.name} meanwhile")

    return Promise("a view that showed its drive as it was each time that it was read", complaint)


def denies(parts: Sequence[tuple[int, int]], images: Images) -> Promise[View]:
    """Match a view of which neither a client nor QEMU itself can read any part of (offset, length) in bytes."""

    def complaint(view: View) -> str | None:
        requests = [f"read {at} {length}" for at, length in parts]
        told = [*told_to_client(view, images, requests)]
        own = [view.machine.human(f'qemu-io {view.name} "{request}"').strip() for request in requests]
        wrong = [
            f"{view.name}: {Ranges.of(part)} should not be readable; a client is told {words or 'its content'}"
            for part, words in zip(parts, told, strict=True)
            if UNREADABLE not in words
        ] + [
            f"{view.name}: {Ranges.of(part)} should not be readable; QEMU itself says: {words}"
            for part, words in zip(parts, own, strict=True)
            if "Permission denied" not in words
        ]
        return "\n".join(wrong) or None

    return Promise("a view that does not let these parts be read", complaint)


def copies_as_it_was(images: Images) -> Promise[View]:
    """Match a view that qemu-img, which goes by its block status, copies as the drive was when it was frozen.

    Where the view is said to hold zeros, the drive must have held zeros.
    """

    def complaint(view: View) -> str | None:
        zeros = Ranges.joined((extent.start, extent.end) for extent in images.map(view.address, "raw") if extent.zero)
        if lost := zeros & view.content.data:
            return f"{view.name} is said to hold zeros where it holds data: {lost}"
        copy = f"copy-of-{view.name}.qcow2"
        images.tool("convert", "-f", "raw", "-O", "qcow2", view.address, copy)
        wrong = images.first_difference(copy, "qcow2", view.content)
        images.delete(copy)
        return str(wrong) if wrong else None

    return Promise("a view that a client copies as its drive was when it was frozen", complaint)


def reads_in_one_go(parts: Sequence[tuple[int, int]]) -> Promise[View]:
    """Match a view that QEMU itself reads as the drive was, each part, of (offset, length) in bytes, by one request."""

    def complaint(view: View) -> str | None:
        wrong = []
        for at, length in parts:
            for run in view.content.covering(at, at + length):
                piece = f"-P {run.pattern:#x} -s {run.start - at} -l {run.end - run.start}"
                said = view.machine.human(f'qemu-io {view.name} "read {piece} {at} {length}"').strip()
                if not said.startswith("read "):
                    whole = f"in one read of {Ranges.of((at, length))}"
                    wrong.append(f"{_part(view, run)} should be 0x{run.pattern:02x} {whole}; QEMU finds: {said}")
        return "\n".join(wrong[:3]) or None

    return Promise("a view that shows its drive as it was, by one read of all that", complaint)


def holds_what_its_view_showed(images: Images) -> Promise[ViewBackup]:
    """Match a backup out of a view that has completed, and holds what the drive did when it was frozen."""

    def complaint(backup: ViewBackup) -> str | None:
        end = str(backup.job.end or "has not ended")
        if end != "completed":
            return f"the backup of {backup.view.name} should have completed; it {end}"
        wrong = images.first_difference(backup.image.name, backup.image.image_format, backup.view.content)
        return f"{wrong}, in the backup of {backup.view.name}" if wrong else None

    return Promise("a backup that holds what its view showed", complaint)


def has_empty_scratch(images: Images) -> Promise[View]:
    """Match a view of whose scratch image, which QEMU may have open, no part holds anything."""

    def complaint(view: View) -> str | None:
        listed = images.map(view.scratch.name, view.scratch.image_format)
        held = Ranges.joined((extent.start, extent.end) for extent in listed if extent.data)
        return f"the scratch image of {view.name} still holds {held}" if held else None

    return Promise("a view whose scratch image holds nothing", complaint)


def takes(least: int, most: int) -> Promise[float]:
    """Match what took so many seconds or more, and less than so many."""

    def complaint(took: float) -> str | None:
        return None if least <= took < most else f"it took {took:.2f} s"

    return Promise(f"what takes {least} s or more, and less than {most} s", complaint)

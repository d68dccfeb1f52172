"""What an operator does with frozen views of a drive, and what a client of one does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from testbed.base.process import ToolFailed, run_tool
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.domain.view import View, ViewBackup
from testbed.model.content import Content
from testbed.qemu.image_kinds import ImageKind
from testbed.scenario.world import World


def freeze(world: World, drive: Drive, name: str, options: Mapping[str, object]) -> None:
    """Ask for a view of a drive; `options` are those of copy-before-write, with the name of a bitmap of the drive's."""
    if drive.access.has_node:
        drive.unplug()
        drive.plug_in()
    view = world.views.new(name, drive, options)
    scratch = view.scratch
    world.images.create(scratch.name, scratch.image_format, scratch.content, options=scratch.kind.options)

    def granted() -> None:
        world.views.by_name[name] = view

    world.dialogue.ask(view.freeze().then(granted))


def discard(world: World, view: View, parts: Sequence[tuple[int, int]]) -> None:
    """Let a client tell that it needs parts of a view, of (offset, length) in bytes, no more.

    What one such request has of whole cells can be read no more, and is not saved any more.
    """
    server = "driver=nbd,server.type=unix,server.path=" + view.machine.exports_socket
    argv = [str(world.images.qemu_io), "-d", "unmap", "--image-opts", f"{server},export={view.name},discard=unmap"]
    for at, length in parts:
        try:
            run_tool([*argv, "-c", f"discard {at} {length}"], cwd=view.machine.home, bound=view.machine.bound)
        except ToolFailed:
            view.machine.all_events()  # if QEMU has died of it, that is what there is to tell
            raise
        view.let_go_of(at, length)


def back_up(world: World, view: View, options: Mapping[str, object]) -> None:
    """Take a push backup out of a view, into a new image, and wait for its end, whichever it is."""
    image = Image(f"backup-of-{view.name}.qcow2", ImageKind("qcow2"), view.content)
    world.images.create(image.name, "qcow2", Content(view.content.size))
    backup = world.views.backups[view.name] = ViewBackup(view, image)
    world.dialogue.ask(backup.start(options))
    if backup.job.begun:
        backup.finish()
        if options.get("discard-source") and str(backup.job.end) == "completed":
            view.let_go_of(0, view.content.size)

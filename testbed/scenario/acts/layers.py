"""What an operator does to the layers of a drive: commits, streams, moves to a copy, internal snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TypeVar

from testbed.base.problems import AuthorError
from testbed.domain.drive import Drive
from testbed.domain.layers import Commit, JobFailed, Move, Stream
from testbed.domain.lifecycle import state_of
from testbed.domain.request import Request
from testbed.scenario.acts.act import Actor, Name, act
from testbed.scenario.acts.opening import reopening
from testbed.scenario.dialogue import BrokenPromise
from testbed.scenario.world import World

Begun = TypeVar("Begun", Commit, Move)


@act("stream", on="drive", by=Actor.OPERATOR)
def stream(world: World, drive: Drive, base: Name = "") -> Request:
    """Copy into a drive all that it has from above `base`, or from below; granted when that is done.

    What nobody uses then, QEMU closes.
    """
    return Stream(drive, world.drives.drive(base) if base else None).request().then(world.drives.let_go_of_unused)


@act("commit of layers", on="drive", by=Actor.OPERATOR)
def commit_layers(world: World, drive: Drive, base: Name) -> Request:
    """Begin to write all that a drive holds, and those between, into one below it; finish one that no guest uses."""
    below = world.drives.drive(base)
    commit = Commit(world.drives.chain_of(drive, below), below, world.drives.above(drive))

    def begun() -> None:
        if commit.above is None:
            commit.wait_until_ready()
            world.commits[drive.name] = commit
        else:
            commit.finish_below()
            world.drives.let_go_of_unused()

    return commit.request().then(begun)


def begin_commit(world: World, top: Drive, base: Drive) -> None:
    """Begin to write all that a drive holds, and those between, into one below it; it must be granted."""
    world.dialogue.demand(commit_layers(world, top, base.name))


def commit_whole(world: World, top: Drive, base: Drive) -> None:
    """Write all that a drive holds, and those between, into one below it, and take them out of the chain."""
    begin_commit(world, top, base)
    if top.name in world.commits:
        complete_commit(world, top)


def try_commit(world: World, top: Drive, base: Drive) -> str:
    """Begin to write all that the guest's drive holds into one below it; return with what words that fails, or nothing.

    When it has failed, the base stays open for writing: what it holds, nobody can know before another commit.
    """
    commit = Commit(world.drives.chain_of(top, base), base)
    world.dialogue.demand(commit.request())
    try:
        commit.wait_until_ready()
    except JobFailed as failed:
        errors = [event for event in top.machine.heard() if event.is_error and event.data["device"] == commit.job.name]
        world.hearing.heard(errors)
        return str(failed)
    world.commits[top.name] = commit
    return ""


def complete_commit(world: World, top: Drive) -> None:
    """Let the guest go on with the image into which its own was written."""
    world.dialogue.demand(_begun(world.commits, top).complete())
    del world.commits[top.name]
    world.drives.let_go_of_unused()


def cancel_commit(world: World, top: Drive) -> None:
    """Leave the guest with its image, when all that it holds is in the one below it."""
    world.dialogue.demand(_begun(world.commits, top).cancel())


@act("mirror into", on="drive", by=Actor.OPERATOR)
def mirror_into(world: World, drive: Drive, target: Name) -> Request:
    """Begin to copy a drive into another one, `target`, with which its guest may go on later."""
    return _move(world, drive, world.drives.drive(target), {})


def begin_move(world: World, source: Drive, copy: Drive, options: Mapping[str, object]) -> None:
    """Mirror a drive into another one, and wait until that has caught up; options are those of blockdev-mirror."""
    world.dialogue.demand(_move(world, source, copy, options))


def _move(world: World, source: Drive, copy: Drive, options: Mapping[str, object]) -> Request:
    move = Move(source, copy)

    def begun() -> None:
        move.wait_until_ready()
        world.moves[source.name] = move

    return move.request(options).then(begun)


def complete_move(world: World, source: Drive) -> None:
    """Let the guest go on with the copy of a drive."""
    world.dialogue.demand(_begun(world.moves, source).complete())
    world.drives.let_go_of_unused()


def delete_layer(world: World, drive: Drive) -> None:
    """Delete the node of a drive that no guest uses any more; its image stays."""
    drive.machine.execute("blockdev-del", {"node-name": drive.name})
    world.drives.delete(drive)


def open_base_anew(drive: Drive, *, read_only: bool) -> Request:
    """Open the image of a drive below the guest's anew, which stands on nothing: for reading only, or for writing."""
    if drive.serves_guest or drive.image.base:
        raise AuthorError(f'"{drive.name}" is no base that stands on nothing')
    command, arguments = reopening(drive, read_only=read_only)

    def granted() -> None:
        drive.reopened(read_only=read_only)

    return Request(command, arguments, granted, machine=drive.machine)


@act("snapshot made by QEMU", on="drive", by=Actor.OPERATOR)
def snapshot_by_qemu(world: World, drive: Drive, target: Name) -> Request:
    """Take an external snapshot for which QEMU itself makes the image, `target`, and puts it above the drive's."""
    overlay = world.drives.overlay_by_qemu(target, drive)

    def granted() -> None:
        world.drives.adopt(overlay)
        drive.give_guest_to(overlay)

    new = {"snapshot-file": overlay.image.name, "snapshot-node-name": target, "format": overlay.image.image_format}
    arguments = {"node-name": drive.name, **new}
    stored = partial(drive.reopened, read_only=True)
    return Request("blockdev-snapshot-sync", arguments, granted, machine=drive.machine, settled=stored)


@act("internal snapshot", on="drive", by=Actor.OPERATOR)
def take_internal_snapshot(drive: Drive, target: Name) -> Request:
    """Take a snapshot of that name inside of the drive's image."""

    def granted() -> None:
        drive.image.snapshots[target] = drive.content

    arguments = {"device": drive.name, "name": target}
    return Request("blockdev-snapshot-internal-sync", arguments, granted, machine=drive.machine)


@act("delete internal snapshot", on="drive", by=Actor.OPERATOR)
def delete_internal_snapshot(drive: Drive, target: Name) -> Request:
    """Delete a snapshot of that name inside of the drive's image."""

    def granted() -> None:
        del drive.image.snapshots[target]

    arguments = {"device": drive.name, "name": target}
    return Request("blockdev-snapshot-delete-internal-sync", arguments, granted, machine=drive.machine)


def save_state(drive: Drive, name: str) -> None:
    """Save the whole machine in the drive's image, as a snapshot inside; raises BrokenPromise when QEMU does not."""
    if words := drive.machine.human(f"savevm {name}").strip():
        raise BrokenPromise(f"the state of the machine should have been saved; QEMU said: {words}")
    drive.image.snapshots[name] = drive.content


def go_back(drive: Drive, name: str) -> str:
    """Go back to a saved state of the whole machine; return what the human monitor says, which is nothing if it can."""
    words = drive.machine.human(f"loadvm {name}").strip()
    if not words:
        drive.image.restore(name)
    return words


def job_saves_state(drive: Drive, name: str) -> None:
    """Save the whole machine in the drive's image by a job; raises BrokenPromise when that fails."""
    if words := _state_job(drive, "snapshot-save", {"tag": name, "vmstate": drive.name}):
        raise BrokenPromise(f"a job should have saved the state of the machine; it failed: {words}")
    drive.image.snapshots[name] = drive.content


def job_goes_back(drive: Drive, name: str) -> str:
    """Go back to a saved state of the whole machine by a job; return with what words it fails, or nothing."""
    words = _state_job(drive, "snapshot-load", {"tag": name, "vmstate": drive.name})
    if not words:
        drive.image.restore(name)
    return words


def job_forgets_state(drive: Drive, name: str) -> None:
    """Delete a saved state of the machine by a job; raises BrokenPromise when that fails."""
    if words := _state_job(drive, "snapshot-delete", {"tag": name}):
        raise BrokenPromise(f"a job should have deleted the state of the machine; it failed: {words}")
    del drive.image.snapshots[name]


def _state_job(drive: Drive, command: str, arguments: Mapping[str, object]) -> str:
    """Let such a job come to its end, and dismiss it; return its error, or nothing."""
    machine, job = drive.machine, f"{command}-of-{drive.name}"
    start = len(machine.all_events())
    machine.execute(command, {"job-id": job, "devices": [drive.name], **arguments})
    machine.wait_for(
        f'the state "concluded" of job {job}',
        lambda event: state_of(event) == "concluded" and event.data["id"] == job,
        start=start,
    )
    (error,) = [str(each.get("error", "")) for each in machine.execute("query-jobs") if each["id"] == job]
    machine.execute("job-dismiss", {"id": job})
    return error


def insist_on_going_back(drive: Drive, name: str) -> None:
    """Go back to a saved state of the whole machine; raises BrokenPromise when QEMU does not."""
    if words := go_back(drive, name):
        raise BrokenPromise(f"the machine should have gone back; QEMU said: {words}")


def _begun(jobs: Mapping[str, Begun], drive: Drive) -> Begun:
    if drive.name not in jobs:
        raise AuthorError(f'nothing of that kind has begun with "{drive.name}", only with {sorted(jobs)}')
    return jobs[drive.name]

"""How a guest moves to another machine with its drives, and what an operator can do before, meanwhile and instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from testbed.base.problems import AuthorError
from testbed.domain.migration import Alias, Copying, Migration, Side, as_mapping
from testbed.domain.request import Request
from testbed.qemu.machine import Machine
from testbed.scenario.acts import bitmaps
from testbed.scenario.world import World

SIDES = ("source", "destination")
"""What the two machines are called in sentences."""

KEPT_IN = "state"
"""The name of the file in which a machine's state is kept."""


def await_guest(
    world: World, name: str, *, sizes: Mapping[str, int] | None = None, stored: str = "", next_build: bool = False
) -> Migration:
    """Start a machine to which the guest can move: with the same images, or with its own of these sizes, in bytes.

    Each of its own stores a bitmap of the name `stored`, if there is one.
    """
    machine = world.machines.boot_to_wait(name, next_build=next_build)
    arriving = world.drives.prepare_arrival(machine, sizes, stored)
    sides = Side(world.machine), Side(machine)
    world.migration = Migration(*sides, dict(world.drives.by_name), arriving, f"unix:{name}.migration")
    return world.migration


def copy_images(world: World) -> None:
    """Copy each drive into the image that the other machine has for it, and keep the two in step until it moves."""
    migration = current(world)
    migration.source.set_capability("pause-before-switchover")
    for drive in migration.drives.values():
        copying = Copying(drive)
        copying.begin(migration.destination.machine)
        world.copies.append(copying)


def let_bitmaps_travel(world: World) -> None:
    """Set the capability on both sides."""
    migration = current(world)
    migration.carries = True
    for side in (migration.source, migration.destination):
        side.let_bitmaps_travel()


def let_bitmaps_stay(world: World) -> None:
    """Unset the capability on both sides, which an earlier move may have set."""
    migration = current(world)
    migration.carries = False
    for side in (migration.source, migration.destination):
        side.set_capability("dirty-bitmaps", state=False)


def add_at(world: World, machine: str, drive: str, bitmap: str) -> None:
    """Add a bitmap to a drive of the machine that waits, which must have that name."""
    _waiting(world, machine)
    world.dialogue.demand(bitmaps.add(current(world).arriving[drive], bitmap))


def side_of(world: World, name: str) -> Side:
    """Return the "source" or the "destination"; raise AuthorError for another name."""
    if name not in SIDES:
        raise AuthorError(f'"{name}" is neither {" nor ".join(SIDES)}')
    migration = current(world)
    return migration.source if name == "source" else migration.destination


def map_bitmaps(side: Side, aliases: Sequence[Alias]) -> Request:
    """Make the request that tells a machine what bitmaps are called on their way."""

    def granted() -> None:
        side.aliases = aliases

    arguments = {"block-bitmap-mapping": as_mapping(aliases)}
    return Request("migrate-set-parameters", arguments, granted, machine=side.machine)


def begin(world: World) -> Migration:
    """Let the guest begin to move."""
    migration = current(world)
    migration.listen()
    asked = Request("migrate", {"uri": migration.channel}, migration.begun, machine=migration.source.machine)
    world.dialogue.demand(asked)
    return migration


def hold(world: World) -> None:
    """Let the guest begin to move, and keep it from getting there."""
    current(world).hold()
    begin(world).wait_until_held()


def move(world: World) -> None:
    """Let the guest move, and go on there."""
    begin(world)
    finish(world)


def finish(world: World) -> None:
    """Wait until a guest that is on its way has got there, and let it go on; see Migration.insist_on."""
    migration = current(world)
    migration.wait_for_switch_over()
    end_copies(world)
    migration.switch_over()
    migration.insist_on("completed")
    arrive(world, migration)


def end_copies(world: World) -> None:
    """End the mirrors into the other machine's images."""
    for copying in world.copies:
        copying.end()
    if world.copies:
        current(world).destination.machine.execute("nbd-server-stop")
    world.copies.clear()


def arrive(world: World, migration: Migration) -> None:
    """Wait until the other machine has all, let the guest go on there, and go on with that machine."""
    migration.destination.wait_for("completed")
    migration.destination.machine.resume()
    migration.arrived()
    world.drives.move_to(migration.arriving)


def go_on(world: World) -> None:
    """Let a guest that was on its way go on."""
    current(world).let_go()
    finish(world)


def go_on_by_postcopy(world: World) -> None:
    """Let the guest go on at the other machine before its bitmaps have arrived there."""
    migration = current(world)
    migration.source.machine.execute("migrate-start-postcopy")
    migration.insist_on("completed")
    arrive(world, migration)


def cancel(world: World) -> None:
    """Call the move off: the guest goes on where it was, and the other machine gives up."""
    migration = current(world)
    give_copies_up(world)
    migration.source.machine.execute("migrate_cancel")
    migration.insist_on("cancelled")
    migration.let_go()
    migration.lost()
    stay(world)


def lose_destination(world: World, end: Callable[[Machine], None] = Machine.kill) -> None:
    """End the other machine while the guest is on its way; that goes on where it was."""
    migration = current(world)
    end(migration.destination.machine)
    migration.let_go()
    migration.insist_on("failed")
    stay(world)


def end_source(world: World) -> None:
    """End the machine in order whose guest is on its way; the other one gives up."""
    migration = current(world)

    def ending(machine: Machine) -> None:
        machine.quit()
        migration.abandoned()

    world.judge.end(migration.source.machine, ending)
    migration.lost()


def ask_to_remove_at(world: World, machine: str, drive: str, bitmap: str) -> None:
    """Ask the machine that waits, which must have that name, to remove a bitmap."""
    waiting = _waiting(world, machine)
    arguments = {"node": drive, "name": bitmap}
    world.dialogue.ask(Request("block-dirty-bitmap-remove", arguments, machine=waiting))


def move_within(world: World, seconds: int) -> None:
    """Let the guest move in so many seconds, or raise MigrationFailed."""
    begin(world).insist_on_end_within(seconds)
    finish(world)


def fail(world: World) -> str:
    """Let the guest try to move, in vain; it goes on where it was. Return what the two machines have said of that."""
    migration = begin(world)
    migration.insist_on("failed")
    words = [str(migration.status.get("error-desc", "")), migration.source.machine.last_words, migration.lost()]
    stay(world)
    return "\n".join(words)


def stay(world: World) -> None:
    """Let the guest go on where it was, without a copy."""
    give_copies_up(world)
    current(world).source.machine.resume()


def give_copies_up(world: World) -> None:
    """End the mirrors into images that nobody will go on with."""
    for copying in world.copies:
        copying.give_up()
    world.copies.clear()


def keep_state(world: World, *, carries: bool) -> None:
    """Write the machine to a file, as if it moved there; its images are as good as another one's then."""
    drives = dict(world.drives.by_name)
    world.migration = Migration(Side(world.machine), Side(world.machine), drives, {}, f"exec:cat > {KEPT_IN}", carries)
    if carries:
        world.migration.source.let_bitmaps_travel()
    asked = Request("migrate", {"uri": world.migration.channel}, world.migration.begun, machine=world.machine)
    world.dialogue.demand(asked)
    world.migration.insist_on("completed")
    world.migration.departed()


def stay_after_all(world: World) -> None:
    """Let a guest go on whose state was written to a file, in the same machine."""
    stay(world)
    current(world).stayed()


def load_state(world: World, name: str) -> None:
    """Quit the machine whose state is in the file, and let another one go on from that."""
    kept = current(world)
    before: Machine = kept.source.machine
    machine = world.machines.boot_to_wait(name)
    kept.destination, kept.arriving = Side(machine), world.drives.prepare_arrival(machine, None, "")
    if kept.carries:
        kept.destination.let_bitmaps_travel()
    before.quit()
    machine.execute("migrate-incoming", {"uri": f"exec:cat {KEPT_IN}"})
    arrive(world, kept)


def current(world: World) -> Migration:
    """Return the newest migration; raise AuthorError when there is none."""
    if world.migration is None:
        raise AuthorError("no machine waits for the guest: let one be started for that")
    return world.migration


def _waiting(world: World, name: str) -> Machine:
    machine = current(world).destination.machine
    if machine.name != name:
        raise AuthorError(f'it is not "{name}" that waits for the guest')
    return machine

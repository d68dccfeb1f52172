"""Sentences about exports over NBD, and the clients that read them."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that, contains_string

from testbed.base.units import parse_byte, parse_size
from testbed.clients.libnbd import ALLOCATION, DEPTH, Libnbd, bitmap_context
from testbed.language.context import world_of
from testbed.language.needs import needing
from testbed.language.requests import GUEST_COLUMNS, let_client_do
from testbed.language.tables import cell, rows
from testbed.promises import exports as promises
from testbed.scenario.acts.exports import export
from testbed.scenario.acts.registry import Act

FOREIGN = ("block-export", "libnbd")
CONTEXTS = {"allocation": ALLOCATION, "depth": DEPTH}
"""What a client can ask for besides bitmaps, in the words of a sentence."""

SCRIPTED = ("block-export", "libnbd-python")


@given("{drive:Name} has been exported with {bitmaps:Names}")
@when("{drive:Name} is exported with {bitmaps:Names}")
@needing("block-export")
def exported(context: Context, drive: str, bitmaps: list[str]) -> None:
    """Export a drive with bitmaps, which may record: a client may write to it."""
    world = world_of(context)
    world.dialogue.ask(export(world, world.drives.drive(drive), bitmaps, writable=True))


@given("{drive:Name} has been exported for reading only with {bitmaps:Names}")
@when("{drive:Name} is exported for reading only with {bitmaps:Names}")
@needing("block-export")
def exported_for_reading(context: Context, drive: str, bitmaps: list[str]) -> None:
    """Export a drive with bitmaps that do not record."""
    world = world_of(context)
    world.dialogue.ask(export(world, world.drives.drive(drive), bitmaps))


@when("{drive:Name} is exported with its allocation depth")
@needing("block-export")
def exported_with_depth(context: Context, drive: str) -> None:
    """Export a drive so that clients can ask which of its layers holds what."""
    world = world_of(context)
    world.dialogue.ask(export(world, world.drives.drive(drive), allocation_depth=True))


# What clients are told.


@then("a client should be told what {bitmaps:Names} of {drive:Name} has recorded")
@then("a client should be told what {bitmaps:Names} of {drive:Name} have recorded")
@needing(*FOREIGN)
def told_of_bitmaps(context: Context, bitmaps: list[str], drive: str) -> None:
    """Let a foreign client ask for each bitmap of an export, and compare each bit with what must be recorded."""
    world = world_of(context)
    node = world.drives.drive(drive)
    wanted = [found for found in world.exports.newest_of(node).bitmaps if found.name in bitmaps]
    assert_that(node, promises.tells_what_was_recorded(world.clients.tools(node), wanted))


@then("a client should be told in one answer what the bitmaps of {drive:Name} have recorded, and what is zero")
@needing(*SCRIPTED)
def told_all(context: Context, drive: str) -> None:
    """Let a client ask for all contexts of an export at once."""
    world = world_of(context)
    node = world.drives.drive(drive)
    shown = world.exports.newest_of(node).bitmaps
    assert_that(node, promises.tells_all_at_once(world.clients.scripted(node), shown))


@then("a client that asks of {most:Size} at a time should be told the same of {drive:Name}")
@needing(*SCRIPTED)
def told_all_in_pieces(context: Context, most: int, drive: str) -> None:
    """Do the same with many questions, each of at most so many bytes."""
    world = world_of(context)
    node = world.drives.drive(drive)
    shown = world.exports.newest_of(node).bitmaps
    assert_that(node, promises.tells_all_at_once(world.clients.scripted(node), shown, most))


@then("a client should be told where {drive:Name} is zero")
@needing(*FOREIGN)
def told_of_zeros(context: Context, drive: str) -> None:
    """Let a foreign client ask what is allocated, and compare that with what the guest has written."""
    world = world_of(context)
    node = world.drives.drive(drive)
    assert_that(node, promises.tells_what_is_zero(world.clients.tools(node)))


@then("a client should be told which layer of {drive:Name} holds what")
@needing(*FOREIGN)
def told_of_depth(context: Context, drive: str) -> None:
    """Let a foreign client ask for the allocation depth, and compare it with what each layer must hold."""
    world = world_of(context)
    node = world.drives.drive(drive)
    assert_that(node, promises.tells_depths(world.clients.tools(node), world.drives.chain_of(node, None)))


@then("a client should be told the truth by {bitmap:Name} of {drive:Name} about these ranges:")
@needing(*SCRIPTED)
def told_of_ranges(context: Context, bitmap: str, drive: str) -> None:
    """Let a client ask about ranges that begin and end anywhere, also for one extent alone."""
    world = world_of(context)
    node = world.drives.drive(drive)
    held = next(found for found in world.exports.newest_of(node).bitmaps if found.name == bitmap)
    asked = [(parse_size(cell(row, "at")), parse_size(cell(row, "length"))) for row in rows(context, ("at", "length"))]
    assert_that(node, promises.tells_of_ranges(world.clients.scripted(node), held, asked))


@then("a client should be offered {contexts:Names} by {drive:Name}")
@needing(*FOREIGN)
def offered(context: Context, contexts: list[str], drive: str) -> None:
    """Compare the contexts, the size and the name of the newest export with what was asked for."""
    world = world_of(context)
    node = world.drives.drive(drive)
    known = world.exports.newest_of(node)
    wanted = [CONTEXTS.get(name, bitmap_context(name)) for name in contexts]
    properties = {"is_read_only": not known.writable, "export-name": known.called}
    assert_that(node, promises.offers(world.clients.tools(node), wanted, properties))


# What they read and write.


@then("a client should read what the guest has written to {drive:Name}")
@needing(*FOREIGN)
def read_all(context: Context, drive: str) -> None:
    """Let a foreign client copy an export, and compare each byte."""
    world = world_of(context)
    node = world.drives.drive(drive)
    assert_that(node, promises.is_read_as(world.clients.tools(node), world.images, node.content))


@then("a client should read these ranges of {drive:Name} rightly, with structured replies and without:")
@needing(*SCRIPTED)
def read_ranges(context: Context, drive: str) -> None:
    """Let a client read ranges that begin and end anywhere."""
    world = world_of(context)
    node = world.drives.drive(drive)
    asked = [(parse_size(cell(row, "at")), parse_size(cell(row, "length"))) for row in rows(context, ("at", "length"))]
    assert_that(node, promises.reads_in_pieces(world.clients.scripted(node), asked, node.content))


@given("a client has written to {drive:Name}:")
@when("a client writes to {drive:Name}:")
@needing(*SCRIPTED)
def client_writes(context: Context, drive: str) -> None:
    """Let a client of the newest export do what the table says."""
    world = world_of(context)
    for row in rows(context, ("at", "length"), GUEST_COLUMNS):
        let_client_do(world, world.drives.drive(drive), row)


@then("these writes of a client to {drive:Name} should fail with {words:Name}:")
@needing(*SCRIPTED)
def client_fails(context: Context, drive: str, words: str) -> None:
    """Insist that a client is told so of each write of the table, and that none of them is carried out."""
    world = world_of(context)
    for row in rows(context, ("pattern", "at", "length")):
        pattern, at, length = (parse_byte(row["pattern"]), parse_size(row["at"]), parse_size(row["length"]))
        said = world.clients.words_of_failure(world.drives.drive(drive), pattern, at, length)
        assert_that(said, contains_string(words))


# Clients that stay.


@given("a client {act:ClientAct} {drive:Name}")
@needing("block-export", "libnbd-python")
def client_stays(context: Context, act: Act, drive: str) -> None:
    """Let a client come that stays."""
    world = world_of(context)
    act.do(world.clients, world.drives.drive(drive))


@given("that client {act:ClientEnd}")
@when("that client {act:ClientEnd}")
def client_ends(context: Context, act: Act) -> None:
    """Let the client go that came last."""
    act.do(world_of(context).clients)


@given("{count:Count} clients have read {drive:Name} over and over, and each has been killed")
@needing("block-export", "libnbd-python")
def clients_killed(context: Context, count: int, drive: str) -> None:
    """Let clients come at once, and kill them in the midst of their reads, the one that came last first."""
    world = world_of(context)
    node = world.drives.drive(drive)
    for _ in range(count):
        world.clients.read_on(node)
    for _ in range(count):
        world.clients.die()


@then("no client should find {drive:Name} any more")
@needing(*FOREIGN)
def found_no_more(context: Context, drive: str) -> None:
    """Insist that a client does not find the export that was the drive's last."""
    world = world_of(context)
    node = world.drives.drive(drive)
    assert_that(node, promises.is_found_no_more(Libnbd(world.exports.last_of(node).address)))


@then("QEMU should list the exports that there are")
@needing("block-export")
def exports_listed(context: Context) -> None:
    """Compare what QEMU says of its exports with those that were granted and have not ended."""
    world = world_of(context)
    assert_that(world.machine, promises.lists(world.exports.granted))

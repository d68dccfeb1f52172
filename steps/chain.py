"""Sentences about chains of increments: how they grow, and what becomes of the images in their midst."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.domain.chain import Chain, ChainAct
from testbed.language.words import in_round, let_guest_do, rows, world_of
from testbed.promises.backups import is_found_broken
from testbed.promises.promise import each


@given("{count:Count} incremental backups of {drive:Name} with {bitmap:Name}, each after the guest has written:")
def chain_grown(context: Context, count: int, drive: str, bitmap: str) -> None:
    """Take one increment after the other, each after writes of a pattern of its own, which are farther on each time."""
    world = world_of(context)
    writes = rows(context, ("at", "length", "farther"))
    for number in range(1, count + 1):
        for row in writes:
            let_guest_do(world.drive(drive), in_round(row, number))
        world.take_successfully(world.drive(drive), "incremental", bitmap=bitmap)


@when("the {place:Place} increment of {drive:Name} with {bitmap:Name} is {act:ChainAct}")
def chain_act(context: Context, place: int, drive: str, bitmap: str, act: ChainAct) -> None:
    """Do something to the image of an increment, while nobody has it open."""
    world = world_of(context)
    act(Chain(world.backups, world.backups.successful_with(world.drive(drive), bitmap)), place)


@then("no increment of {drive:Name} with {bitmap:Name} from the {place:Place} on should restore its moment")
def found_broken(context: Context, drive: str, bitmap: str, place: int) -> None:
    """Read increments whose chain is broken; each must either not open or not be what it was. They are judged then."""
    world = world_of(context)
    broken = world.backups.successful_with(world.drive(drive), bitmap)[place:]
    assert_that(broken, each(is_found_broken(world.images)))
    for backup in broken:
        backup.judged = True

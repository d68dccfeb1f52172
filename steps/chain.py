"""Sentences about chains of increments: how they grow, and what becomes of the images in their midst."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.domain.chain import Chain
from testbed.language.context import world_of
from testbed.language.requests import write_round
from testbed.language.tables import rows
from testbed.promises.backups import is_found_broken
from testbed.promises.promise import each
from testbed.scenario.acts.registry import Act


@given("{count:Count} incremental backups of {drive:Name} with {bitmap:Name}, each after the guest has written:")
def chain_grown(context: Context, count: int, drive: str, bitmap: str) -> None:
    """Take one increment after the other, each after writes of a pattern of its own, which are farther on each time."""
    world = world_of(context)
    writes, source = rows(context, ("at", "length", "farther")), world.drives.drive(drive)
    for number in range(1, count + 1):
        write_round(source, writes, number)
        world.backups.take_successfully(source, "incremental", bitmap=bitmap)


@when("the {place:Place} increment of {drive:Name} with {bitmap:Name} is {act:IncrementAct}")
def chain_act(context: Context, place: int, drive: str, bitmap: str, act: Act) -> None:
    """Do something to the image of an increment, while nobody has it open."""
    world = world_of(context)
    links = world.catalogue.successful_with(world.drives.drive(drive), bitmap)
    act.do(Chain(world.catalogue, links), place)


@then("no increment of {drive:Name} with {bitmap:Name} from the {place:Place} on should restore its moment")
def found_broken(context: Context, drive: str, bitmap: str, place: int) -> None:
    """Read increments whose chain is broken; each must either not open or not be what it was. They are judged then."""
    world = world_of(context)
    broken = world.catalogue.successful_with(world.drives.drive(drive), bitmap)[place:]
    assert_that(broken, each(is_found_broken(world.images)))
    for backup in broken:
        backup.judged = True

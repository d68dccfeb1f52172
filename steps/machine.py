"""Sentences about the machine as a whole."""

from collections.abc import Mapping

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that, equal_to

from testbed.language.words import bench_of, world_of


@given("a machine whose guest sees its drives as disks")
def machine_with_disks(context: Context) -> None:
    """Start the machine anew on a board with a disk controller; drives are plugged in while it runs."""
    board = bench_of(context).capabilities.board
    assert board, "this build has no such machine; the tag needs.guest-disk says that a scenario needs one"
    world_of(context).use_board(board)


@given("the guest {options:DriveOptions}")
def drives_set_up(context: Context, options: Mapping[str, str]) -> None:
    """Set up all drives that the machine is given from now on."""
    world_of(context).set_up_drives(options)


@given("a second monitor is listening")
def second_monitor(context: Context) -> None:
    """Connect another client to the machine, which hears what the first one hears."""
    world_of(context).machine.watch()


@when("the first monitor goes away")
def monitor_lost(context: Context) -> None:
    """Close the connection by which the machine was operated so far, and go on with the second one."""
    world_of(context).machine.lose_monitor()


@then("both monitors should have been told the same")
def both_told(context: Context) -> None:
    """Compare all events that the monitors have heard."""
    first, second = world_of(context).machine.heard_by_both()
    assert_that(second, equal_to(first), "what the second monitor heard")


@when("the machine is shut down")
def machine_shut_down(context: Context) -> None:
    """Tell QEMU to quit, whatever it is doing, and wait until it has ended as it should."""
    world_of(context).shut_down()


@given("the machine has been {act:MachineAct}")
@when("the machine is {act:MachineAct}")
def machine_act(context: Context, act: tuple[str, str]) -> None:
    """Start, pause or reset the machine, and wait until it tells of that."""
    world_of(context).machine.act(*act)

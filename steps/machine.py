"""Sentences about the machine as a whole."""

from behave import given, when
from behave.runner import Context

from testbed.sentences import bench_of, world_of


@given("a machine whose guest sees its drives as disks")
def machine_with_disks(context: Context) -> None:
    """Start the machine anew on a board with a disk controller; drives are plugged in while it runs."""
    board = bench_of(context).capabilities.board
    assert board, "this build has no such machine; the tag needs.guest-disk says that a scenario needs one"
    world_of(context).use_board(board)


@given("the machine has been {act:MachineAct}")
@when("the machine is {act:MachineAct}")
def machine_act(context: Context, act: tuple[str, str]) -> None:
    """Start, pause or reset the machine, and wait until it tells of that."""
    world_of(context).machine.act(*act)

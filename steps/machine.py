"""Sentences about the machine as a whole."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that

from testbed.language.context import testbed_of, world_of
from testbed.language.needs import needing
from testbed.language.words import SetUp
from testbed.promises.sidebyside import is_as_listed
from testbed.scenario.acts import machines
from testbed.scenario.acts.registry import Act


@given("a machine whose guest sees its drives as disks")
@needing("guest-disk", "human-monitor")
def machine_with_disks(context: Context) -> None:
    """Start the machine anew on a board with a disk controller; drives are plugged in while it runs."""
    world_of(context).drives.use_board(testbed_of(context).board)


@given("the guest {set_up:SetUp}")
def drives_set_up(context: Context, set_up: SetUp) -> None:
    """Set up all drives that the machine is given from now on."""
    world_of(context).drives.set_up(set_up.options)


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
    assert_that(second, is_as_listed("what the second monitor heard", first))


@given("the machine has been {act:MachineAct}")
@when("the machine is {act:MachineAct}")
def machine_act(context: Context, act: Act) -> None:
    """Start, pause or reset the machine, shut it down or kill it, and wait until that is done."""
    act.do(world_of(context))


@given("the machine {name:Name} has started with the same drives")
@when("the machine {name:Name} starts with the same drives")
def next_machine(context: Context, name: str) -> None:
    """Start another machine of the same build with the drives of the last one, which has ended; go on with that."""
    machines.start_elsewhere(world_of(context), name)


@given("the machine has been {act:MachineAct}, and {name:Name} has started with the same drives")
@when("the machine is {act:MachineAct}, and {name:Name} starts with the same drives")
def machine_replaced(context: Context, act: Act, name: str) -> None:
    """Let the machine end in some way, and start another one of the same build with its drives; go on with that."""
    act.do(world_of(context))
    machines.start_elsewhere(world_of(context), name)


@given("the machine {name:Name} of the next build has started with the same drives")
@needing("next-build")
def next_machine_of_next_build(context: Context, name: str) -> None:
    """Do the same with the build that the option next_qemu names."""
    machines.upgrade(world_of(context), name)


@given("the machine has been {act:MachineAct}, and {name:Name} of the next build has started with the same drives")
@needing("next-build")
def machine_replaced_by_next_build(context: Context, act: Act, name: str) -> None:
    """Let the machine end in some way, and start one of the build that the option next_qemu names."""
    act.do(world_of(context))
    machines.upgrade(world_of(context), name)

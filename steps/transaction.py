"""Sentences about transactions: several requests made at one moment, granted together or not at all."""

from behave import given, when
from behave.runner import Context

from testbed.domain.request import transaction
from testbed.language.requests import REQUEST_COLUMNS, request
from testbed.language.words import rows, world_of


@given("these requests have been granted as one transaction{mode:Completion}:")
@when("these requests are made as one transaction{mode:Completion}:")
def one_transaction(context: Context, mode: str) -> None:
    """Make the requests of the table as one transaction, whose completion mode is QEMU's default if none is named."""
    world = world_of(context)
    world.ask(transaction([request(world, row) for row in rows(context, ("request",), REQUEST_COLUMNS)], mode))


@given("a full backup of {drive:Name}, in one transaction with these requests:")
def full_backup_in_transaction(context: Context, drive: str) -> None:
    """Take a full backup, which must succeed, at the same moment at which the requests of the table are granted."""
    world = world_of(context)
    requests = [request(world, row) for row in rows(context, ("request",), REQUEST_COLUMNS)]
    world.take_successfully(world.drive(drive), "full", before=requests)

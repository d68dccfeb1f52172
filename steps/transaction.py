"""Sentences about transactions: several requests made at one moment, granted together or not at all."""

from behave import given, when
from behave.runner import Context

from testbed.domain.request import transaction
from testbed.language.context import world_of
from testbed.language.needs import needing, of_requests
from testbed.language.requests import REQUEST_COLUMNS, requests
from testbed.language.tables import rows


@given("these requests have been granted as one transaction{mode:Completion}:")
@when("these requests are made as one transaction{mode:Completion}:")
@needing(rows=of_requests)
def one_transaction(context: Context, mode: str) -> None:
    """Make the requests of the table as one transaction, whose completion mode is QEMU's default if none is named."""
    world = world_of(context)
    asked = requests(world, rows(context, ("request",), REQUEST_COLUMNS))
    world.dialogue.ask(transaction(asked, mode))


@given("a full backup of {drive:Name}, in one transaction with these requests:")
@needing(rows=of_requests)
def full_backup_in_transaction(context: Context, drive: str) -> None:
    """Take a full backup, which must succeed, at the same moment at which the requests of the table are granted."""
    world = world_of(context)
    asked = requests(world, rows(context, ("request",), REQUEST_COLUMNS))
    world.backups.take_successfully(world.drives.drive(drive), "full", before=asked)

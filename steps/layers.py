"""Sentences about the layers of a drive: commits, streams, moves to a copy, internal snapshots."""

from behave import given, then, when
from behave.runner import Context
from hamcrest import assert_that, contains_string

from testbed.language.context import world_of
from testbed.language.needs import needing
from testbed.language.tables import options
from testbed.promises.drives import is_only_read
from testbed.scenario.acts import layers


@given("{top:Name} has been committed into {base:Name}")
@when("{top:Name} is committed into {base:Name}")
def committed(context: Context, top: str, base: str) -> None:
    """Write all that a drive holds above another one into that; if the guest uses it, it goes on with the other one."""
    world = world_of(context)
    layers.commit_whole(world, world.drives.drive(top), world.drives.drive(base))


@given("a commit of {top:Name} into {base:Name} is ready")
def commit_ready(context: Context, top: str, base: str) -> None:
    """Write all that the guest's image holds into one below it, and keep the two in step until somebody ends that."""
    world = world_of(context)
    layers.begin_commit(world, world.drives.drive(top), world.drives.drive(base))


@when("{top:Name} is to be committed into {base:Name}")
def to_be_committed(context: Context, top: str, base: str) -> None:
    """Begin to write all that the guest's image holds into one below it; of the words with which that fails, speak."""
    world = world_of(context)
    world.human_words = layers.try_commit(world, world.drives.drive(top), world.drives.drive(base))


@given("the commit of {top:Name} has been completed")
@when("the commit of {top:Name} is completed")
def commit_completed(context: Context, top: str) -> None:
    """Let the guest go on with the image into which its own was written."""
    world = world_of(context)
    layers.complete_commit(world, world.drives.drive(top))


@when("the commit of {top:Name} is cancelled")
def commit_cancelled(context: Context, top: str) -> None:
    """Leave the guest with its image; what that holds has been written into the one below it all the same."""
    world = world_of(context)
    layers.cancel_commit(world, world.drives.drive(top))


@given("the new drive {copy:Name} as large as {source:Name}")
def new_copy(context: Context, copy: str, source: str) -> None:
    """Give the machine an empty drive that no guest uses yet, for a copy of another one."""
    world = world_of(context)
    world.drives.add_copy(copy, world.drives.drive(source))


@given("the new drive {copy:Name} as large as {source:Name}, on top of {base:Name}")
def new_copy_of_layer(context: Context, copy: str, source: str, base: str) -> None:
    """Give the machine a drive that no guest uses yet, for a copy of what another one holds above the same base."""
    world = world_of(context)
    world.drives.add_copy(copy, world.drives.drive(source), world.drives.drive(base))


@given("a mirror of {source:Name} into {copy:Name} is ready that was started with:")
def mirror_ready(context: Context, source: str, copy: str) -> None:
    """Copy a drive into a new one, and keep the two in step, with the options of the table, in QEMU's words."""
    world = world_of(context)
    chosen = options(context, "blockdev-mirror")
    layers.begin_move(world, world.drives.drive(source), world.drives.drive(copy), chosen)


@given("the guest of {source:Name} has gone on with its mirror")
@when("the guest of {source:Name} goes on with its mirror")
def guest_moves(context: Context, source: str) -> None:
    """Complete a mirror: the guest uses the copy from then on."""
    world = world_of(context)
    layers.complete_move(world, world.drives.drive(source))


@given("the layer {drive:Name} has been deleted")
def layer_deleted(context: Context, drive: str) -> None:
    """Delete the node of a drive that no guest uses any more, so that its image is closed."""
    world = world_of(context)
    layers.delete_layer(world, world.drives.drive(drive))


@given("the base {drive:Name} has been opened anew for writing")
@needing("reopen")
def base_writable(context: Context, drive: str) -> None:
    """Let the operator change the bitmaps of an image below the guest's, which stands on nothing."""
    world = world_of(context)
    world.dialogue.demand(layers.open_base_anew(world.drives.drive(drive), read_only=False))


@given("the base {drive:Name} has been opened anew for reading only")
@when("the base {drive:Name} is opened anew for reading only")
@needing("reopen")
def base_only_read(context: Context, drive: str) -> None:
    """Leave an image below the guest's as it was found, but for its bitmaps."""
    world = world_of(context)
    world.dialogue.ask(layers.open_base_anew(world.drives.drive(drive), read_only=True))


@then("the image of {drive:Name} should be open for reading only")
def only_read(context: Context, drive: str) -> None:
    """Ask QEMU how it has opened an image that no guest writes to."""
    assert_that(world_of(context).drives.drive(drive), is_only_read())


@given("the state of the machine has been saved as {name:Name} in {drive:Name}")
@needing("human-monitor")
def state_saved(context: Context, name: str, drive: str) -> None:
    """Save the machine by the human monitor, as a snapshot inside of the drive's image."""
    layers.save_state(world_of(context).drives.drive(drive), name)


@when("the machine is told to go back to {name:Name} in {drive:Name}")
@needing("human-monitor")
def told_to_go_back(context: Context, name: str, drive: str) -> None:
    """Tell the human monitor to load a saved state; what it says, some sentence must speak of."""
    world = world_of(context)
    world.human_words = layers.go_back(world.drives.drive(drive), name)


@then("it should refuse that with the words {words:Name}")
def going_back_refused(context: Context, words: str) -> None:
    """Insist on these words of the human monitor."""
    assert_that(world_of(context).human_words, contains_string(words))


@given("the machine has gone back to {name:Name} in {drive:Name}")
@needing("human-monitor")
def gone_back(context: Context, name: str, drive: str) -> None:
    """Load a saved state by the human monitor: the drive reads as it did then."""
    layers.insist_on_going_back(world_of(context).drives.drive(drive), name)


@given("a job has saved the state of the machine as {name:Name} in {drive:Name}")
@needing("state-jobs")
def state_saved_by_job(context: Context, name: str, drive: str) -> None:
    """Save the machine as a snapshot inside of the drive's image, and wait for the end of the job that does it."""
    layers.job_saves_state(world_of(context).drives.drive(drive), name)


@when("a job is to go back to {name:Name} in {drive:Name}")
@needing("state-jobs")
def job_to_go_back(context: Context, name: str, drive: str) -> None:
    """Let a job load a saved state; of the words with which it fails, some sentence must speak."""
    world = world_of(context)
    world.human_words = layers.job_goes_back(world.drives.drive(drive), name)


@given("a job has deleted the state {name:Name} from {drive:Name}")
@needing("state-jobs")
def state_deleted_by_job(context: Context, name: str, drive: str) -> None:
    """Delete a saved state, and wait for the end of the job that does it."""
    layers.job_forgets_state(world_of(context).drives.drive(drive), name)


@then("that job should fail, saying {words:Name}")
def job_failed(context: Context, words: str) -> None:
    """Insist on these words of the job that was to go back, or to commit."""
    assert_that(world_of(context).human_words, contains_string(words))

from collections.abc import Callable

import pytest

from testbed.base.problems import AuthorError
from testbed.base.process import ToolFailed
from testbed.domain.chain import Chain
from testbed.model.content import Run
from testbed.promises.backups import is_found_broken, restores_its_moment
from testbed.scenario.acts import bitmaps
from testbed.scenario.world import World

MIB = 1024 * 1024
GRANULE = 64 * 1024


@pytest.fixture
def world(world: World) -> World:
    """Return a world with a drive that holds something, a full backup of it and four increments, each of a granule."""
    drive = world.drives.add("drive0", MIB, [Run(0, MIB, 0x11)])
    world.backups.take_successfully(drive, "full", before=[bitmaps.add(drive, "bitmap0")])
    for number in range(1, 5):
        drive.write(number, number * GRANULE, 512)
        world.backups.take_successfully(drive, "incremental", bitmap="bitmap0")
    return world


def chain_of(world: World) -> Chain:
    """Return the increments as they are by now."""
    return Chain(world.catalogue, world.catalogue.successful_with(world.drives.drive("drive0"), "bitmap0"))


@pytest.mark.parametrize("act", [Chain.merge_down, Chain.merge_up])
@pytest.mark.parametrize("place", [1, 2])
def test_a_merged_increment_leaves_a_whole_chain(world: World, act: Callable[[Chain, int], None], place: int) -> None:
    before = len(list(world.images.home.glob("*.qcow2")))
    act(chain_of(world), place)
    assert len(chain_of(world).links) == 3
    assert len(list(world.images.home.glob("*.qcow2"))) == before - 1
    world.judge.settle()


def test_the_newest_increment_is_merged_down(world: World) -> None:
    chain_of(world).merge_down(3)
    world.drives.drive("drive0").write(0xAB, 7 * GRANULE, 1)
    newest = world.backups.take_successfully(world.drives.drive("drive0"), "incremental", bitmap="bitmap0")
    *_, merged, last = chain_of(world).links
    assert last is newest
    assert newest.target.image.base is merged.target.image
    world.judge.settle()


@pytest.mark.parametrize(("act", "first"), [(Chain.lose, 1), (Chain.replace, 1), (Chain.skip, 2)])
def test_what_stands_on_a_wrong_image_is_found_broken(
    world: World, act: Callable[[Chain, int], None], first: int
) -> None:
    links = chain_of(world).links
    act(chain_of(world), 1)
    found = is_found_broken(world.images)
    assert [found.complaint(link) is None for link in links] == [place >= first for place in range(len(links))]
    assert "reads as if nothing had happened" in str(found.complaint(links[0]))


def test_an_image_that_cannot_be_opened_is_not_hidden_elsewhere(world: World) -> None:
    links = chain_of(world).links
    chain_of(world).lose(3)
    with pytest.raises(ToolFailed, match="Could not open"):
        restores_its_moment(world.images).complaint(links[3])


def test_an_increment_that_stands_on_nothing_is_no_part_of_a_chain(world: World) -> None:
    chain = chain_of(world)
    chain.links[1].target.image.base = None
    with pytest.raises(AuthorError, match="stands on nothing: only an increment of a chain does"):
        chain.skip(1)

"""How sentences and their tables say what qemu-img is to do to an image that no machine has open."""

from __future__ import annotations

from behave.runner import Context

from testbed.base.problems import AuthorError, near
from testbed.base.units import parse_size
from testbed.domain.drive import Drive
from testbed.domain.image import Image
from testbed.domain.imagetool import ToolCall
from testbed.language.cells import sources
from testbed.language.tables import Row, cell, rows
from testbed.scenario.acts.offline import VERBS, Action
from testbed.scenario.acts.registry import Act
from testbed.scenario.world import World

MERGE = "merge"
"""The action that takes another bitmap."""


def bitmap_actions(context: Context, world: World, image: Image) -> list[Action]:
    """Return what the step's table says is to be done to a bitmap of an image; see `Action`."""
    return [_action(world, image, row) for row in rows(context, ("action",), ("granularity", "from"))]


def _action(world: World, image: Image, row: Row) -> Action:
    verb = cell(row, "action")
    if verb not in VERBS:
        raise near(verb, VERBS, "action of qemu-img bitmap")
    if (verb == MERGE) != ("from" in row):
        raise AuthorError(f'the action "{verb}" {"lacks" if verb == MERGE else "takes no"} bitmap in the column "from"')
    granularity = parse_size(row["granularity"]) if "granularity" in row else None
    return Action(verb, granularity, _source(world, image, row["from"]) if verb == MERGE else None)


def _source(world: World, image: Image, text: str) -> tuple[Image, str]:
    [(other, bitmap)] = sources(text)
    return (world.drives.switched_off(other).image if other else image), bitmap


def call_of(world: World, act: Act, drive: str) -> ToolCall:
    """Return what an act on an image asks of qemu-img; raises AuthorError when a machine has the image open."""
    image = world.drives.switched_off(drive)
    on = {name: world if kind is World else image for name, kind in act.subjects.items() if kind in (World, Drive)}
    call: ToolCall = act.do(**on)
    return call

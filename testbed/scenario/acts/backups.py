"""How a backup tool asks for backups, in a row of a table; BackupTool takes them, and waits for their ends."""

from __future__ import annotations

import re
from collections.abc import Callable

from testbed.base.units import SIZE_PATTERN, parse_size
from testbed.domain.drive import Drive
from testbed.domain.request import Request
from testbed.scenario.acts.act import Actor, BitmapName, Name, Value, act
from testbed.scenario.backup_rules import WORDS
from testbed.scenario.world import World


def _backup(sync: str) -> Callable[..., Request]:
    def ask(
        world: World,
        drive: Drive,
        *,
        bitmap: BitmapName | None = None,
        target: Name = "",
        bitmap_mode: Value | None = None,
        auto_finalize: Value | None = None,
        on_source_error: Value | None = None,
        speed: Value | None = None,
    ) -> Request:
        """Start a backup into a new image, unless `target` names a node, or the size of an image that need not fit.

        A bitmap that is named goes by the mode on-success where no other is said.
        """
        options: dict[str, object] = {"sync": sync}
        if bitmap is not None:
            options |= {"bitmap": bitmap, "bitmap-mode": "on-success"}
        said = {
            "bitmap-mode": bitmap_mode,
            "auto-finalize": auto_finalize,
            "on-source-error": on_source_error,
            "speed": speed,
        }
        options |= {option: value for option, value in said.items() if value is not None}
        if re.fullmatch(SIZE_PATTERN, target):
            image = world.catalogue.new_target(drive, None, parse_size(target))
            return world.backups.request(world.backups.prepare(drive, options, image))
        if target:
            options["target"] = target
        return world.backups.request(world.backups.prepare(drive, options))

    return ask


for _sync in WORDS["sync"]:
    act(f"{_sync} backup", on="drive", by=Actor.BACKUP_TOOL)(_backup(_sync))

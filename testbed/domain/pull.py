"""One pull of a drive: a moment that is kept, and what a client has copied of it."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.domain.backup import Backup
from testbed.domain.drive import Drive
from testbed.model.content import Content
from testbed.model.ranges import Ranges


@dataclass
class Pull:
    """One pull of a drive: the moment that is kept, the bitmap that says what to copy ("" for all), and the copy.

    `keeper` is the backup with sync none that keeps the moment; `changed` is what had to be copied, `copied` what was.
    """

    drive: Drive
    keeper: Backup
    bitmap: str
    content: Content
    copy: str
    changed: Ranges
    copied: Ranges | None = None

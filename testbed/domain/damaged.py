"""A copy of a drive's image of which something is damaged, and what came of each attempt to open it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from testbed.domain.bitmap import Bitmap, BitmapState
from testbed.model.content import Content


@dataclass(frozen=True)
class Opening:
    """Somebody, as in "qemu-img info", has opened the image, or was told the `refusal` (else empty).

    `bitmaps` are what QEMU says of each then, with its digest of the bits where it can be asked for that; None where it
    is not asked. `is_changed` tells whether the image is another one after that, byte for byte, and `is_reader` whether
    it had to stay the same.
    """

    who: str
    refusal: str
    is_changed: bool
    is_reader: bool = True
    bitmaps: tuple[tuple[BitmapState, str], ...] | None = None


@dataclass(eq=False)
class DamagedImage:
    """The copy in the file `name`, of the qcow2 format, in which a damage is done that `words` tell.

    `content` is what it must read as all the same; `whole` are the models of its bitmaps that are not damaged, by name,
    and `damaged` are the names of those that are. `finding` is what qemu-img check says of it: its exit status and its
    words. `given` is the name of a raw image that has all that could be read of it; empty if there is none.
    """

    name: str
    words: str
    content: Content
    whole: Mapping[str, Bitmap]
    damaged: frozenset[str]
    openings: list[Opening] = field(default_factory=list)
    finding: tuple[int, str] = (0, "")
    given: str = ""


@dataclass(frozen=True)
class Flip:
    """What came of opening an image in which the bit that `bit` names was another one.

    `is_refused` tells whether it was refused, and `is_vital` whether it had to be. `found` is what QEMU said of the
    bitmaps else, and `written` what the image says of them, each in words by name.
    """

    bit: str
    is_vital: bool
    is_refused: bool
    found: Mapping[str, str] = field(default_factory=dict)
    written: Mapping[str, str] = field(default_factory=dict)

"""What qemu-img must answer."""

from __future__ import annotations

import json
import re

from testbed.base.process import Finished
from testbed.base.units import format_size
from testbed.domain.image import Image
from testbed.model.ranges import Ranges
from testbed.promises.promise import Promise
from testbed.qemu.image_kinds import ImageKind
from testbed.qemu.images import Images
from testbed.qemu.qcow2 import space_of_bitmaps
from testbed.qemu.wording import says

INCREMENT = "pulled.qcow2"
"""What an increment is called that a client has copied."""

COPY = "measured.qcow2"
"""What a copy is called that is made to be compared with what was measured before."""

_LISTED = re.compile(r"flags:((?:\s+\[\d+\]: [\w-]+)*)\s+name: (.*)\n\s+granularity: (\d+)")
"""How qemu-img info lists a bitmap in words."""


def is_refused_saying(words: str) -> Promise[Finished]:
    """Match the answer of a tool that has refused what it was asked for, with these words."""

    def complaint(answer: Finished) -> str | None:
        if not answer.returncode:
            return f"qemu-img did it, and said: {answer.stderr.strip() or 'nothing'}"
        is_so = says(answer.stderr, words, "qemu-img")
        return None if is_so else f"qemu-img refused, and said: {answer.stderr.strip() or 'nothing'}"

    return Promise(f'a refusal that says "{words}"', complaint)


def has_recorded(told: Ranges, bitmap: str) -> Promise[Image]:
    """Match an image of which a client of qemu-nbd was told just what a stored bitmap has recorded."""

    def complaint(image: Image) -> str | None:
        wanted = image.bitmaps[bitmap].dirty.granules.below(image.size)
        missing, needless = wanted - told, told - wanted
        wrong = [("not told to be dirty", missing), ("told to be dirty without need", needless)]
        return "; ".join(f'"{bitmap}" of {image.name}: {what}: {where}' for what, where in wrong if where) or None

    return Promise(f'a client that is told what "{bitmap}" has recorded', complaint)


def is_restored_by(images: Images, increment: str, bitmap: str) -> Promise[Image]:
    """Match an image that an increment restores which a client has copied, and that holds nothing needless."""

    def complaint(image: Image) -> str | None:
        if wrong := images.first_difference(increment, "qcow2", image.content):
            return str(wrong)
        held = Ranges.joined((one.start, one.end) for one in images.extents(increment, "qcow2") if not one.depth)
        needless = held - image.bitmaps[bitmap].dirty.granules.rounded_out(image.kind.cluster)
        return f"{increment} holds without need: {needless}" if needless else None

    return Promise("an image that an increment read over NBD restores", complaint)


def is_measured_exactly(images: Images) -> Promise[Image]:
    """Match an image whose copy takes just the space for its bitmaps that was measured, and no more for the rest.

    Each cluster of each bitmap must hold a record, as those without one are measured, too, and take no space.
    """

    def complaint(image: Image) -> str | None:
        named = ["-f", image.image_format, image.name]
        measured = json.loads(images.tool("measure", "-O", "qcow2", "--output=json", *named).stdout)
        in_words = images.tool("measure", "-O", "qcow2", *named).stdout
        images.tool("convert", "-q", "--bitmaps", "-O", "qcow2", *named, COPY)
        taken, length = space_of_bitmaps(images.home / COPY), (images.home / COPY).stat().st_size
        for_bitmaps, for_rest = measured.get("bitmaps", 0), measured["required"]
        wrong = []
        if for_bitmaps != taken:
            wrong.append(f"for bitmaps, {format_size(for_bitmaps)} were measured; {format_size(taken)} are taken")
        if length > for_bitmaps + for_rest:
            wrong.append(f"{format_size(for_bitmaps + for_rest)} were measured; the copy takes {format_size(length)}")
        if f"bitmaps size: {taken}\n" not in in_words:
            wrong.append(f"in words, qemu-img does not say {taken} but: {in_words.strip()}")
        return "\n".join(wrong) or None

    return Promise("an image whose copy takes the space that was measured", complaint)


def has_no_room_measured_for_bitmaps(images: Images, kind: ImageKind) -> Promise[Image]:
    """Match an image of which nothing is said of bitmaps when its copy cannot store any."""

    def complaint(image: Image) -> str | None:
        options = [word for key, value in kind.options.items() for word in ("-o", f"{key}={value}")]
        asked = ["-O", kind.image_format, *options, "-f", image.image_format, image.name]
        told = (images.tool("measure", *how, *asked).stdout for how in ([], ["--output=json"]))
        said = next((words for words in told if "bitmaps" in words or "required" not in words), None)
        return f"qemu-img measures: {said.strip()}" if said is not None else None

    return Promise("an image without room measured for its bitmaps", complaint)


def lists_bitmaps_in_words(images: Images) -> Promise[Image]:
    """Match an image whose bitmaps qemu-img lists in words as its JSON has them, and as they are stored."""

    def complaint(image: Image) -> str | None:
        said = images.tool("info", "-f", image.image_format, image.name).stdout
        found = {
            name: (int(granularity), sorted(re.findall(r"\]: (\S+)", flags)))
            for flags, name, granularity in _LISTED.findall(said)
        }
        wanted = {name: (bitmap.dirty.granularity, _flags(image, name)) for name, bitmap in image.bitmaps.items()}
        wrong = [
            f'"{name}" should be listed with {wanted.get(name, "nothing")}; it is with {found.get(name, "nothing")}'
            for name in sorted({*wanted, *found})
            if wanted.get(name) != found.get(name)
        ]
        return "\n".join(wrong) or None

    return Promise("an image whose bitmaps are listed as they are stored", complaint)


def _flags(image: Image, name: str) -> list[str]:
    """Return QEMU's words for the flags of a stored bitmap, by the alphabet."""
    found = (("auto", image.bitmaps[name].recording), ("in-use", name in image.in_use))
    return [flag for flag, is_set in found if is_set]

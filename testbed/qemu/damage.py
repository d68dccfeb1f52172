"""Damages to what a qcow2 image says of its bitmaps: each has a name in words, and is done to a file of bytes.

The places are found by a reader of our own, and named as QEMU's specification of qcow2 names them (docs/interop/
qcow2.txt, "Bitmaps extension" and "Bitmaps"): the *extension* of the header says how many bitmaps there are and where
their *directory* is; each *entry* of that says where a bitmap's *table* is, and each entry of a table where a cluster
of its *bits* is. A damage is done to the last bitmap of the directory, so that those before it are whole.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.base.problems import AuthorError
from testbed.base.units import SECTOR
from testbed.qemu.qcow2 import Metadata

_EXTENSION = struct.Struct(">IIIIQQ")
"""Type and length of the extension, then how many bitmaps there are, nothing, size and offset of the directory."""

_TYPE = 0x23852875
_ENTRY = struct.Struct(">QIIBBHI")
"""Offset and entries of the table, flags, type, bits of the granularity, length of the name, and of extra data."""

_AUTOCLEAR = 95
"""The byte of the header whose lowest bit says that the extension can be trusted."""

_ORDER = 4
"""Bits of a count of references, as a power of two, where nothing else is asked for."""

_FAR = 1 << 40
"""An offset, in bytes, that lies beyond the end of every image here, and begins a cluster."""


@dataclass
class Damaged:
    """The bytes of an image, and where its bitmaps are described; what is written here goes to the file in the end."""

    content: bytearray
    cluster: int
    l1_at: int
    extension: int

    @classmethod
    def read(cls, path: Path) -> Damaged:
        """Read an image; raises AuthorError when it stores no bitmap."""
        with path.open("rb") as file:
            metadata = Metadata(file.fileno())
            kinds = [kind for kind, _body in metadata.extensions()]
        content = bytearray(path.read_bytes())
        place = bytes(content[: metadata.cluster]).find(struct.pack(">II", _TYPE, 24))
        if _TYPE not in kinds or place < 0:
            raise AuthorError(f"{path.name} stores no bitmap that could be damaged")
        return cls(content, metadata.cluster, metadata.l1_at, place)

    def number(self, place: int, form: str) -> int:
        """Return the number at a place, in a form that is one of struct's."""
        return int(struct.unpack_from(">" + form, self.content, place)[0])

    def put(self, place: int, form: str, number: int) -> None:
        """Write a number at a place."""
        struct.pack_into(">" + form, self.content, place, number)

    def count_as_used(self, place: int) -> None:
        """Count one reference to the cluster that begins at a place; raises AuthorError where that needs more space."""
        table, order = self.number(48, "Q"), self.number(96, "I")
        number, in_block = place // self.cluster, self.cluster * 8 >> order
        block = self.number(table + number // in_block * 8, "Q")
        if order != _ORDER or not block:
            raise AuthorError("the image must be a small one that counts references in 16 bits")
        self.put(block + number % in_block * 2, "H", 1)

    # Where things are.

    @property
    def directory(self) -> int:
        """Return where the directory begins."""
        return self.number(self.extension + 24, "Q")

    @property
    def directory_size(self) -> int:
        """Return how many bytes the directory has."""
        return self.number(self.extension + 16, "Q")

    @property
    def entries(self) -> list[int]:
        """Return where the entries of the directory begin."""
        found, at = [], self.directory
        while at < self.directory + self.directory_size:
            found.append(at)
            *_rest, name, extra = _ENTRY.unpack_from(self.content, at)
            at += -(-(_ENTRY.size + extra + name) // 8) * 8
        return found

    @property
    def entry(self) -> int:
        """Return where the entry of the damaged bitmap begins."""
        return self.entries[-1]

    @property
    def table(self) -> int:
        """Return where the table of the damaged bitmap begins."""
        return self.number(self.entry, "Q")

    @property
    def bits(self) -> int:
        """Return where the first entry of the damaged bitmap's table stands that names a cluster of bits.

        Raises AuthorError when none does.
        """
        count = self.number(self.entry + 8, "I")
        places = (self.table + 8 * number for number in range(count))
        try:
            return next(place for place in places if self.number(place, "Q"))
        except StopIteration:
            raise AuthorError("the last bitmap has no bits that could be damaged: let the guest write") from None

    @property
    def end(self) -> int:
        """Return where the first cluster begins that the file has no byte of."""
        return -(-len(self.content) // self.cluster) * self.cluster

    def name(self, entry: int) -> bytes:
        """Return the name of the bitmap whose entry begins at a place."""
        at = entry + _ENTRY.size
        return bytes(self.content[at : at + self.number(entry + 18, "H")])


Change = Callable[[Damaged], None]

_FORMS: Mapping[str, str] = {
    **dict.fromkeys(("length of the extension", "count", "reserved", "flags", "table size", "extra"), "I"),
    **dict.fromkeys(("directory size", "directory", "table", "bits"), "Q"),
    **dict.fromkeys(("type", "granularity"), "B"),
    "name size": "H",
}
"""What struct calls the numbers that describe bitmaps."""


def _place(image: Damaged, what: str) -> int:
    """Return where a number stands that describes bitmaps."""
    in_extension = {"length of the extension": 4, "count": 8, "reserved": 12, "directory size": 16, "directory": 24}
    in_entry = {"table": 0, "table size": 8, "flags": 12, "type": 16, "granularity": 17, "name size": 18, "extra": 20}
    if what == "bits":
        return image.bits
    return image.extension + in_extension[what] if what in in_extension else image.entry + in_entry[what]


def _set(what: str, number: int) -> Change:
    """Let a number be another one."""
    return lambda image: image.put(_place(image, what), _FORMS[what], number)


def _add(what: str, difference: int) -> Change:
    """Let a number be larger than it is, or smaller."""

    def change(image: Damaged) -> None:
        place = _place(image, what)
        image.put(place, _FORMS[what], image.number(place, _FORMS[what]) + difference)

    return change


def _bit(what: str, bit: int) -> Change:
    """Let a bit of a number be set that is not."""

    def change(image: Damaged) -> None:
        place = _place(image, what)
        image.put(place, _FORMS[what], image.number(place, _FORMS[what]) | 1 << bit)

    return change


def _over_tables(what: str) -> Change:
    """Let something be where the image has its table of tables."""
    return lambda image: image.put(_place(image, what), "Q", image.l1_at)


def _cut_off(what: str) -> Change:
    """Let something begin just where the file ends, which is a whole number of clusters; it is counted as used."""

    def change(image: Damaged) -> None:
        image.content += bytes(image.end - len(image.content))
        image.count_as_used(image.end)
        image.put(_place(image, what), "Q", image.end)

    return change


def _in_another_entry(make: Callable[[Damaged, bytes], tuple[bytes, bytes]]) -> Change:
    """Let the last entry be another one, in a directory that has the length for it, and is the end of the file.

    `make` returns the entry without its name, and what follows, given the entry as it is.
    """

    def change(image: Damaged) -> None:
        before = bytes(image.content[image.directory : image.entry])
        own, rest = make(image, bytes(image.content[image.entry : image.entry + _ENTRY.size]))
        directory = before + own + rest + bytes(-len(own + rest) % 8)
        place = image.end
        image.content += bytes(place - len(image.content)) + directory
        for number in range(-(-len(directory) // image.cluster)):
            image.count_as_used(place + number * image.cluster)
        image.put(image.extension + 16, "Q", len(directory))
        image.put(image.extension + 24, "Q", place)

    return change


def _named(name: Callable[[Damaged], bytes]) -> Change:
    """Let the bitmap have another name."""
    return _in_another_entry(
        lambda image, own: (own[:18] + struct.pack(">H", len(name(image))) + own[20:], name(image))
    )


def _with_extra_data(flags: int) -> Change:
    """Let eight bytes stand between the entry and its name, as a later QEMU may have them; `flags` are set then."""

    def make(image: Damaged, own: bytes) -> tuple[bytes, bytes]:
        number = int.from_bytes(own[12:16], "big") | flags
        return own[:12] + struct.pack(">I", number) + own[16:20] + struct.pack(">I", 8), bytes(8) + image.name(
            image.entry
        )

    return _in_another_entry(make)


def _mistrusted(image: Damaged) -> None:
    image.content[_AUTOCLEAR] &= 0xFE


_LARGEST, _LARGEST_OFFSET = (1 << 64) - 1, (1 << 64) - (1 << 21)

OF_ALL: Mapping[str, Change] = {
    # The extension of the header.
    "the extension is shorter than it must be": _add("length of the extension", -8),
    "the extension is longer than it must be": _add("length of the extension", 8),
    "the extension is longer than the header": _set("length of the extension", 1 << 30),
    "the reserved field of the extension is 1": _set("reserved", 1),
    "there are said to be 0 bitmaps": _set("count", 0),
    "there is said to be one bitmap less": _add("count", -1),
    "there is said to be one bitmap more": _add("count", 1),
    "there are said to be 65536 bitmaps": _set("count", 65536),
    "there are said to be as many bitmaps as can be written": _set("count", 0xFFFF_FFFF),
    # The directory.
    "the directory is of 0 B": _set("directory size", 0),
    "the directory is 1 B shorter": _add("directory size", -1),
    "the directory is 8 B shorter": _add("directory size", -8),
    "the directory is 8 B longer": _add("directory size", 8),
    "the directory is of 1 GiB": _set("directory size", 1 << 30),
    "the directory is as long as can be written": _set("directory size", _LARGEST),
    "the directory is at 0": _set("directory", 0),
    "the directory begins in the midst of a cluster": _add("directory", 8),
    "the directory is far beyond the end of the file": _set("directory", _FAR),
    "the directory is as far away as can be written": _set("directory", _LARGEST_OFFSET),
    "the directory is in the place of the table of tables": _over_tables("directory"),
    "the file ends before the directory": _cut_off("directory"),
    # The bit that says whether all this can be trusted.
    "the bitmaps are not to be trusted": _mistrusted,
}
"""Damages of all bitmaps, by what they are called."""

OF_ONE: Mapping[str, Change] = {
    # An entry of the directory.
    "the table is at 0": _set("table", 0),
    "the table begins in the midst of a cluster": _add("table", 8),
    "the table is as far away as can be written": _set("table", _LARGEST_OFFSET),
    "the table is in the place of the table of tables": _over_tables("table"),
    "the table has 0 entries": _set("table size", 0),
    "the table has one entry less": _add("table size", -1),
    "the table has one entry more": _add("table size", 1),
    "the table has as many entries as can be written": _set("table size", 0xFFFF_FFFF),
    "a flag for extra data is set": _bit("flags", 2),
    "a flag without a meaning is set": _bit("flags", 3),
    "the last flag is set": _bit("flags", 31),
    "the type is 0": _set("type", 0),
    "the type is 2": _set("type", 2),
    "the type is 255": _set("type", 255),
    "the granularity is of 0 bits": _set("granularity", 0),
    "the granularity is of 8 bits": _set("granularity", 8),
    "the granularity is of 32 bits": _set("granularity", 32),
    "the granularity is of 63 bits": _set("granularity", 63),
    "the granularity is of 255 bits": _set("granularity", 255),
    "the name is empty": _named(lambda _image: b""),
    "the name is of 1024 bytes": _named(lambda _image: b"b" * 1024),
    "the name is longer than the directory": _set("name size", 0xFFFF),
    "the name is that of another bitmap": _named(lambda image: image.name(image.entries[0])),
    "there is extra data": _with_extra_data(0),
    "there is extra data that anybody may ignore": _with_extra_data(1 << 2),
    "there is as much extra data as can be written": _set("extra", 0xFFFF_FFFF),
    # The table.
    "the table is far beyond the end of the file": _set("table", _FAR),
    "the file ends before the table": _cut_off("table"),
    "the lowest reserved bit of a table is set": _bit("bits", 1),
    "the highest reserved bit of a table is set": _bit("bits", 63),
    "a table says all ones of bits that have a place": _bit("bits", 0),
    # The bits.
    "the bits begin in the midst of a cluster": _add("bits", SECTOR),
    "the bits are far beyond the end of the file": _set("bits", _FAR),
    "the bits are in the place of the table of tables": _over_tables("bits"),
    "the file ends before the bits": _cut_off("bits"),
}
"""Damages of the last bitmap, by what they are called."""

DAMAGES: Mapping[str, Change] = {**OF_ALL, **OF_ONE}
"""All damages."""


def damage(path: Path, words: str) -> frozenset[str]:
    """Do the damage of that name to an image; return the names of the bitmaps that are damaged by it.

    Raises AuthorError when it stores no bitmap.
    """
    image = Damaged.read(path)
    hit = image.entries if words in OF_ALL else [image.entry]
    names = frozenset(image.name(entry).decode() for entry in hit)
    DAMAGES[words](image)
    with path.open("r+b") as file:
        file.write(image.content)
        os.ftruncate(file.fileno(), len(image.content))
    return names


@dataclass(frozen=True)
class Bit:
    """A bit of what describes the bitmaps of an image: in the byte at `place`, with the value `mask` there.

    `where` says what it is a part of; `is_vital` tells whether an image must be refused in which it is another one.
    """

    where: str
    place: int
    mask: int
    is_vital: bool

    def __str__(self) -> str:
        """Say which one it is."""
        return f"bit {self.mask.bit_length() - 1} of byte {self.place} of the file, in {self.where}"

    def flip(self, path: Path) -> None:
        """Let it be another one in an image, or the same again."""
        with path.open("r+b") as file:
            byte = os.pread(file.fileno(), 1, self.place)[0]
            os.pwrite(file.fileno(), bytes([byte ^ self.mask]), self.place)


def bits_of(path: Path) -> list[Bit]:
    """Return the bits of an image that say where its bitmaps are listed, and what the last one is.

    Raises AuthorError when it stores none.

    Another name is as good as the one before, a place where zeros stand cannot be told from an empty table, two of
    the flags may be set, and another granularity shows only by the length of a table of several entries.
    """
    image = Damaged.read(path)
    entry = image.entry
    is_telling = image.number(entry + 8, "I") > 1
    numbers = [
        *((image.extension + at, size, f"the {what}", True) for what, at, size in _EXTENSION_FIELDS),
        *(
            (
                entry + at,
                size,
                f"the {what} of {image.name(entry).decode()}",
                is_vital and (is_telling or what != "granularity"),
            )
            for what, at, size, is_vital in _ENTRY_FIELDS
        ),
        (entry + _ENTRY.size, len(image.name(entry)), f"the name of {image.name(entry).decode()}", False),
    ]
    return [
        Bit(where, place + byte, 1 << bit, is_vital)
        for place, size, where, is_vital in numbers
        for byte in range(size)
        for bit in range(8)
    ]


_EXTENSION_FIELDS = (
    ("length of the extension", 4, 4),
    ("number of bitmaps", 8, 4),
    ("reserved field of the extension", 12, 4),
    ("size of the directory", 16, 8),
    ("place of the directory", 24, 8),
)
_ENTRY_FIELDS = (
    ("place of the table", 0, 8, False),
    ("size of the table", 8, 4, True),
    ("reserved flags", 12, 3, True),
    ("flags", 15, 1, False),
    ("type", 16, 1, True),
    ("granularity", 17, 1, True),
    ("length of the name", 18, 2, False),
    ("length of the extra data", 20, 4, True),
)
"""What the numbers are that describe bitmaps, with place and length in bytes, and whether each bit is vital."""

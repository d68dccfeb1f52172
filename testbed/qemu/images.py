"""Images of disks, made, read and compared by the tools of the build under test."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from testbed.base.problems import chatter
from testbed.base.process import Finished, ToolFailed, run_tool
from testbed.base.units import SECTOR, format_size, whole_sectors
from testbed.model.content import Content
from testbed.qemu.image_kinds import DATA_FILE, KEY_OPTION, SECRET, ImageKind
from testbed.qemu.kept import KeptImages
from testbed.qemu.likeness import first_unlike
from testbed.qemu.qcow2 import Chain, Kind, StoredBitmap, Unreadable, Unsound, bitmaps_of, flaws_of

IDENTICAL = "Images are identical."
"""All that qemu-img compare says of equal images; for another size it only warns, and exits with 0."""

VERDICT = re.compile(r"identical|mismatch", re.IGNORECASE)
"""What each line of qemu-img compare has, in all that it says of images that it could read."""

OTHER_SIZE = "Image size mismatch"
"""What qemu-img compare says first of images of two sizes."""

ONLY_NAMING = ("qcow2", "qed")
"""Formats whose images hold nothing of the image that they stand on but its name and format."""

_ANSWERS = tuple(range(126))
"""Exit statuses by which a tool answers: those above say that it was not started, or was killed."""

CALIBRATION = 30
"""How many times the usual bound it may take to make an encrypted image: qemu-img uses up seconds of processor time."""


@dataclass(frozen=True)
class Extent:
    """What an image says of the bytes from `start` to `end`, through its whole chain.

    `depth` counts the images down from the top, `present` tells whether some image of the chain holds them (None where
    the tool does not say), `zero` and `data` are as in `qemu-img map`.
    """

    start: int
    end: int
    depth: int
    present: bool | None
    zero: bool
    data: bool


@dataclass(frozen=True)
class Difference:
    """The first byte of an image that is not what it must be; `note` says what the bytes alone cannot."""

    image: str
    offset: int
    expected: int | None
    found: int | None
    note: str = ""

    def __str__(self) -> str:
        """Name the image, the place, what must stand there and what does."""
        if self.expected is None:
            return f"{self.image} should be of {format_size(self.offset)}{self.note}"
        found = [*([f"0x{self.found:02x}"] if self.found is not None else []), *([self.note] if self.note else [])]
        return (
            f"{self.image}: the byte at offset {format_size(self.offset)} "
            f"should be 0x{self.expected:02x} and is {', '.join(found)}"
        )


def _always(_name: str) -> bool:
    return True


@dataclass(frozen=True)
class Images:
    """The images in one directory, `home`, all named by short names relative to it.

    `qemu_img` and `qemu_io` are the tools; `templates` is a directory for images that are used again; `bound` is the
    longest that one call may take, in seconds. Images are read without QEMU where that is possible; `asks_both` tells
    of an image, by name, whether qemu-img is to read it as well. `kept` are images of earlier runs, if any.
    """

    qemu_img: Path
    qemu_io: Path
    home: Path
    templates: Path
    bound: float
    asks_both: Callable[[str], bool] = _always
    kept: KeptImages | None = None

    def create(
        self, name: str, image_format: str, content: Content, *, options: Mapping[str, str] | None = None
    ) -> None:
        """Make an image that stands alone and holds a content; `options` are those of qemu-img create.

        Equal images are made once in a run and copied from then on, also to be written to where what they hold differs;
        but not one that has its data in another file.
        """
        if image_format == "raw" and not options:
            with (self.home / name).open("wb") as file:
                content.write_sparsely(file)
            return
        if DATA_FILE in (options or {}):
            self._make(name, image_format, content.size, _own(name, options))
            self._fill(name, image_format, content)
            return

        def make(template: str) -> None:
            if content.runs:
                self._hold(template, image_format, content, options)
            else:
                self._fetch_or_make(template, image_format, content.size, options)

        self._copied(name, repr((image_format, content, sorted((options or {}).items()))), make)

    def create_on_base(self, name: str, kind: ImageKind, content: Content) -> str:
        """Make an empty image on top of one of the same kind that holds a content; return the name of that one."""
        base = f"base-of-{name}"
        self.create(base, kind.image_format, content, options=kind.options)
        self.create_above(name, kind.image_format, content.size, (base, kind.image_format), kind.options)
        return base

    def create_above(
        self,
        name: str,
        image_format: str,
        size: int,
        backing: tuple[str, str],
        options: Mapping[str, str] | None = None,
    ) -> None:
        """Make an empty image of `size` bytes on top of another one, given by name, as seen from it, and format.

        Equal ones are made once in a run and copied from then on, too, where nothing of the other image is in them.
        """
        below, below_format = backing
        arguments = ("-f", image_format, *_options(_own(name, options)), "-b", below, "-F", below_format)

        def make(image: str, *how: str) -> None:
            self._img("create", "-q", *how, *arguments, image, str(size))

        if image_format not in ONLY_NAMING or DATA_FILE in (options or {}):
            make(name)
        else:
            self._copied(name, repr((arguments, size)), lambda template: make(template, "-u"))

    def add_bitmap(self, name: str, bitmap: str, properties: Mapping[str, object] | None = None) -> None:
        """Store a new bitmap in a qcow2 image that nobody has open; properties are as in block-dirty-bitmap-add."""
        asked = properties or {}
        granularity = ("-g", str(asked["granularity"])) if "granularity" in asked else ()
        disabled = ("--disable",) if asked.get("disabled") else ()
        self._img("bitmap", "--add", *granularity, *disabled, "-f", "qcow2", name, bitmap)

    def copy(self, name: str, copy: str) -> None:
        """Copy an image file just as it stands, whoever has it open."""
        shutil.copyfile(self.home / name, self.home / copy)

    def delete(self, name: str) -> None:
        """Delete an image file."""
        (self.home / name).unlink()

    def write(self, name: str, image_format: str, pattern: int, at: int, length: int) -> None:
        """Write `length` bytes of `pattern` at the offset `at`, in bytes; raises ToolFailed if the tool cannot."""
        words = self._io(image_format, [f"write -P {pattern} {at} {length}"], name).stdout.strip()
        if f"wrote {length}/{length} bytes" not in words:
            raise ToolFailed(f"writing to {name} failed: {words}")

    def commit(self, name: str, image_format: str) -> None:
        """Write all that an image holds itself into its backing file; the image is of no use from then on."""
        self._img("commit", "-q", "-d", "-f", image_format, name)

    def move(self, name: str, image_format: str, backing: tuple[str, str]) -> None:
        """Put an image on another backing file (name, format) without changing what it reads as."""
        self._img("rebase", "-q", "-f", image_format, "-b", backing[0], "-F", backing[1], name)

    def rebase(self, name: str, image_format: str, backing: tuple[str, str]) -> None:
        """Name another image (name, format) as backing file without changing any data."""
        self._img("rebase", "-u", "-f", image_format, "-b", backing[0], "-F", backing[1], name)

    def copy_up(self, name: str, image_format: str, ranges: Iterable[tuple[int, int]]) -> None:
        """Copy ranges, each of (start, end) in bytes, from what an image stands on into the image itself."""
        said = self._io(image_format, [f"read {start} {end - start}" for start, end in ranges], name, "-C").stdout
        if "failed" in said:
            raise ToolFailed(f"reading {name} failed: {said}")

    def tool(self, command: str, *arguments: str) -> Finished:
        """Run qemu-img, and return how it ended and what it said: a refusal is an answer, too.

        Raises ToolFailed when it is killed by a signal or does not end.
        """
        return self._img(command, *arguments, allowed=_ANSWERS)

    def date_back(self) -> None:
        """Date all images back, so that `written` tells even of a write that follows at once."""
        for file in self._files():
            os.utime(file, ns=(0, 0))

    def written(self) -> list[str]:
        """Return the names of the files that were made, written or cut since they were last dated back."""
        return sorted(str(file.relative_to(self.home)) for file in self._files() if file.stat().st_mtime_ns)

    def insist_on_plain_answers(self) -> None:
        """Have each tool do one thing of which its whole output is known.

        Raises EnvironmentUnusable when one prints more; that one does not work at all is for others to find out.
        """
        (self.home / "tried").touch()
        with suppress(ToolFailed):
            self.info("tried")
        with suppress(ToolFailed):
            if said := self._io("raw", ["flush"], "tried").stdout.strip():
                raise chatter(self.qemu_io, "qemu_io", said)

    def info(self, name: str) -> dict[str, Any]:
        """Return what qemu-img info says of one image.

        Raises ToolFailed when the image cannot be read, EnvironmentUnusable when the tool prints more than its answer;
        so do all that read its JSON.
        """
        answer = _document(self._img("info", "-U", "--output=json", name))
        assert isinstance(answer, dict)
        return answer

    def stored_bitmaps(self, name: str) -> dict[str, tuple[int, list[str]]]:
        """Return granularity in bytes and flags, in qemu-img's words, of each bitmap that is stored in a qcow2 image.

        They are read without QEMU where that is possible, and by qemu-img instead where it is the image's turn. Raises
        ToolFailed when the image cannot be read.
        """
        try:
            if not self.asks_both(name):
                return {
                    bitmap.name: (bitmap.granularity, list(_flags_of(bitmap)))
                    for bitmap in bitmaps_of(self.home / name)
                }
        except (Unsound, OSError) as broken:
            raise ToolFailed(f"{name}: {broken}") from None
        except Unreadable:
            pass
        listed = self.info(name)["format-specific"]["data"].get("bitmaps", [])
        return {stored["name"]: (stored["granularity"], stored["flags"]) for stored in listed}

    def extents(self, name: str, image_format: str) -> list[Extent]:
        """Return the image's extents through its chain, from the first byte to the last, read without QEMU if possible.

        Raises ToolFailed when the image cannot be read or is not sound: how QEMU reads such a one proves nothing.
        """
        try:
            with Chain.open(self.home / name, image_format) as chain:
                return [
                    Extent(
                        start=piece.start,
                        end=piece.end,
                        depth=depth,
                        present=piece.kind is not Kind.NOTHING if depth or piece.kind is not Kind.HOLE else None,
                        zero=piece.kind not in (Kind.DATA, Kind.COMPRESSED),
                        data=piece.kind in (Kind.DATA, Kind.COMPRESSED),
                    )
                    for depth, piece in chain.pieces()
                ]
        except (Unreadable, OSError):
            return self.map(name, image_format)
        except Unsound as broken:
            raise ToolFailed(f"{name}: {broken}") from None

    def map(self, name: str, image_format: str) -> list[Extent]:
        """Return the image's extents as qemu-img tells them; see `extents`."""
        listing = _document(self._img("map", "-U", "--output=json", "-f", image_format, name))
        return [
            Extent(
                start=entry["start"],
                end=entry["start"] + entry["length"],
                depth=entry["depth"],
                # A raw image has no say in whether it holds zeros or nothing.
                present=entry["data"] or (None if image_format == "raw" else entry.get("present")),
                zero=entry["zero"],
                data=entry["data"],
            )
            for entry in listing
        ]

    def facts(self, name: str) -> dict[str, str]:
        """Return an image's format, its size, the name of its base and the size of its clusters, in words."""
        told = self.info(name)
        clusters = told.get("cluster-size")
        return {
            "format": told["format"],
            "size": format_size(told["virtual-size"]),
            "base": PurePath(told.get("backing-filename", "none")).stem,
            "clusters": format_size(clusters) if clusters else "none",
        }

    def flaws(self, name: str) -> list[str]:
        """Say where a qcow2 image contradicts itself, read without QEMU.

        Nothing is said of kinds that only QEMU reads, and of one that is not in its place, as on a disk of its own.
        Raises ToolFailed when it is no image any more, or cannot be read.
        """
        try:
            return flaws_of(self.home / name)
        except (Unreadable, FileNotFoundError):
            return []
        except (Unsound, OSError) as broken:
            raise ToolFailed(f"{name}: {broken}") from None

    def place_of(self, name: str, passage: bytes) -> int | None:
        """Return where some bytes first stand in an image file, whatever it means by them; None if nowhere."""
        place = (self.home / name).read_bytes().find(passage)
        return place if place >= 0 else None

    def corruption(self, name: str) -> str | None:
        """Return what qemu-img check finds broken in a qcow2 image; lost space is nothing broken."""
        found = self._img("check", "-U", "-f", "qcow2", name, allowed=(0, 1, 2, 3))
        return None if found.returncode in (0, 3) else f"qemu-img check: {found.stdout.strip()} {found.stderr.strip()}"

    def clusters(self, name: str) -> tuple[int, int]:
        """Return how many clusters of a qcow2 image hold something, and how many of these are compressed.

        Raises ToolFailed when the image is not sound.
        """
        found = _document(self._img("check", "-U", "--output=json", "-f", "qcow2", name))
        return found.get("allocated-clusters", 0), found.get("compressed-clusters", 0)

    def compare(self, name: str, image_format: str, other: str, other_format: str) -> str | None:
        """Compare what a guest would see of two images, their sizes too; return None when equal, else qemu-img's words.

        They are read without QEMU, and by qemu-img as well where that is not possible or they are not equal, where one
        of them is not plain, and where both are to be asked. Raises ToolFailed when an image cannot be read,
        EnvironmentUnusable when the tool prints more than a verdict.
        """
        try:
            place, is_enough = self._unlike_without_qemu(name, image_format, other, other_format)
        except (Unreadable, OSError):
            return self._compare_by_qemu(name, image_format, other, other_format)
        except Unsound as broken:
            if words := self._compare_by_qemu(name, image_format, other, other_format):
                return words
            raise ToolFailed(f"{name} or {other}: {broken}; but qemu-img reads both alike") from None
        if place is None and is_enough:
            return None
        words = self._compare_by_qemu(name, image_format, other, other_format)
        if place is not None and words is None:
            return f"Content mismatch at offset {place}!, in their files; but qemu-img reads both alike"
        return words

    def _unlike_without_qemu(
        self, name: str, image_format: str, other: str, other_format: str
    ) -> tuple[int | None, bool]:
        """Return where two images differ, None if nowhere, and whether QEMU need not be asked then."""
        with Chain.open(self.home / name, image_format) as ours, Chain.open(self.home / other, other_format) as others:
            if ours.size != others.size:
                return min(ours.size, others.size), False
            is_enough = ours.is_plain and others.is_plain and not self.asks_both(name)
            return first_unlike(ours, others), is_enough

    def _compare_by_qemu(self, name: str, image_format: str, other: str, other_format: str) -> str | None:
        formats = ("-f", image_format, "-F", other_format)
        said = self._img("compare", "-U", *formats, name, other, allowed=(0, 1)).stdout.strip()
        if besides := [line for line in said.splitlines() if not VERDICT.search(line)]:
            raise chatter(self.qemu_img, "qemu_img", "\n".join(besides))
        return None if said == IDENTICAL else said

    def first_difference(self, name: str, image_format: str, expected: Content) -> Difference | None:
        """Compare an image, through its chain, with what it must read as; return the first byte that differs.

        It is read without QEMU, so that no fault of QEMU's can hide another; and by qemu-img where that is not
        possible, where something is wrong, and where both are to be asked. Raises ToolFailed when it cannot be read.
        """
        try:
            own = self._difference_without_qemu(name, image_format, expected)
        except (Unreadable, OSError):
            return self._difference_by_qemu(name, image_format, expected)
        except Unsound as broken:
            if wrong := self._difference_by_qemu(name, image_format, expected):
                return wrong
            raise ToolFailed(f"{name}: {broken}; but qemu-img reads it as it should be") from None
        if own is None and not self.asks_both(name):
            return None
        told = self._difference_by_qemu(name, image_format, expected)
        if own is None:
            return told and replace(told, note=f"{told.note} when qemu-img reads it, and right in its file".strip())
        return own if told else replace(own, note="in its file; but qemu-img reads what it should be")

    def _difference_without_qemu(self, name: str, image_format: str, expected: Content) -> Difference | None:
        with Chain.open(self.home / name, image_format) as chain:
            if chain.size != whole_sectors(expected.size):
                return Difference(name, expected.size, None, None, f" and is of {format_size(chain.size)}")
            wrong = chain.first_difference(expected)
        if wrong is None:
            return None
        at, found = wrong
        return Difference(name, at, expected.pattern_at(at), found)

    def _difference_by_qemu(self, name: str, image_format: str, expected: Content) -> Difference | None:
        with tempfile.NamedTemporaryFile(dir=self.home, prefix="expected-", suffix=".raw") as model:
            expected.write_sparsely(model)
            words = self._compare_by_qemu(name, image_format, model.name, "raw")
        if words is None:
            return None
        place = re.search(r"mismatch at offset (\d+)", words)
        if place is None or OTHER_SIZE in words:  # the place may be past the image's end
            return Difference(name, expected.size, None, None, f"; qemu-img says: {words}")
        return self._look_closely(name, image_format, int(place[1]), expected)

    def _look_closely(self, name: str, image_format: str, start: int, expected: Content) -> Difference:
        """Find the first wrong byte from `start` to the end of its sector, where qemu-img found an image to differ."""
        length = SECTOR - start % SECTOR
        dump = self._io(image_format, [f"read -v {start} {length}"], name, "-r", "-U").stdout
        lines = re.finditer(r"^[0-9a-f]{8,}:  ((?:[0-9a-f]{2} )+)", dump, re.MULTILINE)
        for offset, byte in enumerate(b"".join(bytes.fromhex(line[1]) for line in lines), start):
            if byte != expected.pattern_at(offset):
                return Difference(name, offset, expected.pattern_at(offset), byte)
        return Difference(name, start, expected.pattern_at(start), None, "a second read found nothing wrong")

    def _files(self) -> Iterator[Path]:
        return (path for path in self.home.rglob("*") if path.is_file())

    def _copied(self, name: str, asked: str, make: Callable[[str], None]) -> None:
        """Copy an image that the run has made before, as `asked` for in any words; `make` makes it the first time."""
        template = self.templates / hashlib.sha256(asked.encode()).hexdigest()
        if not template.exists():
            draft = template.with_suffix(".draft")
            make(str(draft))
            draft.rename(template)
        shutil.copyfile(template, self.home / name)

    def _hold(self, template: str, image_format: str, content: Content, options: Mapping[str, str] | None) -> None:
        """Make an image that holds something from a copy of the empty one of its kind and size."""
        self.create(template, image_format, Content(content.size), options=options)
        self._fill(template, image_format, content)

    def _fetch_or_make(self, template: str, image_format: str, size: int, options: Mapping[str, str] | None) -> None:
        """Do as `_make`; but what takes a key, and thus seconds, is there from an earlier run if it was kept."""
        if self.kept is None or not _takes_key(options):
            self._make(template, image_format, size, options)
            return
        asked = repr((image_format, size, sorted((options or {}).items()), sorted(SECRET.items())))
        if not self.kept.fetch(asked, Path(template)):
            self._make(template, image_format, size, options)
            self.kept.keep(asked, Path(template))

    def _make(self, name: str, image_format: str, size: int, options: Mapping[str, str] | None) -> None:
        bound = self.bound * (CALIBRATION if _takes_key(options) else 1)
        self._img("create", "-q", "-f", image_format, *_options(options), name, str(size), bound=bound)

    def _fill(self, name: str, image_format: str, content: Content) -> None:
        writes = [f"write -q -P {run.pattern} {run.start} {run.end - run.start}" for run in content.runs]
        if writes and (words := self._io(image_format, writes, name).stdout.strip()):
            if "failed" not in words:
                raise chatter(self.qemu_io, "qemu_io", words)
            raise ToolFailed(f"writing to {PurePath(name).name} failed: {words}")

    def _img(
        self, command: str, *arguments: str, allowed: tuple[int, ...] = (0,), bound: float | None = None
    ) -> Finished:
        argv = (str(self.qemu_img), command, *_key_for(arguments), *arguments)
        return run_tool(argv, cwd=self.home, bound=bound or self.bound, allowed=allowed)

    def _io(self, image_format: str, commands: Iterable[str], name: str, *flags: str) -> Finished:
        arguments = [str(self.qemu_io), *_key_for([name]), *flags, "-f", image_format]
        for command in commands:
            arguments += ["-c", command]
        return run_tool((*arguments, name), cwd=self.home, bound=self.bound)


def _document(answer: Finished) -> Any:
    """Return the JSON document that is all of a tool's answer.

    Raises EnvironmentUnusable when the tool has printed more than that, ToolFailed when there is no document.
    """
    found: list[tuple[int, int, Any]] = []
    for place in re.finditer(r"^[\[{]", answer.stdout, re.MULTILINE):
        with suppress(ValueError):
            document, end = json.JSONDecoder().raw_decode(answer.stdout, place.start())
            found.append((place.start(), end, document))
    if not found:
        raise ToolFailed(f"{shlex.join(answer.argv)} gave no JSON but: {answer.stdout.strip() or 'nothing'}")
    start, end, document = max(found, key=lambda one: one[1] - one[0])  # "[1]" may be a word of a script's
    if besides := (answer.stdout[:start] + answer.stdout[end:]).strip():
        raise chatter(answer.argv[0], "qemu_img", besides)
    return document


def _flags_of(bitmap: StoredBitmap) -> Iterator[str]:
    if bitmap.is_in_use:
        yield "in-use"
    if bitmap.is_recording:
        yield "auto"


def _key_for(arguments: Iterable[str]) -> Sequence[str]:
    """Give the key to a tool whose arguments speak of it."""
    if not any(KEY_OPTION in argument for argument in arguments):
        return ()
    return ("--object", f"{SECRET['qom-type']},id={SECRET['id']},data={SECRET['data']}")


def _takes_key(options: Mapping[str, str] | None) -> bool:
    return any(KEY_OPTION in option for option in options or {})


def _own(name: str, options: Mapping[str, str] | None) -> Mapping[str, str]:
    """Name the other file after the image, if its data is to be in one."""
    return {key: f"{name}.data" if key == DATA_FILE else value for key, value in (options or {}).items()}


def _options(options: Mapping[str, str] | None) -> list[str]:
    return [word for key, value in (options or {}).items() for word in ("-o", f"{key}={value}")]

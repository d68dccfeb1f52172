"""The kinds of words in sentences: what each may be, how it is read, and what it needs of a build."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import parse
from behave.matchers import register_type

from testbed.base.problems import AuthorError
from testbed.base.units import SIZE_PATTERN, parse_size
from testbed.domain import storage as storage_words
from testbed.domain.backup import COMMANDS, Backup, Command
from testbed.domain.catalogue import Catalogue
from testbed.domain.creation import Creation
from testbed.domain.drive import HOLDABLE
from testbed.domain.job_holds import HOLDS
from testbed.domain.lifecycle import STATUSES
from testbed.domain.storage import EVENTS, Storage
from testbed.domain.target import Maker, Tool
from testbed.domain.view import PARTS
from testbed.language import cells
from testbed.promises.backups import is_compressed, is_encrypted
from testbed.promises.promise import Promise
from testbed.qemu.damage import DAMAGES
from testbed.qemu.image_kinds import KINDS, ImageKind
from testbed.qemu.images import Images
from testbed.scenario.acts.migration import SIDES
from testbed.scenario.acts.registry import Act, said_of
from testbed.scenario.backup_rules import WORDS
from testbed.scenario.world import World


@dataclass(frozen=True)
class SetUp:
    """How a guest's drives are set up, as options of -drive, and what a build must have for that."""

    options: Mapping[str, str]
    needs: tuple[str, ...] = ("human-monitor",)


SET_UPS: Mapping[str, SetUp] = {
    "is paused at its drives' errors": SetUp({"rerror": "stop", "werror": "stop"}),
    "never learns of its drives' errors": SetUp({"rerror": "ignore", "werror": "ignore"}),
    "has drives that copy up what is read": SetUp({"copy-on-read": "on"}),
}
"""How a guest's drives are set up, in the words of a sentence."""


@dataclass(frozen=True)
class ImageMaker:
    """Who makes the images for backups, and what a build must have for that."""

    of: Callable[[World], Maker]
    needs: tuple[str, ...] = ()


MAKERS: Mapping[str, ImageMaker] = {
    "": ImageMaker(lambda world: Tool(world.images)),
    " made by QEMU": ImageMaker(lambda world: Creation(world.machine), ("blockdev-create",)),
}
"""Who makes the images for backups, in the words that a sentence has at its end."""

QUALITIES: Mapping[str, Callable[[Images], Promise[Backup]]] = {"compressed": is_compressed, "encrypted": is_encrypted}
"""What the image of a backup can be, in the words of a sentence."""


def _word(pattern: str) -> Callable[[Callable[[str], Any]], Callable[[str], Any]]:
    return cast("Callable[[Callable[[str], Any]], Callable[[str], Any]]", parse.with_pattern(pattern))


@_word(SIZE_PATTERN)
def size(text: str) -> int:
    """Read a number of bytes with its unit."""
    return parse_size(text)


@_word(r'"[^"]*"')
def name(text: str) -> str:
    """Read a name, or words of QEMU's, in quotes."""
    return text[1:-1]


@_word(r'no bitmaps|"[^"]*"(?:(?:, "[^"]*")* and "[^"]*")?')
def names(text: str) -> list[str]:
    """Read one name in quotes or several, "a", "b" and "c", or none."""
    return re.findall(r'"([^"]*)"', text)


@_word("|".join(COMMANDS))
def command(text: str) -> Command:
    """Read which QMP command takes the backups."""
    return COMMANDS[text]


@_word(storage_words.PATTERN)
def storage(text: str) -> Storage:
    """Read what the storage below an image does."""
    return storage_words.storage(text)


@_word(rf"a qcow2 image with clusters of {SIZE_PATTERN}|{'|'.join(sorted(KINDS, reverse=True))}")
def image_kind(text: str) -> ImageKind:
    """Read what image a drive is in, or a backup goes into."""
    _, _, cluster = text.partition(" with clusters of ")
    return ImageKind("qcow2", {"cluster_size": str(parse_size(cluster))}) if cluster else KINDS[text]


@_word("|".join(QUALITIES))
def quality(text: str) -> Callable[[Images], Promise[Backup]]:
    """Read what the images of backups should be."""
    return QUALITIES[text]


@_word(r"(?: with (?:default|grouped|individual) completion)?")
def completion(text: str) -> str:
    """Read the completion mode of a transaction, in QEMU's word; it is empty where QEMU is left to its default."""
    mode = text.removeprefix(" with ").removesuffix(" completion")
    return "" if mode == "default" else mode


@_word("|".join(WORDS["sync"]))
def sync(text: str) -> str:
    """Read a kind of backup that needs no bitmap, and ends by itself."""
    return text


@_word(r'directly|through (?:a filter without a name|"[^"]*"(?:(?:, "[^"]*")* and "[^"]*")?)')
def way(text: str) -> list[str]:
    """Read through which filters a guest reaches a drive, the uppermost first; one without a name is empty."""
    return [""] if text.endswith("without a name") else names(text)


Which = Callable[[Catalogue], Backup]


@_word(r'(?:of )?"[^"]*"')
def which(text: str) -> Which:
    """Read which backup is meant: the newest one of a drive, or the one whose job has that name."""
    called = name(text.removeprefix("of "))
    return lambda taken: taken.newest_of(called) if text.startswith("of ") else taken.of_job(called)


Them = Callable[[Sequence[Backup]], Sequence[Backup]]


@_word("it|each of them|the newest of them")
def them(text: str) -> Them:
    """Read which of the backups that were last spoken of is meant: the single one, each of several, or their newest.

    What is returned gives these, or raises AuthorError where a single one is not called "it", or several are.
    """

    def meant(backups: Sequence[Backup]) -> Sequence[Backup]:
        if not backups or (len(backups) == 1) != (text == "it"):
            raise AuthorError(
                f'"{text}" does not fit, as {len(backups)} backups were last spoken of: '
                'a single one is "it", several are "each of them"'
            )
        return backups[-1:] if text == "the newest of them" else backups

    return meant


@_word("|".join(STATUSES))
def job_status(text: str) -> str:
    """Read a state of a job, in QEMU's words."""
    return text


@_word("waiting|" + "|".join(HOLDS))
def kept_state(text: str) -> str:
    """Read a state in which a job can be kept."""
    return text


@_word(rf"-?{SIZE_PATTERN} a second")
def speed(text: str) -> int:
    """Read a speed, in bytes a second; one below zero is for requests that QEMU must refuse."""
    size_text = text.removeprefix("-").removesuffix(" a second")
    return parse_size(size_text) * (-1 if text.startswith("-") else 1)


@_word("[A-Z][A-Za-z]+")
def error_class(text: str) -> str:
    """Read the class of an error, in QEMU's words."""
    return text


@_word(r"(?: with the io-status \"(?:failed|nospace)\")?")
def io_statuses(text: str) -> tuple[str, ...]:
    """Read what a stopped job may say of the error, in QEMU's words; either where the sentence does not care."""
    return (text.split('"')[1],) if text else ("failed", "nospace")


@_word(cells.PLACE)
def place(text: str) -> int:
    """Read a place in a row of things, such as 1st; the first place is 0."""
    return cells.place(text)


@_word("events|errors")
def event_kind(text: str) -> str:
    """Read whether a sentence speaks of all that QEMU has reported or of errors alone."""
    return text


@_word(r"\d{1,3}(?:,\d{3})*")
def count(text: str) -> int:
    """Read how many things there are, such as 7 or 65,535."""
    return int(text.replace(",", ""))


@_word(r"the backup|the \d+ backups")
def backups(text: str) -> int:
    """Read how many backups a sentence speaks of."""
    return 1 if text == "the backup" else int(text.split()[1])


def _acts_on(kind: str) -> Callable[[str], Act]:
    """Return the kind of words that tell of an act on something: what a sentence says of it when it is done."""
    acts = said_of(kind)

    @_word("|".join(sorted(map(re.escape, acts), reverse=True)))
    def read(text: str) -> Act:
        return acts[text]

    read.__doc__ = f"Read what is done to a {kind}."
    return cast("Callable[[str], Act]", read)


@_word("|".join(SIDES))
def side(text: str) -> str:
    """Read which of the two machines is meant, of the one that a guest leaves and the one that it moves to."""
    return text


@_word("|".join(HOLDABLE))
def holdable(text: str) -> str:
    """Read what the storage of a drive can be told to hold up."""
    return text


@_word("|".join(sorted(map(re.escape, DAMAGES), reverse=True)))
def damage(text: str) -> str:
    """Read what is damaged in an image."""
    return text


@_word("|".join(EVENTS))
def failing(text: str) -> str:
    """Read what the storage of a drive fails to do, once."""
    return text


@_word("|".join((*PARTS[1:], "drive")))
def view_part(text: str) -> str:
    """Read which node of a frozen view is meant, or the drive's below it."""
    return text


@_word("|".join(SET_UPS))
def set_up(text: str) -> SetUp:
    """Read how a guest's drives are set up."""
    return SET_UPS[text]


@_word("|".join(sorted(MAKERS, reverse=True)))
def maker(text: str) -> ImageMaker:
    """Read who makes the images for backups."""
    return MAKERS[text]


@_word("(?:the (?:export|view|bitmap)(?:, | and )?){3}")
def pull_parts(text: str) -> list[str]:
    """Read in which order what is left of a pull is removed."""
    return re.findall("export|view|bitmap", text)


def register_words() -> None:
    """Make the kinds of words known to behave, under the names that the sentences use."""
    register_type(
        Size=size,
        Name=name,
        Names=names,
        Command=command,
        Storage=storage,
        ImageKind=image_kind,
        Completion=completion,
        Sync=sync,
        BitmapAct=_acts_on("bitmap"),
        Count=count,
        MachineAct=_acts_on("machine"),
        DiskAct=_acts_on("disk"),
        Damage=damage,
        ImageAct=_acts_on("image"),
        SetUp=set_up,
        Failing=failing,
        Holdable=holdable,
        Side=side,
        Filter=_acts_on("filter"),
        ClientAct=_acts_on("client"),
        ClientEnd=_acts_on("end of a client"),
        Way=way,
        JobAct=_acts_on("job"),
        Which=which,
        Them=them,
        KeptState=kept_state,
        JobStatus=job_status,
        Speed=speed,
        Backups=backups,
        EventKind=event_kind,
        OtherMachineAct=_acts_on("other machine"),
        IoStatuses=io_statuses,
        IncrementAct=_acts_on("increment"),
        Place=place,
        PullParts=pull_parts,
        ErrorClass=error_class,
        Maker=maker,
        Quality=quality,
        ViewPart=view_part,
    )

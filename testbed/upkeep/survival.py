"""What bitmaps survive: a table of events and kinds of bitmaps, whose words are read from the scenarios that show them.

Nobody writes a word of the table: a cell only names a scenario, and one of the bitmaps there. What becomes of that
bitmap is what the scenario insists on; and its own sentences must speak of the event, and of that kind of bitmap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from testbed.base.problems import AuthorError
from testbed.build import defects
from testbed.upkeep.fates import FATES, Shown, Told
from testbed.upkeep.featurelint import FeatureFile

RECORDS, DISABLED, TRANSIENT, INCONSISTENT, BUSY = "records", "disabled", "transient", "inconsistent", "busy"

KINDS: Mapping[str, Callable[[Told], bool]] = {
    RECORDS: lambda told: told.is_persistent and told.records,
    DISABLED: lambda told: told.is_persistent and not told.records,
    TRANSIENT: lambda told: told.is_transient,
    INCONSISTENT: lambda told: told.was_spoilt,
    BUSY: lambda told: told.is_in_use,
}
"""The kinds of bitmaps, with what tells whether one is of that kind. The first two are persistent."""

NOT_LOOKED_AT = "not looked at"
CANNOT_BE = "-"
"""What a cell says if no scenario shows it, and if there is no such bitmap while the machine is off."""


@dataclass(frozen=True)
class Event:
    """Something that bitmaps may survive or not.

    `words` is the pattern of what a sentence, or a row of its table, says of it; `shown` has a scenario for each kind
    of bitmap that was looked at. In an event that is `offline` no machine has the image.
    """

    name: str
    words: str
    shown: Mapping[str, Shown]
    is_offline: bool = False


def _in(path: str, title: str, case: str = "", drive: str = "drive0", **bitmaps: str) -> dict[str, Shown]:
    """Return what one scenario shows: the bitmap of each kind, by the kind."""
    return {kind: Shown(path, title, bitmap, drive, case) for kind, bitmap in bitmaps.items()}


_OPENED_TWICE = "A bitmap that a crash has spoilt stays spoilt when the drive is read-only and writable again"
_READY = "The guest writes to the overlay while its commit is ready, which is then <ended>"
_KEPT, _SIZED = "Kept: the image has been <act>", "Kept in another size: the image has been resized to <size>"
_BASE_KILLED = "The machine is killed when the guest uses the base"
_SPOILT = "Inconsistent, as it was: the image has been <act>"
_CRASH_AND_TOOL = "A crash has left the bitmaps, and the image is to be <act>"


def _kept(name: str, words: str, case: str, further: Mapping[str, Shown] | None = None) -> Event:
    kept = _in("offline/kept_bitmaps", _KEPT, case, records="bitmap0", disabled="still")
    spoilt = _in("offline/kept_bitmaps", _SPOILT, case, inconsistent="bitmap0") if further is None else further
    return Event(name, words, {**kept, **spoilt}, is_offline=True)


EVENTS: Sequence[Event] = (
    Event(
        "shutdown and start",
        "shut down",
        {
            **_in("restart/ends", "The machine is <ended>", "a program", records="bitmap0", disabled="bitmap1"),
            **_in(
                "restart/several_days",
                "Two machines add, remove, empty, merge, disable and enable bitmaps, and resize the drive",
                transient="gone",
            ),
            **_in(
                "restart/inconsistent",
                "The machine is shut down in order, and another one starts",
                inconsistent="bitmap0",
            ),
            **_in(
                "restart/ends",
                "The machine is <ended> while a backup is <state> that uses the bitmap",
                "a program",
                busy="bitmap0",
            ),
        },
    ),
    Event(
        "crash or kill -9",
        "killed",
        {
            **_in("layers/restarted", _BASE_KILLED, records="bitmap0", disabled="still0", transient="coarse0"),
            **_in(
                "restart/inconsistent",
                "A second crash spoils the bitmap that was added after the first",
                inconsistent="bitmap0",
            ),
            **_in(
                "restart/crashes",
                "The machine is killed while a backup is running that uses the bitmap",
                busy="bitmap0",
            ),
        },
    ),
    Event(
        "the same, before the image has ever stored the bitmap",
        "killed",
        _in("restart/crashes", "A crash comes before a new bitmap was ever stored", records="new"),
    ),
    Event(
        "the same, while the drive is read-only",
        "killed",
        _in(
            "restart/reopened",
            "The machine is killed while the drive is read-only",
            records="bitmap0",
            disabled="bitmap1",
            transient="transient",
        ),
    ),
    Event(
        "shutdown when the storage has no room",
        "disk has been filled",
        {
            **_in(
                "restart/full_store",
                "The machine is <ended> when the disk is full",
                "a program",
                records="old",
                disabled="idle",
            ),
        },
    ),
    Event(
        "unplug and plug",
        "unplugged",
        {
            **_in(
                "restart/unplugged",
                "<what> is unplugged and plugged in, twice, in the midst of its chain",
                "no device uses it",
                records="bitmap0",
                transient="transient",
            ),
            **_in(
                "restart/unplugged",
                "<what> with a bitmap that a crash has spoilt is unplugged and plugged in, twice",
                "no device uses it",
                inconsistent="bitmap0",
                disabled="idle",
            ),
        },
    ),
    Event(
        "reopening read-only",
        r"^reopen \S+ .*\byes|^reopen \S+ yes",
        {
            **_in(
                "restart/reopened",
                "The guest tries to write to a drive that has become read-only",
                records="bitmap0",
                disabled="bitmap1",
                transient="transient",
            ),
            **_in("restart/writable_again", _OPENED_TWICE, inconsistent="bitmap0"),
            **_in("restart/writable_again", "The machine is shut down in the midst of the backup", busy="bitmap0"),
        },
    ),
    Event(
        "reopening read-only, and writable again",
        r"^reopen \S+ .*\bno|^reopen \S+ no",
        {
            **_in(
                "restart/writable_again",
                "A drive that was read-only from the start becomes writable <when>",
                "twice, though one is enough",
                records="bitmap0",
                disabled="bitmap1",
            ),
            **_in("restart/writable_again", _OPENED_TWICE, inconsistent="bitmap0"),
            **_in(
                "restart/writable_again", "The backup succeeds, and the drive becomes writable again", busy="bitmap0"
            ),
        },
    ),
    Event(
        "a machine that only reads",
        "for reading only",
        _in(
            "restart/read_only",
            "A machine that only reads is <ended>, and the next one goes on with the chain",
            "in order",
            records="bitmap0",
        ),
    ),
    Event(
        "resizing the drive",
        "resized to",
        {
            **_in("restart/next_machine", "The drive has been resized to <size>", "smaller", records="bitmap0"),
            **_in(
                "refusal/inconsistent_bitmap",
                "A drive with an inconsistent bitmap is to <change>",
                "",
                inconsistent="bitmap0",
            ),
            **_in("resize/refused", "A drive is to be <case> while a backup of it runs", "made larger", busy="bitmap0"),
            **_in(
                "resize/growing",
                "A drive grows between two backups, and its new space is <case>",
                "only read",
                transient="bitmap0",
            ),
        },
    ),
    Event(
        "snapshot: bitmaps of the base",
        "snapshot",
        {
            **_in(
                "layers/several_overlays",
                "The uppermost of three images is committed into the second",
                records="bitmap0",
                disabled="still0",
                transient="coarse0",
            ),
            **_in(
                "restart/inconsistent",
                "A snapshot puts an overlay on a drive with an inconsistent bitmap",
                inconsistent="bitmap0",
            ),
            **_in(
                "layers/during_backup",
                "The backup succeeds, and the machine is shut down while the base is only read",
                busy="bitmap0",
            ),
        },
    ),
    Event(
        "active commit: bitmaps of the base",
        "commit",
        _in(
            "layers/commit",
            "The guest goes on with the base",
            records="bitmap0",
            disabled="still0",
            transient="coarse0",
        ),
    ),
    Event(
        "active commit, given up: bitmaps of the base",
        "commit .* cancelled",
        _in("layers/commit", _READY, "still the overlay", records="bitmap0", disabled="still0", transient="coarse0"),
    ),
    Event(
        "active commit, given up: bitmaps of the overlay",
        "commit .* cancelled",
        {**_in("layers/commit", _READY, "still the overlay", "overlay0", records="bitmap1", disabled="still1")},
    ),
    Event(
        "stream: bitmaps of the image that is written to",
        "^stream",
        _in(
            "layers/stream",
            "The guest's image takes over <what>",
            "it stands on nothing then",
            "overlay1",
            records="bitmap2",
            disabled="still2",
            transient="coarse2",
        ),
    ),
    Event(
        "mirror and pivot: bitmaps of the copy",
        "gone on with its mirror",
        _in(
            "layers/mirrored",
            "The record is brought over when the copy is ready, and the guest writes on until it moves, with <mode>",
            "later, when its turn comes",
            "copy0",
            records="bitmap0",
            disabled="still0",
            transient="coarse0",
        ),
    ),
    Event(
        "taking and deleting an internal snapshot",
        "internal snapshot",
        _in(
            "layers/internal",
            "Two internal snapshots, of which one is deleted, between the guest's writes",
            records="bitmap0",
            disabled="still0",
            transient="fine0",
        ),
    ),
    Event(
        "going back to an internal snapshot",
        "go back to",
        _in(
            "layers/internal",
            "A machine with bitmaps is to go back to a state that was saved",
            records="bitmap0",
            disabled="still0",
            transient="fine0",
        ),
    ),
    Event(
        "upgrade, and back",
        "of the next build",
        {
            **_in(
                "restart/upgrade",
                "An increment before the upgrade is taken back, and one after",
                records="bitmap0",
                disabled="fine",
            ),
            **_in(
                "restart/upgrade",
                "The upgraded machine is killed, and the upgrade is taken back",
                inconsistent="bitmap0",
            ),
        },
    ),
    _kept("`qemu-img check`", "checked", "check"),
    _kept("`qemu-img check -r all`", "repaired", "check -r all"),
    _kept("`qemu-img amend`", "amended", "amend -o lazy_refcounts"),
    Event(
        "`qemu-img amend -o compat=0.10`",
        "amended to version 2",
        _in(
            "offline/refused_tools",
            "Refused: the image is amended to the version of its format that knows no bitmaps",
            records="bitmap0",
        ),
        is_offline=True,
    ),
    Event(
        "`qemu-img resize`",
        "resized to",
        {
            **_in("offline/kept_bitmaps", _SIZED, "so far that it needs fewer", records="bitmap0", disabled="still"),
            **_in("offline/refused_tools", _CRASH_AND_TOOL, "it is not made larger", inconsistent="bitmap0"),
        },
        is_offline=True,
    ),
    _kept(
        "`qemu-img convert --bitmaps`",
        "copied with its bitmaps",
        "convert --bitmaps",
        _in("offline/refused_tools", _CRASH_AND_TOOL, "it is not copied", inconsistent="bitmap0"),
    ),
    Event(
        "`qemu-img convert`, without `--bitmaps`",
        "copied without its bitmaps",
        _in(
            "offline/kept_bitmaps",
            "Gone: the image has been copied, and nobody has asked for its bitmaps",
            records="bitmap0",
            disabled="still",
        ),
        is_offline=True,
    ),
    Event(
        "`qemu-img create -b`, an overlay: bitmaps of the base",
        "put the new overlay",
        _in("offline/named_otherwise", "Nobody gives the overlay a bitmap", records="bitmap0", disabled="still"),
        is_offline=True,
    ),
    Event(
        "`qemu-img commit`: bitmaps of the base",
        "committed into its base",
        _in(
            "offline/merged_images",
            "Recorded: the overlay has been <act>",
            "commit",
            records="bitmap0",
            disabled="still",
        ),
        is_offline=True,
    ),
    Event(
        "`qemu-img rebase`",
        "put on a copy of its base",
        _in(
            "offline/merged_images",
            "The overlay with bitmaps of its own has been <act>",
            "rebase",
            "overlay0",
            records="upper",
            disabled="frozen",
        ),
        is_offline=True,
    ),
    _kept("`qemu-img snapshot -c`", "given a snapshot", "snapshot -c"),
    Event(
        "`qemu-img snapshot -a`",
        "put back to its snapshot",
        _in("offline/refused_tools", "Refused: the image is put back to an internal snapshot", records="bitmap0"),
        is_offline=True,
    ),
)
"""All events, those of machines first."""


def rows(files: Mapping[str, FeatureFile], events: Iterable[Event] = EVENTS) -> list[list[str]]:
    """Return the rows of the table: an event, and for each kind what becomes of it, with a link to what shows that.

    Raises AuthorError, with all that is wrong, when a scenario is not there or does not show that.
    """
    problems = []
    found = []
    for event in events:
        cells = [event.name]
        for kind in KINDS:
            try:
                cells.append(_cell(event, kind, files))
            except AuthorError as error:
                problems.append(f"{event.name}, {kind}: {error}")
        found.append(cells)
    if problems:
        raise AuthorError("\n".join(problems))
    return found


def _cell(event: Event, kind: str, files: Mapping[str, FeatureFile]) -> str:
    if event.is_offline and kind in {TRANSIENT, BUSY}:
        return CANNOT_BE
    if kind not in event.shown:
        return NOT_LOOKED_AT
    shown = event.shown[kind]
    told = shown.told(files, event.words)
    fate = told.fate
    if not KINDS[kind](told):
        raise AuthorError(f'"{shown.bitmap}" of "{shown.title}" is not of that kind')
    mark = " \\*" if defects.named(shown.scenario(files).effective_tags) else ""
    title = shown.title.replace('"', "'")
    return f'[{fate}](../features/{shown.path}.feature "{title}"){mark}'


def words() -> list[tuple[str, str]]:
    """Return the words of the table, with what each means."""
    return [
        *FATES.items(),
        (NOT_LOOKED_AT, "no scenario shows it"),
        (CANNOT_BE, "there is no such bitmap while no machine has the image"),
        ("\\*", "a known defect breaks this on some releases; the feature names it"),
    ]

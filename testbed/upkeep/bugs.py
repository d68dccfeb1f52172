"""Bugs of QEMU's past that scenarios name by a tag, @bug-BNN: what users saw of them, and where they were mended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

TAG = re.compile(r"bug-(?P<number>B\d{2,3})")

_PROJECT = "https://gitlab.com/qemu-project/qemu/-"


@dataclass(frozen=True)
class Bug:
    """A bug that QEMU once had.

    `what` says what its users saw, `release` is the first that does not have it any more, `commits` are the changes
    that mended it, and `reports` where it was reported: "red-hat NUMBER" or "qemu NUMBER".
    """

    number: str
    what: str
    release: str
    commits: Sequence[str]
    reports: Sequence[str] = ()

    @property
    def anchor(self) -> str:
        """Return by what an address ends that leads to this bug's line in the documentation."""
        return self.number.lower()

    @property
    def sources(self) -> str:
        """Return where to read more, as links in Markdown."""
        changes = [f"[{commit}]({_PROJECT}/commit/{commit})" for commit in self.commits]
        return ", ".join([*changes, *map(_report, self.reports)])


def _report(name: str) -> str:
    tracker, number = name.split()
    if tracker == "red-hat":
        return f"[Red Hat {number}](https://bugzilla.redhat.com/{number})"
    return f"[issue {number}]({_PROJECT}/issues/{number})"


BUGS = (
    Bug(
        "B01",
        "a mirror of a drive changed each of the drive's bitmaps",
        "2.3",
        ["c4237dfa63"],
    ),
    Bug(
        "B02",
        "what the guest discarded was taken out of the bitmaps, so that the next increment missed it",
        "2.4",
        ["508249952c"],
    ),
    Bug(
        "B04",
        "compressed writes were recorded by no bitmap",
        "2.8",
        ["3ea1a09111"],
    ),
    Bug(
        "B05",
        "a machine went back to a saved state although its drive had a bitmap, which then told of another state",
        "2.11",
        ["70a5afedd6"],
    ),
    Bug(
        "B06",
        "a write that made the image longer was not recorded",
        "3.0",
        ["7f8f03ef6d"],
    ),
    Bug(
        "B07",
        "QEMU told in sectors how much a bitmap holds, and its manual said that these are bytes",
        "2.10",
        ["6c98c57af3"],
        ["red-hat 1441460"],
    ),
    Bug(
        "B08",
        "a bitmap into which another one had been merged could pass for empty, and a further merge lost its record",
        "3.1",
        ["d1dde7149e"],
    ),
    Bug(
        "B09",
        "a bitmap that was loaded or had migrated said that it holds nothing",
        "2.12",
        ["3260cdfffb"],
    ),
    Bug(
        "B10",
        "when a drive had been resized, jobs and exports passed over dirty areas of it",
        "4.1",
        ["4e4de22279"],
    ),
    Bug(
        "B11",
        "when an area was marked as clean that ended within a granule, the change beside it was forgotten",
        "4.2",
        ["48557b1383"],
    ),
    Bug(
        "B12",
        "one read of a frozen view that began in what was saved returned what the guest had written since",
        "8.0",
        ["a4d5224c2c"],
    ),
    Bug(
        "B13",
        "for images with clusters of 2 MiB, bitmaps were refused that could be stored, or accepted that could not",
        "4.2",
        ["570542ecb1"],
    ),
    Bug(
        "B14",
        "a transient bitmap could get a name of more than 1023 bytes, by which no image could store it",
        "4.2",
        ["cf7c49cf6a"],
    ),
    Bug(
        "B15",
        "whether an image has room for one more persistent bitmap was decided without those not stored yet",
        "5.0",
        ["a1db8733d2"],
    ),
    Bug(
        "B16",
        "after a crash, a stored bitmap could not be seen, and its name could neither be used nor set free",
        "4.0",
        ["74da6b9435"],
    ),
    Bug(
        "B17",
        "a bitmap below an overlay was loaded as valid after a commit into its image, although it had missed writes",
        "4.2",
        ["644ddbb754", "f6333cbf8b"],
    ),
    Bug(
        "B18",
        "bitmaps were loaded again that were there already, and a guest with a persistent bitmap could not move",
        "2.12",
        ["2d949dfcef"],
    ),
    Bug(
        "B19",
        "a persistent bitmap that did not record was lost, or recorded after the next start",
        "2.12",
        ["3e99da5e76"],
    ),
    Bug(
        "B21",
        "persistent bitmaps were accepted for qcow2 images of version 2, which cannot tell that one is out of date",
        "2.12",
        ["c9ceb3ec8a"],
    ),
    Bug(
        "B27",
        "a drive with persistent bitmaps could not be resized, nor opened if QEMU was killed after that",
        "4.0",
        ["d19c6b36ff", "bf5f0cf5d8"],
    ),
    Bug(
        "B28",
        "when storage was full as a bitmap was stored, clusters could be set free that were somebody else's",
        "8.0",
        ["b03dd9613b"],
    ),
    Bug(
        "B29",
        "qemu-img bitmap said that all was well when the image had no space for the bitmap",
        "8.0",
        ["c5e477110d"],
        ["qemu 1330"],
    ),
    Bug(
        "B30",
        "a copy with an inconsistent bitmap failed at the end only, and left a bitmap that looked consistent",
        "6.1",
        ["74a4320f30", "955171e441"],
        ["red-hat 1946084"],
    ),
    Bug(
        "B31",
        "a bitmap of an overlay could not be merged into one of its base by qemu-img",
        "5.2",
        ["14f16bf947"],
        ["red-hat 1877209"],
    ),
    Bug(
        "B32",
        "adding or removing a persistent bitmap aborted QEMU when the drive lived in an iothread",
        "5.0",
        ["0a6c86d024", "91005a495e"],
    ),
    Bug(
        "B33",
        "the removal of a persistent bitmap that had never been stored went wrong unsaid, or crashed QEMU",
        "4.2",
        ["f56281abd9"],
    ),
    Bug(
        "B35",
        "a guest could not go on after a failed move, since a bitmap of an image below its own was there already",
        "5.1",
        ["fe16c7ddf8"],
    ),
    Bug(
        "B37",
        "an incremental backup that was cancelled threw the record of its bitmap away",
        "2.4",
        ["17d9716d7b"],
    ),
    Bug(
        "B38",
        "a backup crashed QEMU when its drive copied up what was read, or its storage took large blocks only",
        "2.5",
        ["06c3916b35", "61408b250e"],
    ),
    Bug(
        "B39",
        "in targets with clusters larger than the granules, half filled clusters hid what stood below them",
        "2.6",
        ["4c9bca7e39"],
    ),
    Bug(
        "B40",
        "no backup could go to a target over NBD",
        "2.9",
        ["a410a7f1af"],
    ),
    Bug(
        "B41",
        "a QEMU that had refused a backup crashed at its end",
        "4.1",
        ["4da26f138d", "0702d3d88c"],
        ["red-hat 1703916"],
    ),
    Bug(
        "B43",
        "data that the guest wrote during a backup got into that backup, where a part had been saved before",
        "4.1",
        ["4a5b91ca02"],
    ),
    Bug(
        "B44",
        "a backup that was to be compressed was not, where the storage copies by itself",
        "4.1",
        ["110571be4e"],
    ),
    Bug(
        "B45",
        "a backup copied past the end of a drive of odd size, or more at a time than its storage takes",
        "4.2",
        ["1048ddf0a3", "981fb5810a"],
    ),
    Bug(
        "B46",
        "compressed backups failed, since QEMU copied more than a cluster at a time",
        "4.2",
        ["dcfbece684"],
    ),
    Bug(
        "B47",
        "now and then QEMU crashed when a backup ended while the guest had writes under way",
        "5.0",
        ["503ca1262b"],
    ),
    Bug(
        "B48",
        "a transaction with one backup that could begin and one that could not hung QEMU",
        "5.0",
        ["0abf258171"],
        ["red-hat 1782111"],
    ),
    Bug(
        "B49",
        "QEMU crashed when the filter of a backup could not be put over its drive",
        "5.0",
        ["0df62f45c1"],
    ),
    Bug(
        "B50",
        "the backup of a drive in an iothread hung at its end",
        "5.0",
        ["eca0f3524a"],
    ),
    Bug(
        "B51",
        "zeros, and what a commit writes, were mishandled on their way through the filter of a backup",
        "5.0",
        ["4bc267a7c7"],
    ),
    Bug(
        "B52",
        "the whole of which a backup tells its progress went down to nothing while it ran",
        "5.0",
        ["d0ebeca14a", "8146b357d0"],
    ),
    Bug(
        "B53",
        "a target that was smaller than its drive crashed QEMU in the midst of the backup",
        "5.1",
        ["958a04bd32"],
        ["red-hat 1778593"],
    ),
    Bug(
        "B54",
        "QEMU crashed when a backup met an error while several of its requests were under way",
        "5.1",
        ["fc9aefc8c0", "e8de7ba9ea"],
    ),
    Bug(
        "B55",
        "QEMU crashed at the end of a drive that is no whole number of clusters",
        "5.1",
        ["7661a886a1"],
    ),
    Bug(
        "B56",
        "a backup that was cancelled went on waiting for a slow target",
        "6.0",
        ["ff789bf5a9"],
    ),
    Bug(
        "B57",
        "QEMU crashed when the nodes were listed or used just as a backup ended",
        "6.0",
        ["bdc4c4c5e3", "705dde27c6"],
    ),
    Bug(
        "B58",
        "why QEMU could not open the target of a backup was not told",
        "6.0",
        ["5a11a1ca0d"],
    ),
    Bug(
        "B59",
        "after a backup had failed in a transaction, no request of the guest to that drive was answered any more",
        "6.1",
        ["2842ff2d81"],
        ["qemu 399"],
    ),
    Bug(
        "B60",
        "no backup could begin in a build that was not made for it: its filter was asked for as a driver",
        "6.2",
        ["b11c8739ae"],
        ["red-hat 2004812"],
    ),
    Bug(
        "B61",
        "to ask for 2,147,483,648 or more workers crashed QEMU",
        "6.2",
        ["8fc898ce0b"],
        ["red-hat 2009310"],
    ),
    Bug(
        "B62",
        "QEMU crashed at the end of a migration during which a backup was running",
        "6.2",
        ["a13de40a05"],
    ),
    Bug(
        "B64",
        "a merge that had failed was reported as done",
        "7.1",
        ["775b30b305"],
    ),
    Bug(
        "B65",
        "a copy-before-write filter could not be opened over a drive in an iothread",
        "8.1",
        ["9102f2ebdb"],
    ),
    Bug(
        "B68",
        "a client of a frozen view that discarded no whole clusters killed QEMU",
        "9.1",
        ["507175197b"],
    ),
    Bug(
        "B69",
        "a guest's writes failed long before the time-out of the filter that saved what they overwrote",
        "9.1",
        ["10b1e09ed3"],
    ),
    Bug(
        "B72",
        "a backup out of a frozen view emptied no scratch image of larger clusters, as it was told to",
        "9.2",
        ["9484ad6c17"],
    ),
    Bug(
        "B74",
        "when a transaction failed, QEMU undid a clearing that it had not come to",
        "2.9",
        ["184dd9c49b"],
    ),
    Bug(
        "B75",
        "a transaction that had cleared or filled a bitmap which does not record crashed QEMU when it was aborted",
        "4.0",
        ["07d5a8df6a"],
    ),
    Bug(
        "B76",
        "bitmaps that a job or an export was using could be enabled, disabled, merged and exported",
        "3.1",
        ["283d7a04f2", "b053bb5573", "0be37c9e19", "d9782022bd"],
    ),
    Bug(
        "B77",
        "a transaction could not back up drives in iothreads, although each could be backed up alone",
        "4.1",
        ["d81e1efbea"],
        ["red-hat 1683498"],
    ),
    Bug(
        "B78",
        "groups of backups of drives in several iothreads hung at their end, or when one failed",
        "3.1",
        ["49880165a4", "644f3a29bd"],
    ),
    Bug(
        "B79",
        "QEMU crashed when a job was cancelled or completed while it slept",
        "2.12",
        ["4afeffc857"],
        ["red-hat 1508708"],
    ),
    Bug(
        "B80",
        "to finalize a job twice crashed QEMU",
        "3.0",
        ["37aa19b63c"],
    ),
    Bug(
        "B81",
        "a backup that had stopped at an error did not go on when it was resumed",
        "4.0",
        ["8d9648cbf3"],
    ),
    Bug(
        "B82",
        "a job that was waiting for its speed limit slept on when the limit was lifted",
        "2.12",
        ["d4fce18844", "ca657c99e6"],
    ),
    Bug(
        "B87",
        "the event of an error of a guest's disk named its device and its path each in the place of the other",
        "10.0",
        ["107c551de0"],
    ),
    Bug(
        "B88",
        "a guest was paused at an error of its disk and nobody was told, if another error had just been told of",
        "11.0",
        ["544ddbb637"],
    ),
    Bug(
        "B89",
        "reading an exported bitmap killed QEMU",
        "3.0",
        ["7606c99a04"],
    ),
    Bug(
        "B90",
        "a client that asked for much at a time was told of areas of no length",
        "3.1",
        ["6545916d52"],
    ),
    Bug(
        "B91",
        "a client that asked for a bitmap and for what is allocated got no answer any more",
        "5.0",
        ["73e064ccf0"],
    ),
    Bug(
        "B95",
        "zeros were told to be data after a client had asked for the allocation depth",
        "7.0",
        ["113b727ce7"],
    ),
    Bug(
        "B96",
        "a client that wrote zeros to 2 GiB or more at a time got an error",
        "5.1",
        ["890cbccb08"],
    ),
    Bug(
        "B98",
        "QEMU hung when bitmaps that had arrived after the guest were to record",
        "5.1",
        ["58f72b965e", "e6ce5e9224"],
    ),
    Bug(
        "B99",
        "bitmaps were lost, or loaded twice, when a migration had failed",
        "3.1",
        ["9c98f145df"],
    ),
    Bug(
        "B100",
        "bitmaps of nodes that no device of a name used did not travel",
        "4.1",
        ["592203e7cf"],
    ),
    Bug(
        "B101",
        "a guest could not move with its bitmaps to a machine that shared its images",
        "4.2",
        ["a505475b95"],
    ),
    Bug(
        "B102",
        "QEMU crashed when it was shut down while bitmaps were arriving, or one of them was to be removed",
        "6.0",
        ["1499ab0969", "4290b4834c"],
    ),
    Bug(
        "B103",
        "a migration with a bitmap of large granules never ended",
        "5.2",
        ["ed7b70c27b"],
    ),
    Bug(
        "B104",
        "a mapping of no bitmaps was taken for none, and all bitmaps travelled",
        "8.1",
        ["3cba22c9ad"],
    ),
    Bug(
        "B112",
        "QEMU crashed when an inactive drive was resized",
        "10.0",
        ["8c2c72a335"],
    ),
)
"""All bugs, in the order of their numbers."""


def table(looked_for: Mapping[str, Iterable[str]]) -> list[tuple[str, ...]]:
    """Return the rows of the documentation; `looked_for` says where each bug is, by its number, as links."""
    return [
        (
            f'<a id="{bug.anchor}"></a>{bug.number}',
            bug.what,
            f"{bug.release}: {bug.sources}",
            ", ".join(looked_for.get(bug.number, ())),
        )
        for bug in BUGS
    ]


def numbers(tags: Iterable[str]) -> list[str]:
    """Return the numbers of the bugs that tags, written without their @, name; in their order, each once."""
    found = {match["number"] for match in map(TAG.fullmatch, tags) if match}
    return sorted(found, key=lambda number: int(number[1:]))

"""The closed list of tags: what each one tells a reader, and by what a run can be narrowed.

A tag that is not listed here is an error, so that a misspelt one cannot silently run or skip a scenario.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from testbed.base.problems import AuthorError, near
from testbed.build import defects

AREAS = {
    "backup": "what an incremental backup holds and what it restores",
    "bitmap": "what a dirty bitmap records, and what becomes of its record",
    "damage": "images whose bitmaps are damaged, and what can still be had of them",
    "failure": "backups that fail or stop, and what is left afterwards",
    "job": "backup jobs: how they live, what they heed, and what they tell",
    "layers": "images above and below that of the guest, and what becomes of bitmaps when data moves between them",
    "migration": "guests that move to another machine, and what becomes of their bitmaps",
    "offline": "what tools do to images, and to the bitmaps in them, while no machine has them",
    "pull": "drives that clients read over the network, and backups that they pull so",
    "refusal": "requests that QEMU must refuse, and that nothing is changed by them",
    "resize": "drives that grow and shrink, and what that means to their bitmaps and backups",
    "restart": "machines that end, in order or not, and what the next one finds",
    "target": "what backups can go into, and what the images that they leave are like",
    "transaction": "requests that take effect at one moment, together or not at all",
}
"""What a feature is about; the folders of the features bear the same names."""

CASES = {
    "incremental_simple": "a chain of three, the first with nothing to copy",
    "small_granularity": "the same with granules smaller than the clusters of the target",
    "large_granularity": "the same with granules larger than the clusters of the target",
    "larger_cluster_target": "a target whose clusters are larger than the granules",
    "incremental_transaction": "two bitmaps, cleared together with a full backup",
    "transaction_failure": "a group of two backups of which one fails, and the same group again",
    "transaction_failure_race": "the same, when the other backup has nothing to copy",
    "sync_dirty_bitmap_missing": "an incremental backup that names no bitmap",
    "sync_dirty_bitmap_not_found": "an incremental backup with a bitmap that does not exist",
    "sync_dirty_bitmap_bad_granularity": "a bitmap with a granularity that is no power of two",
    "growing_before_backup": "a drive that grows before its incremental backup",
    "incremental_failure": "an incremental backup that fails, and the next",
    "incremental_pause": "an incremental backup that stops at an error and is resumed",
}
"""The cases of QEMU's own test 124, by their names there; each goes with the tag iotest-124."""


@dataclass(frozen=True)
class Tag:
    """A tag, or a family of tags of one form.

    `form` is how the documentation writes it, `pattern` the regular expression that the whole tag matches.
    """

    form: str
    pattern: str
    meaning: str

    @classmethod
    def named(cls, name: str, meaning: str) -> Tag:
        """Make a tag that is written in one way only."""
        return cls(name, re.escape(name), meaning)

    @property
    def is_family(self) -> bool:
        """Tell whether several tags are of this form."""
        return self.pattern != re.escape(self.form)

    def covers(self, tag: str) -> bool:
        """Tell whether `tag`, without its @, is this tag or one of this family."""
        return re.fullmatch(self.pattern, tag) is not None


TAGS = (
    *(Tag.named(name, meaning) for name, meaning in AREAS.items()),
    Tag.named("drive-backup", "asks for the backup with the older command, which newer builds may lack"),
    Tag.named("blockdev-backup", "asks for the backup with the newer command"),
    Tag.named("upgrade", "goes on with another build of QEMU, which the run must name; make matrix tries it on pairs"),
    Tag.named("slow", "takes minutes, and is given them; left out unless the expression names it, as TAGS=slow does"),
    Tag.named("iotest-124", "a case of QEMU's own test 124, whose name is a second tag"),
    *(Tag.named(name, meaning) for name, meaning in CASES.items()),
    Tag(
        "bug-BNN",
        r"bug-B\d{2,3}",
        "would have caught this bug of QEMU's past, by its number in the list of bugs",
    ),
    Tag("id:KEY", r"id:[\w-]+", "the key of the scenario in a test management system"),
    Tag("bug:KEY", r"bug:[\w-]+(?:/\d+)?", "a report in a bug tracker that this scenario answers"),
    Tag("qemu-commit:HASH", r"qemu-commit:[0-9a-f]{8,40}", "the change of QEMU that made this promise true"),
)
"""All tags but those of known defects, in the order in which the documentation lists them."""

DEFECTS = tuple(Tag.named(f"{defects.TAG}{defect.name}", defect.what) for defect in defects.DEFECTS)
"""The tags that name a known defect of QEMU; testbed.build.defects says more about each."""


def unknown(tags: Iterable[str]) -> list[str]:
    """Return those of `tags`, written without their @, that nothing here covers; sorted, each once."""
    return sorted({tag for tag in tags if not any(known.covers(tag) for known in (*TAGS, *DEFECTS))})


def of_features(folder: Path) -> list[str]:
    """Return the tags that stand in the feature files below a folder, without their @, sorted, each once."""
    lines = (line.strip() for file in folder.rglob("*.feature") for line in file.read_text("utf-8").splitlines())
    return sorted({tag.lstrip("@") for line in lines if line.startswith("@") for tag in line.split()})


def insist_on_selectable(words: Iterable[str], used: Iterable[str]) -> None:
    """Raise AuthorError, with the nearest tags that there are, if a word of a tag expression can select nothing.

    `used` are the tags of all features. A word may hold * for any characters, and ? for one.
    """
    # A family counts by its members that some scenario has: the list has no more to say of them.
    known = dict.fromkeys([*(tag.form for tag in (*TAGS, *DEFECTS) if not tag.is_family), *used])
    if slips := [str(near(word, known, "tag")) for word in words if not fnmatch.filter(known, word)]:
        raise AuthorError("; ".join(slips))


def insist_on_known(tags: Iterable[str]) -> None:
    """Raise AuthorError, with the nearest tags that there are, if one of `tags` is unknown."""
    forms = [known.form for known in (*TAGS, *DEFECTS)]
    if slips := [str(near(tag, forms, "tag")) for tag in unknown(tags)]:
        raise AuthorError("; ".join(slips))

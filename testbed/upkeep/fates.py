"""What becomes of a bitmap in a scenario, as the scenario's own sentences and tables tell it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import dropwhile, groupby, takewhile
from typing import Any

from testbed.base.problems import AuthorError, near
from testbed.upkeep.featurelint import FeatureFile

Row = Mapping[str, str]


@dataclass(frozen=True)
class Step:
    """A step: whether it is an outcome, its sentence, and the rows of its table by headings."""

    is_outcome: bool
    sentence: str
    rows: Sequence[Row]

    @classmethod
    def of(cls, step: Any) -> Step:
        """Take a step over from behave."""
        rows = [dict(zip(step.table.headings, row.cells, strict=True)) for row in step.table or ()]
        return cls(step.step_type == "then", step.name, rows)

    def says(self, pattern: str) -> bool:
        """Tell whether the sentence, or the cells of a row, have words of this pattern."""
        return any(re.search(pattern, line) for line in (self.sentence, *(" ".join(row.values()) for row in self.rows)))


@dataclass(frozen=True)
class Told:
    """What a scenario tells of the bitmap `name` of `drive`, in its steps, those of the background included.

    `event` is the pattern of the words for that which happens to the bitmap.
    """

    name: str
    drive: str
    steps: Sequence[Step]
    event: str

    @cached_property
    def outcomes(self) -> Sequence[Step]:
        """The next outcomes after the event that tell of the bitmap; raises AuthorError if there are none."""
        since = list(dropwhile(lambda step: step.is_outcome or not step.says(self.event), self.steps))
        if not since:
            raise AuthorError(f'no step says "{self.event}"')
        for is_outcome, steps in groupby(since, key=lambda step: step.is_outcome):
            block = list(steps)
            if is_outcome and any(word for step in block for word in self._words(step)):
                return block
        raise AuthorError(f'no outcome tells of "{self.name}" of "{self.drive}"')

    @cached_property
    def history(self) -> Sequence[Step]:
        """The steps before these outcomes."""
        return list(takewhile(lambda step: step is not self.outcomes[0], self.steps))

    @cached_property
    def origin(self) -> Row | None:
        """How the bitmap comes to its drive: a row of a table, or as much as a sentence says; None if nothing tells."""
        for step in self.steps:
            for row in () if step.is_outcome else step.rows:
                drive = row.get("drive") or (self.drive if f'"{self.drive}"' in step.sentence else "")
                if (row.get("bitmap"), drive, row.get("request", "add")) == (self.name, self.drive, "add"):
                    return {"persistent": "yes", **row} if "bitmaps are stored" in step.sentence else row
            if f'"{self.drive}", left by a crash with the bitmap "{self.name}"' in step.sentence:
                return {"persistent": "yes", "inconsistent": "yes"}
            if re.search(f'"{self.drive}".* a new bitmap "{self.name}"', step.sentence):
                return {}
        return None

    @property
    def is_persistent(self) -> bool:
        """Whether the bitmap was to be stored."""
        return (self.origin or {}).get("persistent") == "yes"

    @property
    def is_transient(self) -> bool:
        """Whether the bitmap was to last no longer than its machine."""
        return self.origin is not None and not self.is_persistent

    @property
    def records(self) -> bool:
        """Whether the bitmap recorded in the end: as it was added, or as it was changed since."""
        recording = (self.origin or {}).get("recording") != "no"
        for step in self.history:
            for act in ("enable", "disable"):
                is_told = f'the bitmap "{self.name}" of "{self.drive}" has been {act}d' in step.sentence
                if is_told or any((row.get("request"), row.get("bitmap")) == (act, self.name) for row in step.rows):
                    recording = act == "enable"
        return recording

    @property
    def was_spoilt(self) -> bool:
        """Whether the bitmap was stored and a machine that had it was killed."""
        is_left_so = (self.origin or {}).get("inconsistent") == "yes"
        return is_left_so or (self.is_persistent and any(step.says("killed") for step in self.history))

    @property
    def is_in_use(self) -> bool:
        """Whether a backup uses the bitmap, which something keeps from its end."""
        kept = [step for step in self.history if re.search("backup of .* is kept|auto-finalize", step.sentence)]
        held = [step for step in self.history if step.says("auto-finalize no")]
        return any(f'with "{self.name}"' in step.sentence or step.says(f"bitmap {self.name}") for step in kept + held)

    @property
    def fate(self) -> str:
        """What becomes of the bitmap, in the words of FATES; raises AuthorError when no outcome tells of it."""
        words = {word for step in self.outcomes for word in self._words(step)}
        return "gone" if "gone" in words else ", ".join(word for word in FATES if word in words)

    def _words(self, step: Step) -> Iterator[str]:
        drive, sentence = f'"{self.drive}"', step.sentence
        if "should refuse" in sentence:
            yield "refused"
        elif sentence.startswith(f"the bitmaps of {drive} should be"):
            listed = [row.get("inconsistent") == "yes" for row in step.rows if row["bitmap"] == self.name]
            yield ("inconsistent" if listed[0] else "kept") if listed else "gone"
        elif sentence == f"{drive} should have no bitmap":
            yield "gone"
        elif sentence == f"the image of {drive} should store its persistent bitmaps and no others":
            yield from ["stored"] if self.is_persistent else []
        elif drive in sentence and re.match(rf'the (\S+ )*backups? .*with "{self.name}" should restore', sentence):
            yield "kept"


FATES = {
    "refused": "QEMU or its tool does not do it, and the bitmap stays as it was",
    "kept": "the bitmap is there, with all that it must have recorded",
    "stored": "the image has it, bit for bit",
    "inconsistent": "the bitmap is listed, but cannot be used any more: its chain needs a new full backup",
    "gone": "the bitmap is not there any more",
}
"""What may become of a bitmap, with what that means."""


@dataclass(frozen=True)
class Shown:
    """A bitmap of a scenario that shows what becomes of it.

    `path` is that of the feature, without suffix; `title` that of the scenario as it stands there; `case` is one of
    its rows, if it is an outline.
    """

    path: str
    title: str
    bitmap: str = "bitmap0"
    drive: str = "drive0"
    case: str = ""

    def scenario(self, files: Mapping[str, FeatureFile]) -> Any:
        """Return the scenario, or the row of the outline; raises AuthorError when there is none of that name."""
        if self.path not in files:
            raise near(self.path, files, "feature")
        titled = {scenario.name: scenario for scenario in files[self.path].scenarios}
        if self.title not in titled:
            raise near(self.title, titled, f"scenario of {self.path}")
        outline = titled[self.title]
        cases = {_case(one): one for one in getattr(outline, "scenarios", [outline])}
        if self.case not in cases:
            raise near(self.case, cases, f'case of "{self.title}"')
        return cases[self.case]

    def told(self, files: Mapping[str, FeatureFile], event: str) -> Told:
        """Return what the scenario tells of the bitmap and that event; raises AuthorError when there is none."""
        steps = [Step.of(step) for step in self.scenario(files).all_steps]
        return Told(self.bitmap, self.drive, steps, event)


def _case(scenario: Any) -> str:
    row = getattr(scenario, "_row", None)
    return "" if row is None else str(row.get("case", ""))

"""Which failures have one cause, as far as it can be told: those of which the same was said, but for the numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from testbed.reports.outcome import Outcome

_NUMBER = r"(?:0x[0-9a-fA-F]+|\d+(?:[.,]\d+)*(?: (?:B|[KMGT]iB)\b)?)"
_SUM = re.compile(rf"{_NUMBER}(?: [+-] {_NUMBER})*")
_BITMAP = re.compile(r'(?<=with )"[\w-]+"|(?<=: )"[\w-]+"(?= should)')
_LIST = re.compile(r"# at #(?:, # at #)*(?:, and # more)?")


def cause_of(outcome: Outcome) -> tuple[str, ...]:
    """Return what failures of one cause have in common: how they ended, and what was said first, each thing once.

    It is without numbers, and without the names of bitmaps.
    """
    said, _, _ = outcome.headline.partition("; then ")
    plain = _LIST.sub("# at #", _SUM.sub("#", _BITMAP.sub('"#"', said))).replace(" (and # more)", "")
    return outcome.status.value, outcome.kind, *dict.fromkeys(plain.split("; "))


def by_cause(outcomes: Iterable[Outcome]) -> Sequence[Sequence[Outcome]]:
    """Return the outcomes in groups of one cause each, in the order in which the first of each group occurred."""
    groups: dict[tuple[str, ...], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(cause_of(outcome), []).append(outcome)
    return list(groups.values())

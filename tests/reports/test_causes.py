from __future__ import annotations

from dataclasses import replace

import pytest
from parsed import labelled, parsed

from testbed.reports.causes import by_cause, cause_of
from testbed.reports.outcome import Outcome, Status


def red(headline: str, status: Status = Status.FAILED, kind: str = "AssertionError") -> Outcome:
    return replace(labelled(parsed())[0], headline=headline, status=status, kind=kind)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "drive0-2.qcow2: the byte at offset 3 MiB should be 0x00 and is 0x99, in the full backup of drive0",
            "drive1-14.qcow2: the byte at offset 64 KiB + 1 B should be 0xab and is 0x00, in the full backup of drive1",
        ),
        (
            "missing in it: 64 KiB at 1 MiB; it should hold 64 KiB at 0, 1 B at 2 MiB - 1 B, and 3 more",
            "missing in it: 64 KiB - 400 B at 1,040 KiB, 1 KiB at 0; it should hold 1.5 MiB at 0",
        ),
        (
            'drive0: "a" should be dirty 1 B; it is dirty 0; drive0: "b" should be dirty 2 B; it is dirty 0',
            'drive1: "c" should be dirty 4 KiB; it is dirty 3 B',
        ),
        ('the backup of drive0 with "daily" has nothing', 'the backup of drive0 with "bitmap0" has nothing'),
        ("differs (and 2 more)", "differs (and 31 more)"),
        ("differs; then OSError: gone", "differs"),
    ],
)
def test_numbers_do_not_make_another_cause(one: str, other: str) -> None:
    assert cause_of(red(one)) == cause_of(red(other))


def test_other_words_do() -> None:
    outcomes = [
        red("it is dirty 0"),
        red("it is not recording"),
        red("it is dirty 64 KiB"),
        red("it is dirty 0", Status.ERROR),
        red("it is dirty 0", kind="BrokenPromise"),
    ]
    states = [red(f'the state "{state}" of job drive0 did not come') for state in ("null", "pending")]
    assert len(by_cause(states)) == 2
    assert by_cause(outcomes) == [[outcomes[0], outcomes[2]], *([outcome] for outcome in (outcomes[1], *outcomes[3:]))]

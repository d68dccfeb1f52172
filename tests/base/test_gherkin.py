from __future__ import annotations

import io
import sys

import pytest

from testbed.base.gherkin import ANNOUNCEMENT, WithoutAnnouncement


@pytest.mark.parametrize(
    ("printed", "left"),
    [
        ([f"{ANNOUNCEMENT}a.b:C", "judging QEMU"], "judging QEMU\n"),
        (["a problem", f"{ANNOUNCEMENT}a.b:C"], "a problem\n"),
        ([f"{ANNOUNCEMENT}a.b:C", "", "x"], "\nx\n"),
    ],
)
def test_only_the_line_that_behave_begins_with_is_left_out(
    monkeypatch: pytest.MonkeyPatch, printed: list[str], left: str
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    without = WithoutAnnouncement()
    assert sys.stdout.isatty() is False
    for line in printed:
        print(line)  # noqa: T201 (as behave does)
    without.end()
    print(f"{ANNOUNCEMENT}x")  # noqa: T201
    assert sys.stdout is stream
    assert stream.getvalue() == f"{left}{ANNOUNCEMENT}x\n"

"""How the program of a campaign ends, whatever it was for."""

from __future__ import annotations

import signal

import pytest

from testbed.campaign.ending import ended


def failing(error: BaseException) -> int:
    raise error


def test_what_comes_to_its_end_has_its_own_status(capfd: pytest.CaptureFixture[str]) -> None:
    assert ended(lambda: 7, 1, OSError) == 7
    assert capfd.readouterr() == ("", "")


def test_what_fails_as_foreseen_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    assert ended(lambda: failing(FileNotFoundError("no such tree")), 2, OSError, LookupError) == 2
    assert capfd.readouterr() == ("", "no such tree\n")


def test_what_nobody_has_foreseen_is_raised() -> None:
    with pytest.raises(ValueError, match="a slip"):
        ended(lambda: failing(ValueError("a slip")), 2, OSError)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_is_told_to_end_has_the_status_of_the_signal(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    def told_to_end() -> int:
        signal.raise_signal(number)
        return 0

    before = signal.getsignal(number)
    assert ended(told_to_end, 1, OSError) == 128 + number
    assert capfd.readouterr() == ("interrupted\n", "")
    assert signal.getsignal(number) is before

"""What is wrong with a frozen view is said: new data, data that nobody may see, a client that is not answered."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from testbed.base.process import Finished, ToolFailed
from testbed.domain.drive import Drive
from testbed.domain.view import View, Views
from testbed.model.content import Content
from testbed.model.ranges import Ranges
from testbed.promises import views
from testbed.promises.views import has_shown_its_moment, reads_in_one_go, shows_its_moment, takes
from testbed.qemu.images import Images

KIB = 1024

DONE = "read 65536/65536 bytes at offset {at}\n64 KiB, 1 ops; 00.00 sec (1 GiB/sec and 2 ops/sec)\n"
NEW = "Pattern verification failed at offset {at}, 65536 bytes\n" + DONE
DENIED = "read failed: Invalid argument\n"


def frozen(own: str = "") -> View:
    machine = SimpleNamespace(exports_socket="s", home=Path("/"), check_alive=lambda: None, human=lambda _line: own)
    drive = cast("Drive", SimpleNamespace(name="drive0", size=128 * KIB, machine=machine))
    view = Views().new("view0", drive, {})
    view.content, view.shown = Content(128 * KIB).written(0x41, 0, 64 * KIB), Ranges.of((0, 128 * KIB))
    return view


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that makes a client say something."""

    def says(text: str) -> Images:
        monkeypatch.setattr(views, "run_tool", lambda argv, **_more: Finished(tuple(argv), 0, text, ""))
        return cast("Images", SimpleNamespace(qemu_io=Path("/qemu-io"), bound=1.0))

    return says


def test_a_view_that_shows_its_moment_is_right(client: Any) -> None:
    assert shows_its_moment(client(DONE.format(at=0) + DONE.format(at=65536))).complaint(frozen()) is None


def test_new_data_are_told_with_their_place(client: Any) -> None:
    said = shows_its_moment(client(DONE.format(at=0) + NEW.format(at=65536))).complaint(frozen())
    assert said is not None
    assert "view0: 64 KiB at 64 KiB should be 0x00; a client finds: Pattern verification failed" in said


def test_what_is_hidden_must_be_denied(client: Any) -> None:
    view = frozen()
    view.let_go_of(0, 64 * KIB)
    assert shows_its_moment(client(DONE.format(at=65536) + DENIED)).complaint(view) is None
    said = shows_its_moment(client(DONE.format(at=65536) + DONE.format(at=0))).complaint(view)
    assert said == "view0: 64 KiB at 0 should not be readable; a client is told: its content"


def test_nothing_of_a_broken_view_may_be_read(client: Any) -> None:
    view = frozen()
    view.is_broken = True
    assert shows_its_moment(client(DENIED * 2)).complaint(view) is None
    assert shows_its_moment(client(DENIED + DONE.format(at=65536))).complaint(view) is not None


def test_a_client_that_is_not_answered_is_no_proof(client: Any) -> None:
    with pytest.raises(ToolFailed, match="was to read 2 times"):
        shows_its_moment(client("can't open device\n")).complaint(frozen())


def test_one_read_of_all_is_judged_by_qemus_words() -> None:
    assert reads_in_one_go([(0, 128 * KIB)]).complaint(frozen("read 131072/131072 bytes")) is None
    said = reads_in_one_go([(0, 128 * KIB)]).complaint(frozen("Pattern verification failed at offset 0"))
    assert said is not None
    assert "should be 0x41 in one read of 128 KiB at 0; QEMU finds: Pattern" in said


def test_a_view_that_nobody_has_read_has_shown_nothing() -> None:
    view = frozen()
    assert has_shown_its_moment().complaint(view) == "nobody has read view0 meanwhile"
    view.looks = 2
    assert has_shown_its_moment().complaint(view) is None
    view.complaints.append("after 0x01: wrong")
    assert has_shown_its_moment().complaint(view) == "after 0x01: wrong"


@pytest.mark.parametrize(
    ("took", "said"), [(0.99, "it took 0.99 s"), (1.0, None), (19.9, None), (20.0, "it took 20.00 s")]
)
def test_both_sides_of_a_time_out_count(took: float, said: str | None) -> None:
    assert takes(1, 20).complaint(took) == said

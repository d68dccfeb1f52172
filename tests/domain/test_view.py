"""What the model of a frozen view says may be read of it, in which pieces, and what it asks of QEMU."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from testbed.base.problems import AuthorError
from testbed.domain.drive import Drive
from testbed.domain.node import UnknownName
from testbed.domain.view import Scratch, View, Views
from testbed.model.content import Content
from testbed.model.ranges import NOTHING, Ranges
from testbed.qemu.image_kinds import ImageKind

KIB = 1024


def view(size: int = 256 * KIB, cluster: int = 64 * KIB, **options: object) -> View:
    drive = cast("Drive", SimpleNamespace(name="drive0", size=size))
    views = Views(Scratch(ImageKind("qcow2", {"cluster_size": str(cluster)})))
    made = views.new("view0", drive, options)
    made.content, made.shown = Content(size).written(0x41, 0, 100 * KIB), Ranges.of((0, size))
    return made


@pytest.mark.parametrize(
    ("cluster", "asked", "cell"),
    [
        (512, 0, 64 * KIB),
        (64 * KIB, 0, 64 * KIB),
        (2048 * KIB, 0, 2048 * KIB),
        (64 * KIB, 256 * KIB, 256 * KIB),
    ],
)
def test_no_less_is_saved_at_a_time_than_any_of_the_three_asks_for(cluster: int, asked: int, cell: int) -> None:
    assert view(cluster=cluster, **{"min-cluster-size": asked}).cell == cell


def test_a_piece_is_of_one_pattern_and_in_one_cell() -> None:
    pieces = [(run.start, run.end, run.pattern) for run in view().pieces(Ranges.of((0, 192 * KIB)))]
    assert pieces == [
        (0, 64 * KIB, 0x41),
        (64 * KIB, 100 * KIB, 0x41),
        (100 * KIB, 128 * KIB, 0),
        (128 * KIB, 192 * KIB, 0),
    ]


@pytest.mark.parametrize(
    ("at", "length", "hidden"),
    [
        (0, 64 * KIB, Ranges.of((0, 64 * KIB))),
        (1, 64 * KIB, NOTHING),
        (1, 130 * KIB, Ranges.of((64 * KIB, 64 * KIB))),
        (0, 64 * KIB - 1, NOTHING),
    ],
)
def test_only_whole_cells_can_be_given_back(at: int, length: int, hidden: Ranges) -> None:
    given_back = view()
    given_back.let_go_of(at, length)
    assert given_back.hidden == hidden


def test_a_cell_in_which_the_drive_ends_is_as_good_as_whole() -> None:
    short = view(size=100 * KIB)
    short.let_go_of(64 * KIB, 36 * KIB)
    assert short.hidden == Ranges.of((64 * KIB, 36 * KIB))


def test_the_scratch_image_is_of_the_drives_size_unless_another_is_said() -> None:
    views, drive = Views(), cast("Drive", SimpleNamespace(name="drive0", size=4 * KIB))
    assert views.new("view0", drive, {}).scratch.size == 4 * KIB
    views.scratch.size = 2 * KIB
    assert views.new("view0", drive, {}).scratch.size == 2 * KIB


def test_a_slip_of_the_author_is_called_one() -> None:
    views: Any = Views()
    with pytest.raises(UnknownName, match='no view "view1"'):
        views.view("view1")
    views.by_name["view0"] = view()
    with pytest.raises(AuthorError, match='a view "view0" already'):
        views.new("view0", views.by_name["view0"].drive, {})
    with pytest.raises(AuthorError, match='a view of "drive0", not of "drive1"'):
        views.view_of("drive1", "view0")
    with pytest.raises(AuthorError, match="nobody has backed up"):
        views.backup_out_of("drive0", "view0")
    with pytest.raises(AuthorError, match="part of the view"):
        views.by_name["view0"].remove("access")

"""What qemu-img does to the images of machines that are off: a slip of it is told, and the models learn the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import shell_program
from without_qemu import drive_of, image, world_of

from testbed.base.problems import AuthorError
from testbed.base.process import ToolFailed
from testbed.domain.imagetool import ToolCall
from testbed.promises.imagetools import is_refused_saying
from testbed.qemu.images import Images
from testbed.scenario.bench import Bench
from testbed.scenario.dialogue import BrokenPromise


def bench(home: Path, script: str) -> Bench:
    """Return a bench whose qemu-img is a few lines of shell."""
    tool = shell_program(home / "qemu-img", script)
    return Bench(Images(tool, tool, home, home, bound=20.0))


def test_what_was_done_is_learned(tmp_path: Path) -> None:
    learned: list[str] = []
    call = ToolCall("resize", ["a.qcow2"], lambda: learned.append("done"))
    assert bench(tmp_path, 'echo "$@"').do(call).stdout == "resize a.qcow2\n"
    assert learned == ["done"]


def test_refusal_of_what_had_to_be_done_is_no_success(tmp_path: Path) -> None:
    learned: list[str] = []
    call = ToolCall("resize", ["a.qcow2"], lambda: learned.append("done"))
    with pytest.raises(BrokenPromise, match=r"qemu-img resize should have been done; it was refused: no, thanks$"):
        bench(tmp_path, "echo no, thanks >&2; exit 1").do(call)
    with pytest.raises(BrokenPromise, match=r"it only exits with status 2$"):
        bench(tmp_path, "exit 2").do(call)
    assert not learned


def test_tool_that_is_killed_has_refused_nothing(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="SIGSEGV"):
        bench(tmp_path, "kill -SEGV $$").ask(ToolCall("resize", []))


def test_what_was_only_to_be_read_is_compared(tmp_path: Path) -> None:
    (tmp_path / "a.qcow2").write_bytes(b"as it was")
    call = ToolCall("check", ["a.qcow2"], reads=("a.qcow2",))
    assert bench(tmp_path, "exit 0").do(call).returncode == 0
    with pytest.raises(BrokenPromise, match=r"qemu-img check should only read a\.qcow2; it has changed that"):
        bench(tmp_path, "echo more >> a.qcow2").do(call)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("echo no such thing >&2; exit 1", None),
        ("echo no such thing >&2", "qemu-img did it, and said: no such thing"),
        ("exit 0", "qemu-img did it, and said: nothing"),
        ("echo another >&2; exit 1", "qemu-img refused, and said: another"),
    ],
)
def test_refusal_must_come_with_its_words(tmp_path: Path, script: str, complaint: str | None) -> None:
    answer = bench(tmp_path, script).ask(ToolCall("bitmap", []))
    assert is_refused_saying("no such").complaint(answer) == complaint


@pytest.mark.parametrize("next_act", ["nothing", "another call"])
def test_refusal_that_no_sentence_speaks_of_is_told(tmp_path: Path, next_act: str) -> None:
    tools = bench(tmp_path, "echo no, thanks >&2; exit 1")
    tools.ask(ToolCall("resize", []))
    with pytest.raises(BrokenPromise, match=r"^qemu-img resize should have been done; it was refused: no, thanks$"):
        tools.insist_on_words() if next_act == "nothing" else tools.ask(ToolCall("check", []))
    tools.insist_on_words()


def test_success_that_no_sentence_speaks_of_is_an_author_s_slip(tmp_path: Path) -> None:
    tools = bench(tmp_path, "exit 0")
    tools.ask(ToolCall("resize", []))
    with pytest.raises(AuthorError, match="qemu-img resize was to be tried, and no sentence says how that ended"):
        tools.insist_on_words()


def test_answer_is_spoken_of_once(tmp_path: Path) -> None:
    tools = bench(tmp_path, "exit 3")
    tools.insist_on_words()
    tools.ask(ToolCall("resize", []))
    assert tools.spoken_of().returncode == 3
    tools.insist_on_words()
    with pytest.raises(AuthorError, match="no tool was asked"):
        tools.spoken_of()


def test_image_that_a_machine_has_is_left_alone() -> None:
    world = world_of(drive_of(image()))
    with pytest.raises(AuthorError, match='the machine has "drive0"'):
        world.drives.switched_off("drive0")
    world.drives.drive("drive0").closed()
    assert world.drives.switched_off("drive0") is world.drives.drive("drive0")

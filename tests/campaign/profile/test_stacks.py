"""What a stack tells: the layer at work, and what is waited for."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from types import FrameType

import pytest
from conftest import ROOT

from testbed.campaign.profile.stacks import BEHAVE, CLIENT, LOADING, OTHERS, STEPS, WAITS, kind_of, place_of

SITE = "/env/lib/python3.11/site-packages"


def frame_of(*calls: tuple[str, str]) -> FrameType:
    """Return the innermost frame of calls, outermost first, of functions of that name in that file, with no others."""
    caught: list[FrameType] = []
    inner: Callable[[], object] = lambda: caught.append(sys._getframe(1))  # noqa: E731
    for file, function in reversed(calls):
        names: dict[str, Callable[[], object]] = {}
        exec(compile(f"def {function}(): inner()", file, "exec"), {"inner": inner}, names)  # noqa: S102
        inner = names[function]
    inner()
    return caught[0]


def in_checkout(name: str, function: str = "work") -> tuple[str, str]:
    return str(ROOT / name), function


@pytest.mark.parametrize(
    ("calls", "layer"),
    [
        ([in_checkout("steps/backup.py")], STEPS),
        ([in_checkout("environment.py")], STEPS),
        ([(f"{SITE}/behave/model.py", "run"), in_checkout("testbed/model/content.py")], "testbed.model"),
        ([in_checkout("testbed/scenario/acts/guest.py"), ("/usr/lib/json/decoder.py", "f")], "testbed.scenario"),
        ([in_checkout("testbed/promises/jobs.py"), (f"{SITE}/hamcrest/core.py", "f")], "testbed.promises"),
        ([in_checkout("testbed/qemu/monitor.py"), ("/usr/lib/python3.11/asyncio/events.py", "f")], CLIENT),
        ([in_checkout("testbed/qemu/monitor.py"), (f"{SITE}/qemu/qmp/protocol.py", "f")], CLIENT),
        ([in_checkout("testbed/qemu/monitor.py"), (f"{SITE}/parse.py", "f")], BEHAVE),
        ([in_checkout("environment.py"), ("<frozen importlib._bootstrap>", "f"), (f"{SITE}/parse.py", "f")], LOADING),
        ([(f"{SITE}/behave/x.py", "f"), in_checkout("testbed/campaign/profile/runner.py")], BEHAVE),
    ],
)  # fmt: skip
def test_layer_is_the_innermost_that_is_known(calls: list[tuple[str, str]], layer: str) -> None:
    assert place_of(frame_of(*calls)).layer == layer


def test_what_is_not_known_is_said_to_be_so() -> None:
    assert place_of(None).layer == OTHERS
    # The same names elsewhere mean nothing.
    frame = frame_of(in_checkout("testbed/domain/job.py", "execute"))
    assert place_of(frame).wait == ""


def test_the_outermost_function_tells_what_is_waited_for() -> None:
    wait = in_checkout("testbed/base/process.py", "wait")
    assert place_of(frame_of(wait)).wait == "a QEMU to end"
    assert place_of(frame_of(in_checkout("testbed/base/process.py", "result"), wait)).wait == "a tool"


@pytest.mark.parametrize(
    ("module", "function"), [(module, one) for module, functions in WAITS.items() for one in functions]
)
def test_functions_that_wait_are_there(module: str, function: str) -> None:
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("argv", "kind"),
    [
        (["/usr/bin/qemu-system-x86_64", "-S"], "QEMU"),
        (["/usr/libexec/qemu-kvm"], "QEMU"),
        (["/usr/bin/qemu-img", "compare", "a", "b"], "qemu-img compare"),
        (["qemu-img"], "qemu-img"),
        (["/usr/bin/qemu-io", "-c", "map"], "qemu-io"),
        (["qemu-storage-daemon", "--help"], "qemu-storage-daemon"),
    ],
)
def test_kind_of_a_process(argv: list[str], kind: str) -> None:
    assert kind_of(argv) == kind

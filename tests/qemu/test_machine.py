from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aftermath import has_ended, is_alive
from programs import shell_program
from real_qemu import taking

from testbed.base.problems import EnvironmentUnusable
from testbed.base.process import ToolFailed
from testbed.build.toolchain import Toolchain
from testbed.qemu.machine import BARE, GuestRequestFailed, Machine, MachineDied, MachineHung
from testbed.qemu.monitor import ConnectionLost, Event, Refused

BOUND = 20.0

SHORT = 0.4
"""Seconds of a bound that is meant to be reached."""

NODE = {"driver": "null-co", "node-name": "drive0", "size": 1 << 20}


def any_event(_event: Event) -> bool:
    return True


def no_event(_event: Event) -> bool:
    return False


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names, not paths


def children() -> set[int]:
    """Return the processes that this one has started and not reaped."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == os.getpid():
            found.add(int(stat.parent.name))
    return found


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() == before


@pytest.fixture
def boot(toolchain: Toolchain, home: Path) -> Iterator[Callable[..., Machine]]:
    """Return what boots a QEMU, or what stands in for it: a script in which $QEMU is the real one."""
    booted: list[Machine] = []

    def make(script: str = "", *, bound: float = BOUND, home: Path = home) -> Machine:
        program = toolchain.qemu.path
        if script:
            program = home / "stand-in"
            # What objects there are, the real one says at once.
            answer = '[ "$1" = -object ] && exec "$QEMU" "$@"'
            shell_program(program, f'QEMU="{toolchain.qemu.path}"\n{answer}\n{script}')
        machine = Machine.boot(program, home, bound)
        booted.append(machine)
        return machine

    yield make
    for machine in booted:
        machine.kill()


def python(script: str) -> str:
    """Return the shell's command for a stand-in in Python, whose arguments are the real QEMU and those it is given."""
    return f'exec {shlex.join([sys.executable, "-c", script])} "$QEMU" "$@"'


# What it is for.


def test_an_answer_comes_back(machine: Machine) -> None:
    assert machine.execute("query-status")["running"] is False
    assert machine.running


def test_a_refusal_leaves_the_machine_as_it_was(machine: Machine) -> None:
    with pytest.raises(Refused, match="QEMU refused blockdev-del"):
        machine.execute("blockdev-del", {"node-name": "nobody"})
    assert machine.running
    machine.check_alive()


def test_events_are_all_there_when_a_command_is_answered(machine: Machine) -> None:
    for command in ("cont", "stop") * 20:
        machine.execute(command)
    assert [event.name for event in machine.all_events()] == ["RESUME", "STOP"] * 20


def test_an_event_is_found_before_and_after_it_came(machine: Machine) -> None:
    machine.execute("cont")
    assert machine.wait_for("RESUME", any_event).name == "RESUME"
    assert machine.wait_for("RESUME again", any_event).name == "RESUME"


def test_a_guest_s_request_is_carried_out(machine: Machine) -> None:
    machine.execute("blockdev-add", NODE)
    machine.guest_request("drive0", "write 0 512", "wrote")
    machine.guest_request("drive0", "flush", "")
    write, flush = (str(line.body) for line in machine.monitor.transcript[-4:] if line.kind == "command")
    assert 'qemu-io drive0 "write 0 512"' in write
    assert 'qemu-io drive0 "flush"' in flush


@pytest.mark.parametrize(
    ("front", "request_", "success"),
    [
        ("drive0", f"write {1 << 20} 512", "wrote"),
        ("drive0", f"read {1 << 20} 512", "read"),
        ("nobody", "write 0 512", "wrote"),
        ("nobody", "flush", ""),
    ],
)
def test_a_guest_s_request_that_fails_is_told_in_qemu_s_words(
    machine: Machine, front: str, request_: str, success: str
) -> None:
    machine.execute("blockdev-add", NODE)
    with pytest.raises(GuestRequestFailed) as caught:
        machine.guest_request(front, request_, success)
    told, _, words = str(caught.value).partition("; QEMU said: ")
    assert told == f'the guest\'s request "{request_.replace("1048576", "1 MiB")}" on {front} was not carried out'
    assert words not in ("", "nothing")


def test_each_request_hears_its_own_verdict(machine: Machine) -> None:
    machine.execute("blockdev-add", NODE)
    for _ in range(20):
        machine.guest_request("drive0", "write 0 512", "wrote")
        with pytest.raises(GuestRequestFailed):
            machine.guest_request("drive0", "dance", "wrote")


def test_the_transcript_can_be_read_back(machine: Machine, home: Path) -> None:
    machine.execute("cont")
    with pytest.raises(Refused):
        machine.execute("blockdev-del", {"node-name": "été"})
    machine.write_transcript(home / "qmp.jsonl")
    lines = [json.loads(line) for line in (home / "qmp.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["seconds"] for line in lines] == sorted(line["seconds"] for line in lines)
    assert lines[0]["command"] == {"execute": "cont", "arguments": {}}
    assert "été" in lines[-2]["command"]["arguments"]["node-name"]
    assert lines[-1]["error"]["class"] == "GenericError"


@pytest.mark.parametrize("name", ["a b,c:d 'e\" été", "x" * 200])
def test_the_directory_may_have_any_name(boot: Callable[..., Machine], home: Path, name: str) -> None:
    (home / name).mkdir()
    machine = boot(home=home / name)
    machine.quit()
    assert (home / name / "qemu.stderr").exists()


def test_two_machines_do_not_hear_each_other(boot: Callable[..., Machine], home: Path) -> None:
    (home / "other").mkdir()
    one, other = boot(), boot(home=home / "other")
    one.execute("cont")
    assert [event.name for event in one.all_events()] == ["RESUME"]
    assert other.all_events() == []
    one.kill()
    assert other.running
    assert other.execute("query-status")["running"] is False
    other.quit()


def test_an_act_on_the_whole_machine_is_waited_for(machine: Machine) -> None:
    for command, name in (("cont", "RESUME"), ("stop", "STOP"), ("cont", "RESUME")):
        machine.act(command, name)
    assert [event.name for event in machine.monitor.events] == ["RESUME", "STOP", "RESUME"]


def test_a_machine_can_be_started_again(machine: Machine) -> None:
    machine.execute("blockdev-add", NODE)
    machine.act("cont", "RESUME")
    first = machine.child.pid
    machine.quit()
    machine.start(BARE)
    assert machine.child.pid != first
    assert machine.all_events() == []
    assert machine.execute("query-named-block-nodes") == []
    machine.execute("blockdev-add", NODE)
    machine.guest_request("drive0", "write 0 512", "wrote")
    os.kill(machine.child.pid, signal.SIGKILL)
    with pytest.raises(MachineDied, match=r"^QEMU killed by SIGKILL"):
        machine.quit()


# Its end, as it should be.


def test_quit_ends_the_process_and_closes_the_monitors(machine: Machine) -> None:
    machine.quit()
    assert not machine.running
    assert not is_alive(machine.child.pid)
    machine.check_alive()
    for monitor in (machine.monitor, machine.observer):
        assert monitor.connection.fileno() == -1


def test_quit_with_both_monitors_in_use(machine: Machine) -> None:
    machine.observer.connect()
    machine.quit()
    with pytest.raises(ConnectionLost):
        machine.observer.execute("query-name")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_that_ask_for_an_end_get_an_orderly_one(machine: Machine, sent: signal.Signals) -> None:
    machine.end_by(sent)
    assert machine.has_quit
    assert not is_alive(machine.child.pid)
    assert machine.heard()[-1].name == "SHUTDOWN"


def test_end_by_a_signal_that_asks_for_nothing_is_named(machine: Machine) -> None:
    with pytest.raises(MachineDied, match=r"SIGKILL \(signal 9\) after SIGKILL"):
        machine.end_by(signal.SIGKILL)


def test_a_person_can_tell_it_to_quit(machine: Machine) -> None:
    machine.quit_on_human_monitor()
    assert machine.has_quit


def test_kill_ends_it_at_once_and_may_come_twice(machine: Machine) -> None:
    machine.kill()
    machine.kill()
    machine.check_alive()
    assert not is_alive(machine.child.pid)


# Its end, as it should not be.


def test_death_is_noticed_and_named(machine: Machine) -> None:
    machine.check_alive()
    os.kill(machine.child.pid, signal.SIGSEGV)
    assert machine.child.wait(BOUND) == -signal.SIGSEGV
    with pytest.raises(MachineDied, match=r"^QEMU killed by SIGSEGV \(signal 11\); "):
        machine.check_alive()


def test_an_end_that_nobody_asked_for_is_a_death_whatever_its_status(machine: Machine) -> None:
    machine.monitor.execute("quit")
    assert machine.child.wait(BOUND) == 0
    with pytest.raises(MachineDied, match=r"^QEMU exited with status 0; "):
        machine.check_alive()


def test_death_while_a_command_is_in_flight(machine: Machine) -> None:
    os.kill(machine.child.pid, signal.SIGSTOP)  # so that the command is on its way, for sure
    killer = threading.Timer(SHORT, os.kill, (machine.child.pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(MachineDied) as caught:
        machine.execute("query-status")
    killer.join()
    assert str(caught.value).startswith("QEMU killed by SIGKILL (signal 9); ")
    assert str(caught.value).endswith("; the connection to QEMU ended while waiting for the answer to query-status")
    assert not is_alive(machine.child.pid)


def test_death_while_an_event_is_awaited(machine: Machine) -> None:
    def kill_at(_event: Event) -> bool:
        os.kill(machine.child.pid, signal.SIGKILL)
        return False

    machine.execute("cont")
    with pytest.raises(MachineDied, match=r"^QEMU killed by SIGKILL \(signal 9\); ") as caught:
        machine.wait_for("the end of job drive0", kill_at)
    assert str(caught.value).endswith("; the connection to QEMU ended while waiting for the end of job drive0")


def test_everything_fails_with_the_same_words_after_death(machine: Machine) -> None:
    os.kill(machine.child.pid, signal.SIGKILL)
    for attempt in (
        lambda: machine.execute("query-status"),
        lambda: machine.wait_for("an event", no_event),
        machine.all_events,
        lambda: machine.human("info version"),
    ):
        with pytest.raises(MachineDied, match=r"QEMU killed by SIGKILL \(signal 9\)"):
            attempt()


def test_last_words_are_the_end_of_stderr(boot: Callable[..., Machine]) -> None:
    machine = boot('seq 10000 >&2; "$QEMU" "$@"; echo "assertion failed: block.c:1" >&2; kill -ABRT $$')
    with pytest.raises(MachineDied) as caught:
        machine.quit()
    told = str(caught.value)
    assert "killed by SIGABRT (signal 6) after the quit command; the end of its stderr:\n" in told
    assert "\n10000\n" in told
    assert told.endswith("\nassertion failed: block.c:1")
    assert len(told) < 2500


def test_silence_on_stderr_is_told(boot: Callable[..., Machine]) -> None:
    with pytest.raises(MachineDied, match=r"^QEMU exited with status 3; it wrote nothing to stderr; the connection"):
        boot("exit 3")


@pytest.mark.parametrize(
    ("attempt", "what"),
    [
        (lambda machine: machine.execute("query-status"), "the answer to query-status"),
        (lambda machine: machine.wait_for("the end of job drive0", no_event), "the end of job drive0"),
    ],
    ids=["command", "event"],
)
def test_a_machine_that_stops_is_killed_within_its_bound(
    boot: Callable[..., Machine], attempt: Callable[[Machine], object], what: str
) -> None:
    machine = boot()
    machine.monitor.bound = machine.bound = SHORT
    os.kill(machine.child.pid, signal.SIGSTOP)
    with taking(SHORT), pytest.raises(MachineHung) as caught:
        attempt(machine)
    assert str(caught.value).startswith(
        f"{what} did not come within 0.4 s; seen last: no event at all; meanwhile QEMU got 0."
    )
    assert " s more, and now does not want to run; the load is " in str(caught.value)
    assert "; -D patience= gives more time; QEMU has been killed; " in str(caught.value)
    assert not is_alive(machine.child.pid)


def test_a_machine_that_lives_without_what_is_awaited_is_killed_too(boot: Callable[..., Machine]) -> None:
    machine = boot()
    machine.monitor.bound = SHORT
    machine.execute("cont")
    with pytest.raises(
        MachineHung, match=r"^NEVER did not come within 0\.4 s; seen last: RESUME; .*; QEMU has been killed"
    ):
        machine.wait_for("NEVER", no_event)
    assert not is_alive(machine.child.pid)


HANGING_UP = """
import os, signal, subprocess, sys
monitors = [int(word.rpartition("fd=")[2]) for word in sys.argv if "fd=" in word]
qemu = subprocess.Popen(sys.argv[1:], pass_fds=monitors)
for descriptor in monitors:
    os.close(descriptor)
print(qemu.pid, file=open("qemu.pid", "w"), flush=True)
signal.pause()
"""


def test_a_machine_that_hangs_up_but_lives_is_killed(boot: Callable[..., Machine]) -> None:
    machine = boot(python(HANGING_UP))
    machine.bound = SHORT
    os.kill(int((machine.home / "qemu.pid").read_text()), signal.SIGKILL)
    with pytest.raises(MachineHung, match="but QEMU did not end; it has been killed"):
        machine.execute("query-status")
    assert not is_alive(machine.child.pid)


# Its end, when it was told to quit.


def test_quit_with_another_status_than_0_is_a_death(boot: Callable[..., Machine]) -> None:
    machine = boot('"$QEMU" "$@"; echo "it leaks" >&2; exit 1')
    with pytest.raises(MachineDied) as caught:
        machine.quit()
    assert str(caught.value).startswith("QEMU exited with status 1 after the quit command; the end of its stderr:\n")
    assert str(caught.value).endswith("\nit leaks")


def test_a_crash_on_the_way_out_is_a_death(boot: Callable[..., Machine]) -> None:
    machine = boot('"$QEMU" "$@"; kill -ABRT $$')
    with pytest.raises(MachineDied, match=r"^QEMU killed by SIGABRT \(signal 6\) after the quit command"):
        machine.quit()


def test_a_death_before_quit_is_one(machine: Machine) -> None:
    os.kill(machine.child.pid, signal.SIGKILL)
    with pytest.raises(MachineDied, match=r"^QEMU killed by SIGKILL"):
        machine.quit()


def test_quit_that_does_not_end_is_cut_short(boot: Callable[..., Machine]) -> None:
    machine = boot('"$QEMU" "$@"; echo "flushing" >&2; sleep 1000')
    machine.bound = SHORT
    with taking(SHORT), pytest.raises(MachineHung) as caught:
        machine.quit()
    assert str(caught.value).startswith("QEMU did not end within 0.4 s of the quit command; meanwhile QEMU ")
    assert " -D patience= gives more time; the end of its stderr:\n" in str(caught.value)
    assert str(caught.value).endswith("\nflushing")
    assert not is_alive(machine.child.pid)


def test_quit_that_is_not_answered_is_cut_short(boot: Callable[..., Machine]) -> None:
    machine = boot()
    machine.bound = machine.monitor.bound = SHORT
    os.kill(machine.child.pid, signal.SIGSTOP)
    with taking(SHORT), pytest.raises(MachineHung, match=r"^QEMU did not end within 0\.4 s of the quit command"):
        machine.quit()
    assert not is_alive(machine.child.pid)


# Its beginning.


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 0", "QEMU exited with status 0; it wrote nothing to stderr"),
        ("echo 'no such machine' >&2; exit 1", "QEMU exited with status 1; the end of its stderr:\nno such machine"),
        ("kill -SEGV $$", "QEMU killed by SIGSEGV (signal 11); it wrote nothing to stderr"),
        ('exec "$QEMU" -machine nonsense', "QEMU exited with status 1; the end of its stderr:\n"),
    ],
)
def test_what_ends_at_once_is_a_death(boot: Callable[..., Machine], script: str, told: str) -> None:
    with pytest.raises(MachineDied) as caught:
        boot(script)
    assert str(caught.value).startswith(told)
    assert str(caught.value).endswith("; the connection to QEMU ended while waiting for QEMU's greeting")


def test_what_never_greets_is_killed_within_its_bound(boot: Callable[..., Machine], home: Path) -> None:
    with (
        taking(SHORT),
        pytest.raises(MachineHung, match=r"^QEMU's greeting did not come within 0\.4 s; .*QEMU has been killed"),
    ):
        boot("echo $$ >pid; exec sleep 1000", bound=SHORT)
    assert has_ended(int((home / "pid").read_text()))


RUBBISH = """
import os, signal, sys
print(os.getpid(), file=open("pid", "w"), flush=True)
for word in sys.argv:
    if "fd=" in word:
        os.write(int(word.rpartition("fd=")[2]), b"hello there" + bytes([10]))
signal.pause()
"""


def test_what_greets_with_rubbish_is_killed(boot: Callable[..., Machine], home: Path) -> None:
    with pytest.raises(MachineHung, match="QEMU's greeting, but QEMU did not end; it has been killed"):
        boot(python(RUBBISH), bound=SHORT)
    assert has_ended(int((home / "pid").read_text()))


def test_what_cannot_be_started_leaves_nothing_open(home: Path) -> None:
    before = descriptors()
    with pytest.raises(ToolFailed, match=r"/nonexistent/qemu .* could not be started: "):
        Machine.boot(Path("/nonexistent/qemu"), home, BOUND)
    assert descriptors() == before


# Many of them.


def _quit(machine: Machine) -> None:
    machine.quit()


def _kill(machine: Machine) -> None:
    machine.kill()


def _die_of_a_signal(machine: Machine) -> None:
    os.kill(machine.child.pid, signal.SIGKILL)
    with pytest.raises(MachineDied):
        machine.execute("query-status")


def _die_unnoticed(machine: Machine) -> None:
    os.kill(machine.child.pid, signal.SIGKILL)
    machine.child.wait(BOUND)
    with pytest.raises(MachineDied):
        machine.check_alive()


def _hang(machine: Machine) -> None:
    machine.monitor.bound = 0.02
    os.kill(machine.child.pid, signal.SIGSTOP)
    with pytest.raises((MachineHung, EnvironmentUnusable)):  # so short a wait may see nothing but what else is going on
        machine.execute("query-status")


ENDS = [_quit, _kill, _die_of_a_signal, _die_unnoticed, _hang]


@pytest.mark.whole
def test_many_machines_leave_no_descriptor_and_no_process(boot: Callable[..., Machine]) -> None:
    _quit(boot())  # what is made once and kept, such as the event loop, is there now
    before = descriptors()
    for end in ENDS * 4:
        machine = boot()
        machine.observer.connect()
        end(machine)
        assert descriptors() == before
        assert not is_alive(machine.child.pid)


def test_guest_that_has_stopped_by_itself_is_paused_already(machine: Machine) -> None:
    machine.pause()
    assert machine.all_events() == []
    machine.resume()
    machine.pause()
    assert [event.name for event in machine.all_events()] == ["RESUME", "STOP"]


# How its monitors are asked for.


@pytest.mark.parametrize(
    ("script", "option"),
    [
        ("echo List of user creatable objects:; echo '  monitor-hmp'; echo '  monitor-qmp'", "-object"),
        ("echo List of user creatable objects:; echo '  iothread'", "-mon"),
        ("echo monitor-qmp; exit 1", "-mon"),
        ("kill -SEGV $$", "-mon"),
    ],
)
def test_monitors_are_objects_where_qemu_lists_them(home: Path, script: str, option: str) -> None:
    program = shell_program(home / "lists", script)
    words = list(Machine(program, home, BOUND).arguments((), {"qmp": 7}))
    told = {"-object": "monitor-qmp,id=qmp,chardev=qmp", "-mon": "chardev=qmp,mode=control"}[option]
    assert words[-4:] == ["-chardev", "socket,id=qmp,fd=7", option, told]


def test_a_sound_start_warns_of_nothing(machine: Machine) -> None:
    machine.quit()
    assert machine.last_words == ""


def test_warnings_are_told_without_what_else_is_on_stderr(boot: Callable[..., Machine]) -> None:
    said = "qemu-system-x86_64: warning: -mon is deprecated\nqemu: info: no warning: here\nwarning: old"
    machine = boot(f'echo "{said}" >&2; exec "$QEMU" "$@"')
    assert machine.warnings == ["-mon is deprecated", "old"]


def test_quiet_machine_has_warned_of_nothing(boot: Callable[..., Machine]) -> None:
    assert boot().warnings == []


def test_what_is_asked_twice_at_one_moment_is_asked_once(machine: Machine) -> None:
    def asked() -> int:
        return sum(line.kind == "command" for line in machine.monitor.transcript)

    before = asked()
    machine.look("query-jobs")
    machine.look("query-jobs")
    assert asked() == before + 2, "outside of a moment each look is one at QEMU"
    with machine.at_one_moment():
        first = machine.look("query-named-block-nodes", {"flat": True})
        assert machine.look("query-named-block-nodes", {"flat": True}) == first
        machine.look("query-named-block-nodes", {"flat": False})
        assert asked() == before + 4
        machine.execute("blockdev-add", {"driver": "null-co", "node-name": "new"})
        assert [node["node-name"] for node in machine.look("query-named-block-nodes", {"flat": True})] == ["new"]
    machine.look("query-jobs")
    assert asked() == before + 7

from __future__ import annotations

import contextlib
import gc
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from real_qemu import taking

from testbed.build.toolchain import Toolchain
from testbed.qemu.machine import Machine
from testbed.qemu.monitor import _LOOPS, _LOOPS_OF_PARENT, ConnectionLost, Event, Monitor, NoAnswer, Refused, _loop

BOUND = 20.0

SHORT = 0.3
"""Seconds of a bound that is meant to be reached."""

GREETING = {"QMP": {"version": {"qemu": {"major": 9, "minor": 9, "micro": 9}, "package": ""}, "capabilities": []}}


def named(name: str) -> Callable[[Event], bool]:
    return lambda event: event.name == name


def names(monitor: Monitor) -> list[str]:
    return [event.name for event in monitor.collect()]


def test_an_interruption_while_it_waits_is_not_told_a_second_time(caplog: pytest.LogCaptureFixture) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    ours, theirs = socket.socketpair()
    monitor = Monitor(ours, BOUND)
    _loop().call_later(0.1, interrupt)
    with pytest.raises(KeyboardInterrupt):
        monitor.connect()
    theirs.close()
    monitor.close()
    del monitor
    gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


# A real QEMU on the other side.


def test_a_forked_process_waits_with_nothing_of_its_parent_s(
    toolchain: Toolchain, machine: Machine, home: Path
) -> None:
    machine.monitor.execute("query-name")
    process = os.fork()
    if process == 0:
        try:
            other = home / "other"
            other.mkdir()
            Machine.boot(toolchain.qemu.path, other, BOUND).quit()
            os._exit(17 if _LOOPS_OF_PARENT and _LOOPS[0] not in _LOOPS_OF_PARENT else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 17
    assert machine.monitor.execute("query-name") == {}


def test_an_answer_is_returned_and_written_down(machine: Machine) -> None:
    assert machine.monitor.execute("query-name") == {}
    command, answer = machine.monitor.transcript[-2:]
    assert (command.kind, command.body) == ("command", {"execute": "query-name", "arguments": {}})
    assert (answer.kind, answer.body) == ("answer", {})
    assert 0 < command.seconds <= answer.seconds


def test_a_refusal_says_what_was_refused_and_why(machine: Machine) -> None:
    with pytest.raises(Refused) as caught:
        machine.monitor.execute("blockdev-del", {"node-name": "nobody"})
    refused = caught.value
    assert (refused.command, refused.kind) == ("blockdev-del", "GenericError")
    assert "nobody" in refused.text
    assert str(refused) == f"QEMU refused blockdev-del: {refused.text} (GenericError)"
    assert machine.monitor.transcript[-1].body == {"class": "GenericError", "desc": refused.text}
    assert machine.monitor.execute("query-name") == {}


def test_an_unknown_command_has_a_class_of_its_own(machine: Machine) -> None:
    with pytest.raises(Refused) as caught:
        machine.monitor.execute("make-coffee")
    assert caught.value.kind == "CommandNotFound"


def test_an_event_that_came_before_the_wait_is_found(machine: Machine) -> None:
    machine.monitor.execute("cont")
    machine.monitor.execute("stop")
    machine.monitor.execute("query-status")
    assert machine.monitor.wait_for("RESUME", named("RESUME")).name == "RESUME"
    assert machine.monitor.wait_for("STOP", named("STOP")).name == "STOP"
    assert names(machine.monitor) == ["RESUME", "STOP"]


def test_only_events_from_the_start_on_are_looked_at(machine: Machine) -> None:
    for command in ("cont", "stop", "cont"):
        machine.monitor.execute(command)
    first = machine.monitor.wait_for("RESUME", named("RESUME"))
    second = machine.monitor.wait_for("RESUME", named("RESUME"), start=1)
    assert first is not second
    assert first.seconds <= second.seconds


def test_an_event_that_never_comes_is_given_up_with_the_last_one_seen(machine: Machine) -> None:
    machine.monitor.bound = SHORT
    with pytest.raises(NoAnswer) as caught:
        machine.monitor.wait_for("the end of job drive0", named("NEVER"))
    assert str(caught.value) == "the end of job drive0 did not come within 0.3 s; seen last: no event at all"
    machine.monitor.execute("cont")
    with pytest.raises(NoAnswer, match=r"^NEVER did not come within 0\.3 s; seen last: RESUME$"):
        machine.monitor.wait_for("NEVER", named("NEVER"))


def test_an_event_after_a_wait_that_was_given_up_is_not_lost(machine: Machine) -> None:
    machine.monitor.bound = SHORT
    for _ in range(3):
        with pytest.raises(NoAnswer):
            machine.monitor.wait_for("NEVER", named("NEVER"))
    machine.monitor.execute("cont")
    machine.monitor.execute("stop")
    machine.monitor.wait_for("STOP", named("STOP"))
    assert names(machine.monitor) == ["RESUME", "STOP"]


def test_two_monitors_of_one_machine_hear_the_same(machine: Machine) -> None:
    machine.observer.connect()
    machine.monitor.execute("cont")
    machine.observer.execute("stop")
    for monitor in (machine.monitor, machine.observer):
        monitor.wait_for("STOP", named("STOP"))
        assert names(monitor) == ["RESUME", "STOP"]


# Somebody who speaks as a QEMU should not, or does not speak.


@contextlib.contextmanager
def peer(behaviour: Callable[[socket.socket], None], *, bound: float = BOUND) -> Iterator[Monitor]:
    """Let somebody behave at the other end of a monitor's connection, which is closed when that is through."""
    ours, theirs = socket.socketpair()

    def behave() -> None:
        with theirs, contextlib.suppress(OSError):
            behaviour(theirs)

    thread = threading.Thread(target=behave)
    thread.start()
    monitor = Monitor(ours, bound)
    try:
        yield monitor
    finally:
        monitor.close()
        thread.join(BOUND)
        assert not thread.is_alive()


def send(connection: socket.socket, *messages: object) -> None:
    connection.sendall(b"".join(json.dumps(message).encode() + b"\r\n" for message in messages))


def event(name: str, **data: object) -> dict[str, object]:
    return {"event": name, "data": data, "timestamp": {"seconds": 1, "microseconds": 2}}


def receive(connection: socket.socket) -> Any:
    return json.loads(connection.recv(1 << 16))


def greet(connection: socket.socket) -> None:
    send(connection, GREETING)
    receive(connection)
    send(connection, {"return": {}})


def until_closed(connection: socket.socket) -> None:
    while connection.recv(1 << 16):
        pass


def _without_an_answer(connection: socket.socket) -> None:
    greet(connection)
    until_closed(connection)


def connect_and_ask(monitor: Monitor) -> None:
    monitor.connect()
    monitor.execute("query-name")


def test_events_around_an_answer_are_kept_in_order() -> None:
    def behaviour(connection: socket.socket) -> None:
        greet(connection)
        command = receive(connection)
        send(connection, event("BEFORE", n=1), {"return": 7, "id": command["id"]}, event("AFTER", n=2))
        until_closed(connection)

    with peer(behaviour) as monitor:
        monitor.connect()
        assert monitor.execute("query-name") == 7
        assert str(monitor.wait_for("AFTER", named("AFTER"))) == "AFTER with n 2"
        assert names(monitor) == ["BEFORE", "AFTER"]


def test_an_event_without_data_is_one() -> None:
    def behaviour(connection: socket.socket) -> None:
        greet(connection)
        send(connection, {"event": "BARE", "timestamp": {"seconds": 1, "microseconds": 2}})
        until_closed(connection)

    with peer(behaviour) as monitor:
        monitor.connect()
        assert monitor.wait_for("BARE", named("BARE")).data == {}


def test_a_very_long_reply_is_read() -> None:
    def behaviour(connection: socket.socket) -> None:
        greet(connection)
        send(connection, {"return": "x" * (30 << 20), "id": receive(connection)["id"]})
        until_closed(connection)

    with peer(behaviour) as monitor:
        monitor.connect()
        assert len(monitor.execute("query-named-block-nodes")) == 30 << 20


def test_other_events_do_not_lengthen_a_wait() -> None:
    def behaviour(connection: socket.socket) -> None:
        greet(connection)
        connection.settimeout(SHORT / 20)
        while True:
            send(connection, event("NOISE"))
            with contextlib.suppress(TimeoutError):
                if not connection.recv(1):
                    return

    with peer(behaviour, bound=SHORT) as monitor:
        monitor.connect()
        with taking(SHORT), pytest.raises(NoAnswer, match=r"^NEVER did not come within .*; seen last: NOISE$"):
            monitor.wait_for("NEVER", named("NEVER"))


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [(until_closed, "QEMU's greeting"), (_without_an_answer, "the answer to query-name")],
)
def test_silence_is_given_up_within_the_bound(behaviour: Callable[[socket.socket], None], words: str) -> None:
    with peer(behaviour, bound=SHORT) as monitor, taking(SHORT), pytest.raises(NoAnswer) as caught:
        connect_and_ask(monitor)
    assert str(caught.value) == f"{words} did not come within 0.3 s; seen last: no event at all"


def _at_once(_connection: socket.socket) -> None:
    """End without a word."""


def _with_rubbish(connection: socket.socket) -> None:
    connection.sendall(b"qemu: what is this?\n")
    until_closed(connection)


def _with_another_greeting(connection: socket.socket) -> None:
    send(connection, {"hello": "world"})
    until_closed(connection)


def _when_asked(connection: socket.socket) -> None:
    greet(connection)
    receive(connection)


def _in_the_middle_of_an_answer(connection: socket.socket) -> None:
    greet(connection)
    receive(connection)
    connection.sendall(b'{"return": {"na')


def _with_a_broken_answer(connection: socket.socket) -> None:
    greet(connection)
    receive(connection)
    connection.sendall(b'{"return": {"na\r\n')
    until_closed(connection)


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (_at_once, "QEMU's greeting"),
        (_with_rubbish, "QEMU's greeting"),
        (_with_another_greeting, "QEMU's greeting"),
        (greet, "(QEMU's greeting|the answer to query-name)"),
        (_when_asked, "the answer to query-name"),
        (_in_the_middle_of_an_answer, "the answer to query-name"),
        (_with_a_broken_answer, "the answer to query-name"),
    ],
)
def test_a_connection_that_ends_or_breaks_is_lost_at_once(
    behaviour: Callable[[socket.socket], None], words: str
) -> None:
    with peer(behaviour) as monitor:
        started = time.monotonic()
        with pytest.raises(ConnectionLost, match=f"while waiting for {words}"):
            connect_and_ask(monitor)
        assert time.monotonic() - started < BOUND / 2
        with pytest.raises(ConnectionLost):
            monitor.execute("query-name")


def test_a_wait_ends_when_the_connection_does() -> None:
    def behaviour(connection: socket.socket) -> None:
        greet(connection)
        send(connection, {"return": {}, "id": receive(connection)["id"]}, event("LAST"))

    with peer(behaviour) as monitor:
        monitor.connect()
        monitor.execute("query-name")
        with pytest.raises(ConnectionLost, match="ended while waiting for NEVER"):
            monitor.wait_for("NEVER", named("NEVER"))
        assert names(monitor) == ["LAST"]
        monitor.wait_for("LAST", named("LAST"))
        with pytest.raises(ConnectionLost):
            monitor.wait_for("NEVER", named("NEVER"))


def test_closing_twice_or_without_having_connected_does_no_harm() -> None:
    with peer(until_closed) as monitor:
        monitor.close()
        monitor.close()
        assert monitor.connection.fileno() == -1

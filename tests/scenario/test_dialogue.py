"""What QEMU answers, what was foreseen of that, and what a refused request has changed all the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.base.problems import AuthorError
from testbed.domain.node import UnknownName
from testbed.domain.request import ABORT, Refusal, Request, always_granted, transaction
from testbed.model.content import Run
from testbed.qemu.monitor import Refused
from testbed.scenario.acts import bitmaps
from testbed.scenario.dialogue import Answer, BrokenPromise, insist_on_same_opinion, jobs_on, things_on
from testbed.scenario.world import World

SIZE = 4 << 20

Harm = Callable[[World], object]


@pytest.fixture
def world(world: World) -> World:
    """Return a world with the drive "drive0", its bitmap "bitmap0", and an image that nobody has open."""
    world.dialogue.ask(bitmaps.add(world.drives.add("drive0", SIZE), "bitmap0"))
    (world.images.home / "target.raw").write_bytes(b"A" * 512)
    return world


# What is foreseen, and what comes.

IN_USE = "Bitmap 'bitmap0' is currently in use"

SURPRISE = (
    "QEMU granted block-dirty-bitmap-clear; by all that was asked before, "
    f'it should refuse it as a GenericError that says "{IN_USE}"'
)


def test_a_grant_and_a_refusal_that_were_foreseen_surprise_nobody(world: World) -> None:
    drive = world.drives.drive("drive0")
    world.dialogue.ask(bitmaps.clear(drive, "bitmap0"))
    granted = world.dialogue.refused()
    assert granted
    assert (granted.refusal, granted.foreseen, granted.is_foreseen, granted.surprise) == (None, None, True, None)
    world.dialogue.ask(bitmaps.clear(drive, "absent"))
    refused = world.dialogue.refused()
    assert refused
    assert refused.refusal
    assert refused.foreseen == Refusal("Dirty bitmap 'absent' not found")
    assert refused.surprise is None
    assert world.dialogue.refused() is None


def test_qemu_grants_what_the_models_refuse(world: World) -> None:
    drive = world.drives.drive("drive0")
    drive.write(0xAB, 0, 1)
    drive.bitmap("bitmap0").exported = True
    for make in (world.dialogue.ask, world.dialogue.demand):
        with pytest.raises(BrokenPromise) as caught:
            make(bitmaps.clear(drive, "bitmap0"))
        assert str(caught.value) == SURPRISE
    assert drive.bitmap("bitmap0").state.count > 0, "what should have been refused, no model should take note of"


def test_qemu_refuses_what_the_models_grant(world: World) -> None:
    drive = world.drives.drive("drive0")
    drive.gained_bitmap("absent", {})
    world.dialogue.ask(bitmaps.clear(drive, "absent"))
    answer = world.dialogue.refused()
    assert answer
    assert answer.surprise == (
        "QEMU refused block-dirty-bitmap-clear: Dirty bitmap 'absent' not found (GenericError); "
        "by all that was asked before, it should grant it"
    )
    with pytest.raises(BrokenPromise, match="Dirty bitmap 'absent' not found"):
        world.dialogue.demand(bitmaps.clear(drive, "absent"))


def test_qemu_refuses_in_other_words_than_foreseen() -> None:
    refused = Refused("do", "GenericError", "No")
    answer = Answer(Request("do", {}), refused, Refusal("Never"), is_foreseen=True)
    assert answer.surprise == (
        "QEMU refused do: No (GenericError); by all that was asked before, "
        'it should refuse it as a GenericError that says "Never"'
    )
    assert replace(answer, foreseen=Refusal("No")).surprise is None
    assert replace(answer, is_foreseen=False).surprise is None


def test_what_no_model_foresees_surprises_nobody_but_those_who_know_no_such_thing(world: World) -> None:
    def granted() -> None:
        raise UnknownName('drive0 has no bitmap "odd"')

    world.dialogue.ask(Request("query-status", {}))
    with pytest.raises(BrokenPromise, match='QEMU granted what it should have refused: drive0 has no bitmap "odd"'):
        world.dialogue.ask(Request("query-status", {}, granted))


@pytest.mark.parametrize(
    ("foreseen", "table", "same"),
    [
        (None, None, True),
        (Refusal("is busy"), None, False),
        (None, Refusal("is busy"), False),
        (Refusal("is busy"), Refusal("is busy"), True),
        (Refusal("Bitmap 'a' is busy"), Refusal("is busy"), True),
        (Refusal("is busy"), Refusal("Bitmap 'a' is busy"), True),
        (Refusal("is busy"), Refusal("is inconsistent"), False),
        (Refusal("is busy"), Refusal("is busy", "DeviceNotFound"), False),
    ],
)
def test_a_sentence_and_the_models_must_be_of_one_opinion(
    foreseen: Refusal | None, table: Refusal | None, *, same: bool
) -> None:
    answer = Answer(Request("do", {}), None, foreseen, is_foreseen=True)
    if same:
        insist_on_same_opinion(answer, table)
        return
    with pytest.raises(AuthorError) as caught:
        insist_on_same_opinion(answer, table)
    assert str(caught.value) == (
        f"the sentence says that QEMU should {table or 'grant it'}; by all that was asked before, the models say "
        f"that it should {foreseen or 'grant it'}: one of the two is wrong"
    )
    insist_on_same_opinion(replace(answer, is_foreseen=False), table)


# What must be spoken of.


def test_a_refusal_that_nobody_speaks_of_breaks_a_promise(world: World) -> None:
    told = "QEMU refused transaction: Transaction aborted using Abort action"
    world.dialogue.ask(transaction([ABORT]))
    with pytest.raises(BrokenPromise, match=told):
        world.dialogue.insist_on_grant()
    world.dialogue.insist_on_grant()
    for make in (world.dialogue.ask, world.dialogue.demand):
        world.dialogue.ask(transaction([ABORT]))
        with pytest.raises(BrokenPromise, match=told):
            make(Request("query-status", {}))


def test_a_bitmap_that_there_is_not_is_an_author_s_slip(world: World) -> None:
    drive = world.drives.drive("drive0")
    told = r'^there is no bitmap "bitmpa0"; did you mean "bitmap0"\?\nQEMU refused .* not found .*, as it must, and'
    with pytest.raises(AuthorError, match=told):
        world.dialogue.demand(bitmaps.clear(drive, "bitmpa0"))
    world.dialogue.ask(bitmaps.clear(drive, "bitmpa0"))
    with pytest.raises(AuthorError, match=told):
        world.dialogue.insist_on_grant()


def test_a_bitmap_that_qemu_has_lost_breaks_a_promise(world: World) -> None:
    world.machine.execute("block-dirty-bitmap-remove", {"node": "drive0", "name": "bitmap0"})
    with pytest.raises(BrokenPromise, match="'bitmap0' not found"):
        world.dialogue.demand(bitmaps.clear(world.drives.drive("drive0"), "bitmap0"))


def test_a_demand_leaves_nothing_to_speak_of(world: World) -> None:
    world.dialogue.refused()
    world.dialogue.demand(Request("query-status", {}, forecast=always_granted))
    assert world.dialogue.refused() is None


def test_what_was_got_ready_for_a_refused_request_must_be_given_back(world: World) -> None:
    def refused() -> None:
        world.machine.execute("blockdev-del", {"node-name": "drive0"})

    with pytest.raises(
        BrokenPromise, match=r"after QEMU refused transaction: .* got ready for it is still in use: QEMU"
    ):
        world.dialogue.ask(Request("transaction", {"actions": [ABORT.as_action()]}, refused=refused))


def test_a_request_is_made_of_the_machine_that_it_names(world: World) -> None:
    other = world.machines.boot("other")
    node = {"driver": "null-co", "node-name": "there"}
    world.dialogue.demand(Request("blockdev-add", node, machine=other))
    assert "a node there" in things_on(other)
    assert "a node there" not in things_on(world.machine)
    world.dialogue.ask(Request("blockdev-add", node, machine=other))
    answer = world.dialogue.refused()
    assert answer
    assert answer.refusal
    assert world.dialogue.traces == []


def test_what_drains_a_drive_lets_all_arrive_that_is_on_its_way(world: World) -> None:
    drive = world.drives.drive("drive0")
    drive.send([Run(0, 512, 0xAB)])
    world.dialogue.demand(Request("query-status", {}))
    assert drive.on_their_way
    world.dialogue.demand(transaction([bitmaps.add(drive, "bitmap1")]))
    assert not drive.on_their_way
    assert [bitmap.state.count for bitmap in drive.bitmaps.values()] == [65536, 0]
    world.judge.settle()


# Traces of what was refused.


def target_of(world: World) -> Path:
    return world.images.home / "target.raw"


def traces_of(world: World, harm: Harm, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make a request that does harm before it is refused; return what is told of that."""
    execute = world.machine.execute

    def harmful(command: str, arguments: Mapping[str, object] | None = None) -> object:
        if command == "transaction":
            harm(world)
        return execute(command, arguments)

    with monkeypatch.context() as patch:
        patch.setattr(world.machine, "execute", harmful)
        world.dialogue.ask(transaction([ABORT]))
    assert world.dialogue.refused() is not None
    return world.judge.traces_of_refusal()


def start_backup(world: World) -> None:
    world.backups.start(world.drives.drive("drive0"), {"sync": "full", "speed": 1, "auto-finalize": False})


def test_a_request_that_changed_nothing_has_no_traces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert traces_of(world, lambda _: None, monkeypatch) == []


HARMS: list[tuple[Harm, str]] = [
    (
        lambda world: world.machine.execute("blockdev-add", {"driver": "null-co", "node-name": "left"}),
        "there is a node left that was not there before",
    ),
    (lambda world: world.machine.execute("blockdev-del", {"node-name": "left"}), "a node left is gone"),
    (lambda world: target_of(world).write_bytes(b"A" * 512), "the image target.raw was written"),
    (lambda world: os.truncate(target_of(world), 512), "the image target.raw was written"),
    (lambda world: (world.images.home / "new.raw").touch(), "the image new.raw was written"),
    (
        lambda world: world.exports.hold_in_iothread(world.drives.drive("drive0")),
        "there is an export drive0-1 that was not there before",
    ),
    (start_backup, "there is a job drive0 that was not there before"),
    (
        lambda world: world.machine.execute("block-job-set-speed", {"device": "drive0", "speed": 2}),
        "there is a job drive0 at the speed 2 B that was not there before",
    ),
    (
        lambda world: world.machine.execute("block-dirty-bitmap-disable", {"node": "drive0", "name": "bitmap0"}),
        'drive0: "bitmap0" should be recording; it is not recording',
    ),
]


def test_each_change_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for harm, trace in HARMS:
        assert trace in traces_of(world, harm, monkeypatch)


def test_the_speed_of_a_running_job_is_a_trace(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    start_backup(world)
    assert jobs_on(world.machine) == ["drive0"]
    assert traces_of(world, HARMS[-2][0], monkeypatch) == [
        "there is a job drive0 at the speed 2 B that was not there before",
        "a job drive0 at the speed 1 B is gone",
    ]


def test_the_target_of_a_running_backup_may_be_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    start_backup(world)
    target = world.images.home / world.catalogue.taken[0].target.name
    assert traces_of(world, lambda _: os.utime(target), monkeypatch) == []


def test_what_other_machines_write_down_is_no_trace(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other = world.machines.boot("other")
    assert traces_of(world, lambda _: other.stderr.write_text("a warning"), monkeypatch) == []


def test_a_refused_backup_is_forgotten_and_its_target_closed(world: World) -> None:
    world.backups.start(world.drives.drive("drive0"), {"sync": "full", "speed": -1})
    assert world.dialogue.refused() is not None
    assert world.catalogue.taken == []
    assert "drive0-1" not in str(things_on(world.machine))

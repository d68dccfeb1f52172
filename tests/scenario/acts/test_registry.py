"""The registry as a whole: what is written of an act once must be enough for sentences, tables and random walks."""

from __future__ import annotations

import inspect
from collections import Counter

import pytest

from testbed.base.problems import AuthorError
from testbed.build.needs import need
from testbed.domain.drive import Drive
from testbed.domain.node import Node
from testbed.scenario.acts.act import Act, Actor, BitmapName, Flag, Parameter, Size, Word, act, act_named
from testbed.scenario.acts.registry import REGISTRY, acts_on, said_of

ACTS = [pytest.param(one, id=f"{one.name} on {one.on}") for one in REGISTRY.values()]


@pytest.mark.parametrize("one", ACTS)
def test_act_says_what_it_does_and_of_what(one: Act) -> None:
    assert (inspect.getdoc(one.do) or "").endswith("."), "it needs a docstring"
    things = {name: kind for name, kind in one.subjects.items() if kind.__module__.startswith("testbed.")}
    assert one.subjects == things, "a parameter that is no thing of the scenario needs a word"
    worded = {parameter.python for parameter in one.parameters}
    assert set(inspect.signature(one.do).parameters) - {"self"} == {*one.subjects, *worded}
    assert all(need(name) for name in one.needs)
    assert isinstance(one.actor, Actor)


def test_names_and_what_sentences_say_are_unique_for_each_kind_of_thing() -> None:
    assert len(REGISTRY) > 50
    assert all((one.on, one.name) == key for key, one in REGISTRY.items())
    said = Counter((one.on, one.said) for one in REGISTRY.values() if one.said)
    assert [key for key, count in said.items() if count > 1] == []


def test_acts_that_tables_name_together_have_names_of_their_own() -> None:
    named = Counter(one.name for one in REGISTRY.values() if one.on in ("bitmap", "drive", "QEMU"))
    assert [name for name, count in named.items() if count > 1] == []


def test_each_actor_does_something() -> None:
    assert {one.actor for one in REGISTRY.values()} >= {Actor.GUEST, Actor.OPERATOR, Actor.BACKUP_TOOL, Actor.HOST}


def test_acts_are_found_by_what_they_are_done_to() -> None:
    assert {"add", "remove", "clear", "enable", "disable", "merge"} == set(acts_on("bitmap"))
    assert set(acts_on("bitmap", "QEMU")) == {*acts_on("bitmap"), *acts_on("QEMU")}
    assert acts_on("weather") == {}
    assert set(said_of("bitmap")) == {"removed", "cleared", "enabled", "disabled"}
    assert said_of("bitmap")["cleared"] is acts_on("bitmap")["clear"]


def test_act_that_there_is_not_is_told_with_the_nearest() -> None:
    acts = acts_on("bitmap")
    assert act_named("clear", acts, "request") is acts["clear"]
    with pytest.raises(AuthorError, match='there is no request "claer"; did you mean "clear"'):
        act_named("claer", acts, "request")


def test_what_an_act_takes_is_read_off_its_function() -> None:
    def do(
        node: Node,
        bitmap: BitmapName,
        some_size: Size,
        from_: BitmapName | None = None,
        slowly: Flag = False,  # noqa: FBT002 - a cell says it
    ) -> None:
        """Do something."""

    one = Act("do", Actor.GUEST, "bitmap", do)
    assert one.subjects == {"node": Node}
    assert one.parameters == (
        Parameter("bitmap", "bitmap", Word.BITMAP, required=True),
        Parameter("some_size", "some-size", Word.SIZE, required=True),
        Parameter("from_", "from", Word.BITMAP, required=False),
        Parameter("slowly", "slowly", Word.FLAG, required=False),
    )
    assert one.columns == ("bitmap", "some-size", "from", "slowly")


def test_name_is_taken_once() -> None:
    with pytest.raises(AssertionError, match='there is an act "clear" on bitmap already'):
        act("clear", on="bitmap", by=Actor.GUEST)(Drive.flush)
    assert acts_on("bitmap")["clear"].do is not Drive.flush

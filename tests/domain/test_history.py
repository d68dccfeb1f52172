from testbed.domain.history import History
from testbed.model.ranges import NOTHING, Ranges

A, B = Ranges.of((0, 512)), Ranges.of((1024, 512))


def test_each_change_is_a_moment_of_its_own() -> None:
    history = History()
    history.add(A)
    between = history.moment
    history.add(B)
    assert (between, history.moment) == (1, 2)
    assert history.since(0) == A | B
    assert history.since(between) == B
    assert history.since(history.moment) == NOTHING


def test_a_change_of_another_kind_is_a_moment_without_ranges() -> None:
    history = History()
    history.pass_on()
    assert history.moment == 1
    assert history.since(0) == NOTHING


def test_a_history_that_goes_on_elsewhere_forgets_the_changes_and_keeps_the_moment() -> None:
    history = History()
    history.add(A)
    other = history.continued()
    other.add(B)
    assert (history.moment, other.moment) == (1, 2)
    assert other.since(0) == other.since(1) == B
    assert history.since(0) == A

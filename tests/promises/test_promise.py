from __future__ import annotations

import pytest
from broken_promise import why_not
from hamcrest import assert_that

from testbed.base.process import ToolFailed
from testbed.promises.promise import Promise, all_complaints, each


def is_even(number: int) -> str | None:
    return f"{number} is odd" if number % 2 else None


EVEN = Promise("a number that is even", is_even)


def test_a_promise_says_what_was_expected_and_what_came() -> None:
    assert_that(2, EVEN)
    assert why_not(3, EVEN) == "3 is odd"


def test_a_promise_that_is_kept_on_a_second_look_says_so() -> None:
    complaints = iter(["not yet", None])
    assert why_not(1, Promise("a thing", lambda _: next(complaints))) == "it was kept when looked at again"


def test_each_looks_at_all() -> None:
    assert_that([2, 4, 6], each(EVEN))
    assert each(EVEN).words == "each number that is even"
    assert why_not([1, 2, 3], each(EVEN)) == "1 is odd\n          3 is odd"


def test_each_of_none_is_not_kept() -> None:
    assert why_not([], each(EVEN)) == "there was nothing to look at"


def test_complaints_come_in_the_order_of_the_things() -> None:
    assert all_complaints((number, EVEN) for number in range(20)) == [f"{number} is odd" for number in range(1, 20, 2)]
    assert all_complaints([]) == []


def test_what_is_raised_while_looking_is_not_lost() -> None:
    def look(_thing: int) -> None:
        raise ToolFailed("qemu-img exited with status 2")

    with pytest.raises(ToolFailed, match="qemu-img exited with status 2"):
        assert_that([1, 2], each(Promise("a thing", look)))

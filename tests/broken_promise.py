"""What a broken promise makes an assertion say."""

from __future__ import annotations

from typing import TypeVar

import pytest
from hamcrest import assert_that

from testbed.promises.promise import Promise

T = TypeVar("T")


def why_not(thing: T, promise: Promise[T]) -> str:
    """Return what an assertion says of a thing that breaks a promise, after the words of the promise."""
    with pytest.raises(AssertionError) as caught:
        assert_that(thing, promise)
    expected, _, found = str(caught.value).strip().partition("\n     but: ")
    assert expected == "Expected: " + promise.words.replace("\n", "\n" + " " * len("Expected: "))
    return found

from __future__ import annotations

from typing import cast

import pytest

from testbed.base.problems import AuthorError
from testbed.language.requests import request
from testbed.language.tables import Row
from testbed.scenario.world import World

NO_WORLD = cast("World", None)
"""What is wrong with a row by itself is told before anything is looked up."""


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"request": "claer"}, 'there is no request "claer"; did you mean "clear"'),
        ({"drive": "drive0"}, 'says nothing under "request"'),
    ],
)
def test_a_row_that_nobody_can_mean_is_an_author_s_slip(row: Row, told: str) -> None:
    with pytest.raises(AuthorError) as caught:
        request(NO_WORLD, row)
    assert told in str(caught.value)

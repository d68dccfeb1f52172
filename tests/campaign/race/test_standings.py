"""How a race stands: medians, and the ratio of what belongs together."""

from __future__ import annotations

import re

from testbed.campaign.outside import Whole
from testbed.campaign.race.standings import Pair, standings

PAIRS = [
    Pair(Whole(2.0, 1.0), Whole(1.0, 0.75)),
    Pair(Whole(20.0, 1.1), Whole(12.0, 1.1)),  # the machine had other things to do
    Pair(Whole(2.2, 1.2), Whole(1.1, 0.9)),
]


def test_medians_are_of_each_and_the_ratio_is_of_pairs() -> None:
    _, wall, processor = standings(PAIRS).splitlines()
    assert re.fullmatch(r"wall time +2\.20 s +1\.10 s +0\.50", wall)
    assert re.fullmatch(r"processor time +1\.10 s +0\.90 s +0\.75", processor)


def test_pair_is_told_in_a_line() -> None:
    said = "script 2.00 s wall, 1.00 s processor; suite 1.00 s, 0.75 s; ratio 0.50, 0.75"
    assert str(PAIRS[0]) == said

"""How a race stands: what each lap has taken, the medians, and the ratio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from testbed.campaign.outside import Whole


@dataclass(frozen=True)
class Pair:
    """A lap of each, one just after the other, as a machine is not the same for long."""

    script: Whole
    suite: Whole

    def __str__(self) -> str:
        """Say it in a line."""
        return (
            f"script {self.script.wall:.2f} s wall, {self.script.processor:.2f} s processor; "
            f"suite {self.suite.wall:.2f} s, {self.suite.processor:.2f} s; "
            f"ratio {_wall(self.suite) / _wall(self.script):.2f}, "
            f"{_processor(self.suite) / _processor(self.script):.2f}"
        )


def standings(pairs: Sequence[Pair]) -> str:
    """Return the medians of some pairs, at least one, and the median of their ratios, in lines."""
    lines = [f"medians of {len(pairs)} pairs       script     suite     ratio"]
    lines += [_line("wall time", pairs, _wall), _line("processor time", pairs, _processor)]
    return "\n".join(lines)


def _line(what: str, pairs: Sequence[Pair], of: Callable[[Whole], float]) -> str:
    script, suite = median(of(pair.script) for pair in pairs), median(of(pair.suite) for pair in pairs)
    ratio = median(of(pair.suite) / of(pair.script) for pair in pairs)
    return f"{what:22} {script:7.2f} s {suite:7.2f} s {ratio:9.2f}"


def _wall(whole: Whole) -> float:
    return whole.wall


def _processor(whole: Whole) -> float:
    return whole.processor

"""Which scenarios to run first: a greedy cover of the faults by what the proof has seen find them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from statistics import fmean

from testbed.campaign.proof.findings import Proof, found_by, location_of
from testbed.reports.outcome import Outcome, Status
from testbed.run.order import Finder, Order

FINEST = 0.01
"""Seconds to which times are kept: what is finer is chance."""


def cover(candidates: Iterable[Finder]) -> list[Finder]:
    """Return those that find anything which none before them finds, each with just that.

    The next is always the one that adds most for its time. What is returned for what was returned is the same again.
    """
    left = sorted(candidates, key=lambda finder: (finder.feature, finder.scenario))
    chosen: list[Finder] = []
    while left := [finder for finder in left if finder.finds]:
        best = max(left, key=lambda finder: len(finder.finds) / finder.seconds)  # of equals the first
        chosen.append(best)
        left = [replace(finder, finds=_without(finder.finds, best.finds)) for finder in left]
    return chosen


def order_of(proof: Proof, known: int) -> Order:
    """Return the order that a proof calls for; `known` is how many faults there are."""
    passed = {location_of(outcome): outcome for outcome in proof.sound if outcome.status is Status.PASSED}
    found = found_by(proof.trials)
    candidates = [
        Finder(outcome.file, outcome.scenario, _kept(outcome.seconds), tuple(sorted(found[location])))
        for location, outcome in passed.items()
        if location in found
    ]
    return Order(cover(candidates), known, _costs(passed.values()))


def joined(order: Order, before: Order) -> Order:
    """Return what an order says together with what one said before: of some faults only, or of all but these."""
    finders = {(finder.feature, finder.scenario): finder for finder in before.finders}
    for finder in order.finders:
        known = finders.get((finder.feature, finder.scenario), finder)
        both = tuple(sorted({*known.finds, *finder.finds}))
        finders[finder.feature, finder.scenario] = replace(finder, finds=both)
    return Order(cover(finders.values()), order.known, {**before.costs, **order.costs})


def true_order(order: Order, scenarios: Collection[tuple[str, str]], faults: Collection[str]) -> Order:
    """Return what of an order is still true: these scenarios there are, by their files and titles, and these faults."""
    known = set(faults)
    finders = [
        replace(finder, finds=tuple(fault for fault in finder.finds if fault in known))
        for finder in order.finders
        if (finder.feature, finder.scenario) in scenarios
    ]
    files = {feature for feature, _ in scenarios}
    costs = {feature: seconds for feature, seconds in order.costs.items() if feature in files}
    return Order(cover(finders), len(known), costs)


def _costs(passed: Iterable[Outcome]) -> Mapping[str, float]:
    seconds: dict[str, list[float]] = {}
    for outcome in passed:
        seconds.setdefault(outcome.file, []).append(outcome.seconds)
    return {feature: _kept(fmean(each)) for feature, each in seconds.items()}


def _kept(seconds: float) -> float:
    return max(round(seconds, 2), FINEST)


def _without(faults: Iterable[str], found: Iterable[str]) -> tuple[str, ...]:
    gone = set(found)
    return tuple(fault for fault in faults if fault not in gone)

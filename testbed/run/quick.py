"""Runs the scenarios that find most for their time, and says how sure a green end is: `make quick`."""

from __future__ import annotations

import os
import sys

from testbed.base.gherkin import Config, Location, Scenario, override, title
from testbed.base.problems import AuthorError
from testbed.reports.console import Printer
from testbed.reports.outcome import RunSummary, Status
from testbed.run.order import ORDER, Order
from testbed.run.runner import AcceptanceRunner, NothingSelected


class QuickRunner(AcceptanceRunner):
    """Runs, of what is selected, the quick scenarios alone. A runner by itself, since behave has no option for it."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._order = Order()

    @override
    def feature_locations(self) -> list[Location]:
        """Give the files alone that have quick scenarios: to read the others takes longer than to run a dozen.

        Raises AuthorError where it is not known which scenarios are quick.
        """
        self._order = Order.read()
        if not self._order.quick:
            raise AuthorError(f"{ORDER} names no quick scenarios: make prove ARGS=--update-quick writes it")
        quick = {finder.feature for finder in self._order.quick}
        # By the name that behave gives a scenario's file, however it was spelt for the run.
        return [location for location in super().feature_locations() if os.path.relpath(location.filename) in quick]

    @override
    def _selected(self) -> list[Scenario]:
        quick = {(finder.feature, finder.scenario) for finder in self._order.quick}
        for feature in self.features:
            for scenario in feature.walk_scenarios():
                if (scenario.filename, title(scenario)) not in quick:
                    scenario.skip("it is not one of the quick scenarios")
        if not (selected := super()._selected()):
            raise NothingSelected(
                "no quick scenario is selected: make accept runs the others; or is a tag, a name or a path misspelt?"
            )
        return selected

    @override
    def _tell_the_end(self, summary: RunSummary) -> None:
        super()._tell_the_end(summary)
        passed = [(each.file, each.scenario) for each in summary.outcomes if each.status is Status.PASSED]
        if summary.in_earnest and not summary.failed:
            said = f"{self._order.sureness(passed)}; make accept runs all that there are."
            printers = [story.printer for story in self._stories()] or [Printer(sys.stderr, self.config)]
            for printer in printers:
                printer.line(said)

"""behave's runner for a profile: it tells the sampler which scenario runs."""

from __future__ import annotations

from typing import ClassVar, cast

from testbed.base.gherkin import Scenario, Statement, override
from testbed.campaign.profile.sampler import Sampler, location_of
from testbed.run.runner import AcceptanceRunner


class ProfiledRunner(AcceptanceRunner):
    """Runs the features as ever, for a sampler."""

    sampler: ClassVar[Sampler]
    """For whoever starts behave to set."""

    @override
    def run_hook(self, hook_name: str, *args: Statement | str) -> bool:
        """Run a hook, and let a scenario begin before its first."""
        if hook_name == "before_scenario":
            scenario = cast("Scenario", args[0])
            self.sampler.scenario_begins(location_of(scenario.filename, scenario.line))
        return super().run_hook(hook_name, *args)

    @override
    def teardown_capture(self) -> None:
        """Let the scenario end when all is done."""
        super().teardown_capture()
        self.sampler.scenario_ends()

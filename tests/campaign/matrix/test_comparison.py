from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from webpages import Page

from testbed.campaign.matrix import page
from testbed.campaign.matrix.comparison import Comparison, Trial, Upgrade
from testbed.campaign.pages import markdown, webpage
from testbed.campaign.runs import EndedRun
from testbed.reports.directory import Reports
from testbed.reports.outcome import Outcome, RunError, RunSummary, Status

WHEN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

NO_PERF = "this build has no x-perf (QEMU has it since 6.0, this is 5.2.0)"


def outcome(title: str, status: str, *, why: str = "", rule: str | None = "A rule", feature: str = "Chains") -> Outcome:
    ended = Status(status)
    return Outcome(
        area="backup",
        suite=f"backup.{feature}",
        report="backup.chains",
        feature=feature,
        rule=rule,
        scenario=title,
        name=f"{rule}: {title}",
        file="features/backup/chains.feature",
        line=7,
        tags=("backup",),
        repeat="behave features/backup/chains.feature:7",
        started=WHEN,
        status=ended,
        headline=why if ended.is_red else "",
        reasons=(why,) if why and not ended.is_red else (),
        evidence=Path(f"/reports/evidence/{title}") if ended.is_red or ended is Status.KNOWN_DEFECT else None,
    )


def trial(folder: Path, version: str, outcomes: Sequence[Outcome], errors: Sequence[str] = (), *problems: str) -> Trial:
    """Read a run back that left these outcomes in a folder named after its build."""
    folder.mkdir(parents=True)
    reports = Reports(folder, folder / "junit")
    wrong = tuple(RunError("after_all", "OSError", text, text) for text in errors)
    reports.write_summary(RunSummary(tuple(outcomes), wrong, WHEN, 4.25))
    reports.describe_environment({"qemu": {"banner": f"QEMU emulator version {version} (Debian 1:{version}+dfsg-1)"}})
    return Trial.of(folder.name, EndedRun.read(folder, problems))


def test_a_storage_daemon_has_its_version_and_is_called_one(tmp_path: Path) -> None:
    folder = trial(tmp_path / "daemon", "7.2.22", []).folder
    banner = "qemu-storage-daemon version 7.2.22 (Debian 1:7.2)"
    Reports(folder, folder).describe_environment({"qemu": {"banner": banner}})
    again = Trial.of("daemon", EndedRun.read(folder))
    assert (again.version, again.package) == ("7.2.22", "Debian 1:7.2, qemu-storage-daemon")


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    builds = tmp_path / "builds"
    return Comparison(
        [
            trial(
                builds / "old",
                "5.2.0",
                [
                    outcome("Same", "passed"),
                    outcome("Arrives", "not applicable", why=NO_PERF),
                    outcome("Arrives as well", "not applicable", why=NO_PERF),
                    outcome("Breaks", "passed"),
                    outcome("Crashes", "passed"),
                    outcome("Mended", "failed", why="offset 0 holds <0x00> | not 0xab"),
                    outcome("Always broken", "failed", why="no"),
                    outcome("Goes", "passed", feature="Old things"),
                    outcome("No more there", "passed", feature="Old things"),
                ],
            ),
            Trial("gone", builds / "gone", problems=["/nowhere does not exist\n  remedy: name one"]),
            trial(
                builds / "new",
                "11.1.3",
                [
                    outcome("Same", "passed"),
                    outcome("Arrives", "passed"),
                    outcome("Arrives as well", "passed"),
                    outcome("Breaks", "error", why="OSError: gone"),
                    outcome("Crashes", "known defect", why="known defect d: it dies"),
                    outcome("Mended", "passed"),
                    outcome("Always broken", "error", why="yes"),
                    outcome("Goes", "not applicable", why="this build has no such command", feature="Old things"),
                ],
            ),
        ]
    )


# What is read back.


def test_trial_tells_what_was_tried(comparison: Comparison) -> None:
    old, gone, new = comparison.trials
    assert (old.build, old.version, old.package, old.seconds) == ("old", "5.2.0", "Debian 1:5.2.0+dfsg-1", 4.25)
    assert (old.label, gone.label) == ("old (5.2.0)", "gone")
    assert old.verdict == "2 failed"
    assert gone.verdict == "could not be tried"
    assert new.verdict == "2 error"
    assert [each.is_green for each in comparison.trials] == [False, False, False]


def test_trial_without_red_is_green(tmp_path: Path) -> None:
    fine = trial(tmp_path / "a", "7.2", [outcome("A", "passed"), outcome("B", "known defect", why="known defect d: x")])
    assert fine.is_green
    assert fine.verdict == "promises kept, but for 1 by known defects"


def test_trial_in_which_nothing_applies_is_not_green(tmp_path: Path) -> None:
    idle = trial(tmp_path / "a", "7.2", [outcome("A", "not applicable", why="no qcow2")])
    assert not idle.is_green
    assert idle.verdict == "no scenario applies"


def test_trial_that_ended_badly_is_not_green(tmp_path: Path) -> None:
    spoilt = trial(tmp_path / "a", "7.2", [outcome("A", "passed")], ["after_all failed"], "it took too long")
    assert not spoilt.is_green
    assert spoilt.verdict == "did not end well"
    assert spoilt.problems == ["it took too long", "after_all failed"]


def test_trial_without_a_summary_came_to_no_end(tmp_path: Path) -> None:
    found = Trial.of("x", EndedRun.read(tmp_path))
    assert found.verdict == "could not be tried"
    assert found.problems == ["the run came to no end; console.txt is what it said"]


def test_trial_that_was_killed_says_so(tmp_path: Path) -> None:
    found = Trial.of("x", EndedRun.read(tmp_path, ["the run did not end within 5 s and was killed"]))
    assert found.verdict == "could not be tried"
    assert found.problems == ["the run did not end within 5 s and was killed"]


# What differs.


def test_differing_and_red_scenarios(comparison: Comparison) -> None:
    assert [case.scenario for case in comparison.red] == ["Breaks", "Mended", "Always broken"]
    differing = {case.scenario for case in comparison.differing}
    assert differing == {case.scenario for case in comparison.cases} - {"Same"}


def test_scenarios_of_one_feature_stand_together(tmp_path: Path) -> None:
    first = trial(tmp_path / "a", "7.2", [outcome("A", "passed"), outcome("C", "passed", feature="Other")])
    second = trial(tmp_path / "b", "8.0", [outcome("B", "passed"), outcome("C", "passed", feature="Other")])
    assert [case.scenario for case in Comparison([first, second]).cases] == ["A", "B", "C"]


def test_upgrade_tells_the_worst_first(comparison: Comparison) -> None:
    old, _, new = comparison.trials
    upgrade = Upgrade(old, new)
    told = {
        kind: {why: [change.case.scenario for change in changes] for why, changes in reasons.items()}
        for kind, reasons in upgrade.changes.items()
    }
    assert told == {
        "fail now": {"OSError: gone": ["Breaks"]},
        "show a known defect now": {"known defect d: it dies": ["Crashes"]},
        "do not fail any more": {"offset 0 holds <0x00> | not 0xab": ["Mended"]},
        "apply now, and pass": {NO_PERF: ["Arrives", "Arrives as well"]},
        "do not apply any more": {"this build has no such command": ["Goes"]},
        "end in another way": {"yes": ["Always broken"], "": ["No more there"]},
    }
    assert next(iter(told)) == "fail now"
    assert upgrade.summary.startswith("1 fail now; 1 show a known defect now; 1 do not fail any more; 2 apply now")


def test_upgrade_back_mends_what_it_broke(comparison: Comparison) -> None:
    old, _, new = comparison.trials
    assert set(Upgrade(new, old).changes) == {
        "fail now",
        "do not fail any more",
        "do not show a known defect any more",
        "apply now, and pass",
        "do not apply any more",
        "end in another way",
    }


def test_nothing_changes_between_equal_builds(comparison: Comparison) -> None:
    old = comparison.trials[0]
    assert Upgrade(old, old).summary == "nothing changes"


def test_upgrades_are_told_neighbours_first_and_only_of_what_ran(tmp_path: Path) -> None:
    ran = [trial(tmp_path / name, "7.2", [outcome("A", "passed")]) for name in "abc"]
    trials = [ran[0], Trial("gone", tmp_path / "gone", problems=["x"]), *ran[1:]]
    pairs = [(upgrade.old.build, upgrade.new.build) for upgrade in Comparison(trials).upgrades]
    assert pairs == [("a", "b"), ("b", "c"), ("a", "c")]


def test_pair_is_compared_with_none_and_differs_only_in_what_was_run_on_it(tmp_path: Path) -> None:
    lacks = outcome("Upgraded", "not applicable", why="no other build was named")
    alone = [trial(tmp_path / name, "7.2", [outcome("Same", "passed"), lacks]) for name in "ab"]
    pair = replace(trial(tmp_path / "a-to-b", "7.2", [outcome("Upgraded", "passed")]), is_pair=True)
    compared = Comparison([*alone, pair])
    assert [(upgrade.old.build, upgrade.new.build) for upgrade in compared.upgrades] == [("a", "b")]
    assert [case.scenario for case in compared.differing] == ["Upgraded"]
    assert "From one build to another" not in as_markdown(Comparison([pair, pair]), tmp_path)


# What is written.


def as_markdown(comparison: Comparison, folder: Path) -> str:
    return markdown.page(page.document(comparison, WHEN), folder)


def as_web_page(comparison: Comparison, folder: Path) -> str:
    return webpage.page(page.document(comparison, WHEN), folder)


def readme_part(comparison: Comparison) -> str:
    return markdown.part(page.summary(comparison, WHEN), Path("/"))


def test_markdown_page_tells_differences_first(comparison: Comparison, tmp_path: Path) -> None:
    text = as_markdown(comparison, tmp_path)
    headings = re.findall(r"^## (.*)", text, re.MULTILINE)
    assert headings == [
        "What fails",
        "From one build to another",
        "Where the builds differ",
        "All scenarios",
        "Judged",
        "Why scenarios ended so",
    ]
    assert "9 scenarios, tried on 23 November 2026 at 09:30 UTC." in text
    assert (
        "| old | 5.2.0 | Debian 1:5.2.0+dfsg-1 | **2 failed** | 5 | 2 | 0 | 0 | 2 | 4.2 s | [reports](builds/old) |"
        in text
    )
    assert "```text\n/nowhere does not exist\n  remedy: name one\n```" in text
    assert "<summary><b>From old (5.2.0) to new (11.1.3)</b>: 1 fail now; " in text
    assert (
        "| Breaks | [passed](builds/old/junit/TEST-backup.chains.xml) |"
        f" [**error**]({os.path.relpath('/reports/evidence/Breaks', tmp_path)}) [1](#why-1) |"
    ) in text


LAST = ["All scenarios", "Judged"]


@pytest.mark.parametrize("show", [as_markdown, as_web_page])
def test_page_says_first_and_last_what_was_judged(
    comparison: Comparison, tmp_path: Path, show: Callable[[Comparison, Path], str]
) -> None:
    old, *others = comparison.trials
    subject = "QEMU 5.2.0 (package), target aarch64: /qemu"
    told = Comparison([replace(old, subject=subject), *others], "Arguments of behave: --tags slow")
    text = show(told, tmp_path)
    for line in (f"old: {subject}", "gone: nobody knows what it is", "Arguments of behave: --tags slow"):
        first, last = (found.start() for found in re.finditer(re.escape(line), text))
        assert first < text.index("What fails") < last


def test_web_page_tells_the_same_in_the_same_order(comparison: Comparison, tmp_path: Path) -> None:
    read = Page(as_web_page(comparison, tmp_path))
    assert read.texts["h2"] == ["What fails", "From one build to another", "Where the builds differ", *LAST]
    assert read.texts["pre"] == ["/nowhere does not exist\n  remedy: name one"]
    assert read.texts["summary"][0].startswith("From old (5.2.0) to new (11.1.3): 1 fail now; ")
    assert read.texts["summary"][-1] == "9 scenarios"


def test_markdown_page_tells_each_reason_once_and_leads_to_it(comparison: Comparison, tmp_path: Path) -> None:
    text = as_markdown(comparison, tmp_path)
    anchors = re.findall(r'<a id="(.*?)">', text)
    assert len(anchors) == len(set(anchors)) == 7
    assert set(re.findall(r"\]\(#(.*?)\)", text)) == set(anchors)
    assert text.count(f"</a>{NO_PERF}") == 1


def test_markdown_shows_odd_characters_as_they_are(comparison: Comparison, tmp_path: Path) -> None:
    text = as_markdown(comparison, tmp_path)
    assert r"offset 0 holds \<0x00\> \| not 0xab" in text
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    columns = {len(re.split(r"(?<!\\)\|", line)) for line in tables}
    assert columns == {13, 5}


def test_web_page_shows_odd_characters_and_all_statuses(comparison: Comparison, tmp_path: Path) -> None:
    text = as_web_page(comparison, tmp_path)
    assert "offset 0 holds &lt;0x00&gt; | not 0xab" in text
    styles = set(Page(text).styles)
    assert {"passed", "failed", "error", "known-defect", "not-applicable", "not-run"} <= styles


def test_scenarios_that_end_alike_are_only_among_all(comparison: Comparison, tmp_path: Path) -> None:
    cells = Page(as_web_page(comparison, tmp_path)).texts["th"]
    assert cells.count("Same") == 1
    assert cells.count("Arrives") == 2
    assert cells.count("Breaks") == 3


def test_scenarios_stand_below_their_feature_and_rule(comparison: Comparison, tmp_path: Path) -> None:
    cells = Page(as_web_page(comparison, tmp_path)).texts["th"]
    headings = [cell for cell in cells if cell in ("backup: Chains", "backup: Old things", "A rule")]
    assert headings[-4:] == ["backup: Chains", "A rule", "backup: Old things", "A rule"]
    assert "### backup: Old things" in as_markdown(comparison, tmp_path)


def test_summary_for_the_readme(comparison: Comparison) -> None:
    text = readme_part(comparison)
    assert text.startswith("Tried on 23 November 2026, 9 scenarios:\n\n| QEMU | build | passed |")
    assert "| 11.1.3 | new Debian 1:11.1.3+dfsg-1 | 4 | 0 | 2 | 1 | 1 | 4 s |" in text
    assert "| could not be tried | gone | 0 |" in text
    assert text.endswith("|\n")

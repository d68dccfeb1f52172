from __future__ import annotations

import fcntl
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aftermath import BOUND, has_ended
from junitparser import JUnitXml

from testbed.campaign.matrix import compatibility, webpage
from testbed.campaign.matrix.comparison import Comparison, Trial, Upgrade
from testbed.reports.outcome import Status

ROOT = Path(__file__).parents[3]

WHEN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

FEATURE = "features/bitmap/merging_nothing.feature"

NO_PERF = "this build has no x-perf (QEMU has it since 6.0, this is 5.2.0)"


def outcome(title: str, status: str, *, why: str = "", rule: str | None = "A rule", feature: str = "Chains") -> Any:
    is_red = Status(status).is_red
    return {
        "suite": f"backup.{feature}",
        "name": f"{rule}: {title}",
        "area": "backup",
        "feature": feature,
        "rule": rule,
        "scenario": title,
        "file": "features/backup/chains.feature",
        "line": 7,
        "report": "backup.chains",
        "status": status,
        "headline": why if is_red else "",
        "reasons": [why] if why and not is_red else [],
        "evidence": f"/reports/evidence/{title}" if is_red or status == "known defect" else None,
    }


def trial(
    folder: Path, version: str, outcomes: Sequence[Mapping[str, Any]], errors: Sequence[str] = (), *more: str
) -> Trial:
    """Read a run back that left these outcomes in a folder named after its build."""
    folder.mkdir(parents=True)
    summary = {"outcomes": outcomes, "seconds": 4.25, "errors": [{"message": text} for text in errors]}
    (folder / "summary.json").write_text(json.dumps(summary))
    banner = f"QEMU emulator version {version} (Debian 1:{version}+dfsg-1)"
    (folder / "environment.json").write_text(json.dumps({"qemu": {"banner": banner}}))
    return Trial.read(folder.name, folder, more)


def test_a_storage_daemon_has_its_version_and_is_called_one(tmp_path: Path) -> None:
    folder = trial(tmp_path / "daemon", "7.2.22", []).folder
    banner = "qemu-storage-daemon version 7.2.22 (Debian 1:7.2)"
    (folder / "environment.json").write_text(json.dumps({"qemu": {"banner": banner}}))
    again = Trial.read("daemon", folder)
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


@pytest.mark.parametrize("left", ["nothing", "half"])
def test_trial_without_a_summary_came_to_no_end(tmp_path: Path, left: str) -> None:
    if left == "half":
        (tmp_path / "summary.json").write_text('{"outcomes": [')
    found = Trial.read("x", tmp_path)
    assert found.verdict == "could not be tried"
    assert found.problems == ["the run came to no end; console.txt is what it said"]


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


# What is written.


class Page(HTMLParser):
    """An HTML page: its links, its cells, and whether every element is closed that has to be."""

    VOID = frozenset({"meta", "input", "br"})
    OPEN_ENDED = frozenset({"li", "td", "th", "tr", "p", "html"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.styles: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.links.append(given["href"] or "")
        if tag == "td" and given.get("class"):
            self.styles.append(given["class"] or "")
        if tag not in self.VOID | self.OPEN_ENDED:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.OPEN_ENDED:
            assert self.open.pop() == tag


def test_markdown_page_tells_differences_first(comparison: Comparison, tmp_path: Path) -> None:
    text = compatibility.page(comparison, tmp_path, WHEN)
    headings = re.findall(r"^## (.*)", text, re.MULTILINE)
    assert headings == [
        "What fails",
        "From one build to another",
        "Where the builds differ",
        "All scenarios",
        "Why scenarios do not apply",
    ]
    assert "9 scenarios, tried on 23 November 2026 at 09:30 UTC." in text
    assert (
        "| old | 5.2.0 | Debian 1:5.2.0+dfsg-1 | **2 failed** | 5 | 2 | 0 | 0 | 2 | 4.2 s | [reports](<builds/old>) |"
        in text
    )
    assert "```text\n/nowhere does not exist\n  remedy: name one\n```" in text
    assert "<summary><b>From old (5.2.0) to new (11.1.3)</b>: 1 fail now; " in text
    assert (
        "| Breaks | [passed](<builds/old/junit/TEST-backup.chains.xml>) |"
        f" [**error**](<{os.path.relpath('/reports/evidence/Breaks', tmp_path)}>) |"
    ) in text


def test_markdown_page_links_to_each_reason_once(comparison: Comparison, tmp_path: Path) -> None:
    text = compatibility.page(comparison, tmp_path, WHEN)
    anchors = re.findall(r'<a id="(.*?)">', text)
    assert len(anchors) == len(set(anchors)) == 2
    assert set(re.findall(r"\]\(#(.*?)\)", text)) == set(anchors)


def test_markdown_shows_odd_characters_as_they_are(comparison: Comparison, tmp_path: Path) -> None:
    text = compatibility.page(comparison, tmp_path, WHEN)
    assert r"offset 0 holds \<0x00\> \| not 0xab" in text
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    columns = {len(re.split(r"(?<!\\)\|", line)) for line in tables}
    assert columns == {13, 5}


def test_web_page_is_sound(comparison: Comparison, tmp_path: Path) -> None:
    text = webpage.page(comparison, tmp_path, WHEN)
    page = Page(text)
    assert page.open == []
    assert "offset 0 holds &lt;0x00&gt; | not 0xab" in text
    assert {"passed", "failed", "error", "known-defect", "not-applicable", "not-run"} <= set(page.styles)
    assert {style for style in page.styles if style != "number"} <= set(re.findall(r"\.([a-z-]+) ?[,{]", webpage.STYLE))
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//|<script|<link|@import|url\(", text)


def test_web_page_hides_what_is_alike(comparison: Comparison, tmp_path: Path) -> None:
    rows = re.findall(r'<tr class="case( same)?"><th[^>]*>(.*?)</th>', webpage.page(comparison, tmp_path, WHEN))
    assert [title for same, title in rows if same] == ["Same"]
    assert len(rows) == len(comparison.cases)


def test_readme_table(comparison: Comparison) -> None:
    readme = "before\n<!-- compatibility: written by make matrix -->\nold\n<!-- end of compatibility -->\nafter\n"
    text = compatibility.rewritten(readme, comparison, WHEN)
    assert text.startswith("before\n<!-- compatibility: written by make matrix -->\nTried on 23 November 2026, 9 scen")
    assert text.endswith("|\n<!-- end of compatibility -->\nafter\n")
    assert "| 11.1.3 | new Debian 1:11.1.3+dfsg-1 | 4 | 0 | 2 | 1 | 1 | 4 s |" in text
    assert "| could not be tried | gone | 0 |" in text
    assert compatibility.rewritten(text, comparison, WHEN) == text


def test_readme_without_a_place_is_an_error(comparison: Comparison) -> None:
    with pytest.raises(LookupError, match="written by make matrix"):
        compatibility.rewritten("nothing", comparison, WHEN)


# The program, on a real QEMU.


@pytest.fixture(scope="module")
def qemu() -> str:
    found = shutil.which("qemu-system-x86_64")
    if found is None or not shutil.which("qemu-img") or not shutil.which("qemu-io"):
        pytest.skip("there is no QEMU on the PATH")
    return found


def matrix(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "testbed.campaign.matrix", *arguments],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def finished(qemu: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Return a matrix of one QEMU under two names and of one that is not there, with the folder of its reports."""
    top = tmp_path_factory.mktemp("größe, and blanks")
    stale = top / "builds" / "stale"
    stale.mkdir(parents=True)
    done = matrix(
        *("--reports", str(top), f"first={qemu}", "nowhere=/nowhere/qemu", "second=qemu-system-x86_64"),
        *("--", FEATURE, "-D", "keep=always"),
        # Variables that are meant for one build must not reach the others.
        QEMU_IMG_PROG="/nowhere/qemu-img",
    )
    return done, top


Ended = tuple[subprocess.CompletedProcess[str], Path]


def test_each_build_has_its_own_reports(finished: Ended) -> None:
    _, top = finished
    assert sorted(folder.name for folder in (top / "builds").iterdir() if folder.is_dir()) == [
        "first",
        "nowhere",
        "second",
    ]
    for build in ("first", "second"):
        folder = top / "builds" / build
        (suite,) = JUnitXml.fromfile(str(folder / "junit" / "TEST-bitmap.merging_nothing.xml"))
        assert suite.tests == 2
        assert len(list((folder / "evidence").iterdir())) == 2
        assert "2 scenarios in" in (folder / "console.txt").read_text()


def test_build_that_cannot_be_tried_is_said_and_the_next_is_tried(finished: Ended) -> None:
    done, top = finished
    assert done.returncode == 2
    assert "could not be tried" in done.stdout
    assert "/nowhere/qemu does not exist\n      remedy: name one with -D qemu=PATH" in done.stdout
    (suite,) = JUnitXml.fromfile(str(top / "builds" / "nowhere" / "junit" / "TEST-environment.xml"))
    assert suite.errors == 1


def test_console_tells_of_each_build_in_a_line(finished: Ended) -> None:
    done, _ = finished
    assert done.stdout.startswith("3 builds, ")
    assert len(re.findall(r"^(?:first|second) +\d+\.\d+\S* +2 [a-z ]+ +\d+\.\d s$", done.stdout, re.MULTILINE)) == 2
    assert done.stderr == ""


def test_links_of_the_pages_lead_somewhere(finished: Ended) -> None:
    _, top = finished
    linked = [link.replace("%20", " ") for link in Page((top / "compatibility.html").read_text()).links]
    linked += re.findall(r"\]\(<(.*?)>\)", (top / "compatibility.md").read_text())
    assert len(linked) > 10
    assert [link for link in linked if not (top / link).exists()] == []


def test_one_build_under_two_names_does_not_differ(finished: Ended) -> None:
    _, top = finished
    assert re.search(
        r"From first \(\S+\) to second \(\S+\)</b>: nothing changes", (top / "compatibility.md").read_text()
    )


def test_broken_promise_gives_another_status_than_a_build_that_is_not_there(qemu: str, tmp_path: Path) -> None:
    # A defect that 5.2 does not have is a broken promise.
    liar = tmp_path / "qemu-system-x86_64"
    liar.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec echo QEMU emulator version 5.2.0\nexec "{qemu}" "$@"\n')
    liar.chmod(0o755)
    done = matrix("--reports", str(tmp_path / "reports"), f"liar={liar}", "gone=/nowhere", "--", FEATURE)
    if "2 passed" in done.stdout:
        pytest.skip("the QEMU on the PATH has not the defect that would break the promise")
    assert done.returncode == 1
    assert "failed: No bitmaps are merged into one that has recorded: QEMU killed by SIGSEGV" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["debian:Trixie", "a=/x", "a=/y"], '"Trixie" cannot be the code name of a Debian release'),
        (["debian:trixie", "a=/x", "a=/y"], 'several builds are called "a"'),
        (["--file", "/nowhere.toml"], "/nowhere.toml cannot be read"),
        (["--jobs", "0", "/x"], "give a number from 1 on"),
        (["--job", "1", "--refresh"], "unrecognized arguments: --refresh"),
        (["--reports", "/proc/nowhere", "/x"], "reports cannot be written to /proc/nowhere/builds/"),
    ],
)
def test_wrong_call_is_explained(arguments: list[str], said: str) -> None:
    done = matrix(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_selected_is_no_success(qemu: str, tmp_path: Path) -> None:
    done = matrix("--reports", str(tmp_path), qemu, "--", "--tags", "misspelt")
    assert done.returncode == 2
    assert "no scenario is selected" in done.stdout


def test_releases_that_are_missing_are_listed(tmp_path: Path) -> None:
    done = matrix("--to-fetch", "debian:trixie", "/x", "debian:sid/s390x", XDG_CACHE_HOME=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"Debian trixie \(\w+\): .* yet\nDebian sid \(s390x\): .* yet\n", done.stdout)
    assert list(tmp_path.iterdir()) == []


def test_releases_that_cannot_be_fetched_are_left_out_if_asked_for(qemu: str, tmp_path: Path) -> None:
    away = tmp_path / "mmdebstrap"
    away.write_text("#!/bin/sh\necho the network is away >&2\nexit 1\n")
    away.chmod(0o755)
    without_network = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    arguments = ("--leave-out-unfetched", "--reports", str(tmp_path / "reports"), "debian:trixie")
    done = matrix(*arguments, f"here={qemu}", "--", FEATURE, **without_network)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "trixie is left out\n" in done.stdout
    assert "the network is away" in done.stdout
    assert "1 build, " in done.stdout
    done = matrix(*arguments, **without_network)
    assert done.returncode == 2
    assert "none of the builds could be fetched\n  remedy: name one that is there" in done.stderr


def test_second_comparison_at_once_keeps_to_its_own_folder(tmp_path: Path) -> None:
    builds = tmp_path / "builds"
    builds.mkdir()
    with (builds / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = matrix("--reports", str(tmp_path), "gone=/nowhere")
    assert "another run is reporting" in done.stdout
    assert not (tmp_path / "compatibility.md").exists()
    assert len(list(builds.glob("run-*/compatibility.md"))) == 1


def test_interrupt_ends_all_runs(tmp_path: Path) -> None:
    told = tmp_path / "told"
    os.mkfifo(told)
    stuck = tmp_path / "qemu-system-x86_64"
    stuck.write_text(f'#!/bin/sh\necho $PPID >"{told}"\nexec sleep 20\n')
    stuck.chmod(0o755)
    arguments = ("--jobs", "2", "--reports", str(tmp_path / "reports"), f"a={stuck}", f"b={stuck}")
    with subprocess.Popen([sys.executable, "-m", "testbed.campaign.matrix", *arguments], cwd=ROOT) as process:
        # Each build tells by which run it was started.
        pipe = os.open(told, os.O_RDWR)
        started: list[int] = []
        while len(started) < 2 and select.select([pipe], [], [], BOUND)[0]:
            started += map(int, os.read(pipe, 100).split())
        os.close(pipe)
        process.send_signal(signal.SIGINT)
        assert process.wait(BOUND) == 130
    assert len(started) == 2
    assert all(has_ended(number) for number in started)

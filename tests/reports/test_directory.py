from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from testbed.base.files import list_contents, shown, write_atomically, write_json
from testbed.base.gherkin import Config
from testbed.base.keeping import FILES, LEFT_OUT
from testbed.base.problems import EnvironmentUnusable
from testbed.reports.directory import LOCK, directories, open_reports
from testbed.reports.outcome import RunSummary, Status


def config(junit_directory: str = "reports", **userdata: str) -> Config:
    return cast("Config", SimpleNamespace(userdata=userdata, junit_directory=junit_directory))


@pytest.mark.parametrize(
    ("given", "root", "junit"),
    [
        (config(), "reports", "reports/junit"),
        (config(reports="/x/y"), "/x/y", "/x/y/junit"),
        (config("out"), "out", "out"),
        (config("out", reports="/x"), "/x", "/x/junit"),
    ],
)
def test_directories_are_those_of_the_command_line(given: Config, root: str, junit: str) -> None:
    assert directories(given) == (Path(root), Path(junit))


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")
    with path.open(encoding="utf-8") as reader:
        write_atomically(path, "new ü")
        assert reader.read() == "old"
    assert path.read_text(encoding="utf-8") == "new ü"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_replaced_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        write_atomically(tmp_path / "file", "new")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_json_takes_what_a_summary_holds(tmp_path: Path) -> None:
    value = {"path": tmp_path, "time": datetime(2026, 1, 2, tzinfo=UTC), "status": Status.NOT_RUN, "odd": "\udc80"}
    write_json(tmp_path / "file", value)
    read: Any = json.loads((tmp_path / "file").read_text(encoding="utf-8"))
    assert read == {
        "path": str(tmp_path),
        "time": "2026-01-02T00:00:00+00:00",
        "status": "not run",
        "odd": "\udc80",
    }


def test_the_environment_is_told_in_a_file_and_in_properties(tmp_path: Path) -> None:
    with open_reports(tmp_path / "r", tmp_path / "r" / "junit") as reports:
        reports.describe_environment({"qemu": {"version": "7.2", "tools": {"img": "7.2"}}, "options": ["a", "b"]})
        assert reports.properties == {"qemu.version": "7.2", "qemu.tools.img": "7.2", "options": "['a', 'b']"}
        assert json.loads((reports.root / "environment.json").read_text(encoding="utf-8"))["options"] == ["a", "b"]


def test_a_second_run_gets_a_folder_of_its_own_and_a_third_another(tmp_path: Path) -> None:
    root, junit = tmp_path / "r", tmp_path / "r" / "junit"
    with open_reports(root, junit) as first, open_reports(root, junit) as second, open_reports(root, junit) as third:
        assert (first.root, first.remark) == (root, None)
        roots = {first.root, second.root, third.root}
        assert len(roots) == 3
        assert second.remark is not None
        assert second.junit.parent == second.root
        assert second.root.parent == third.root.parent == root
    with open_reports(root, junit) as again:
        assert again.root == root


def test_the_repetition_of_a_scenario_goes_with_its_evidence(tmp_path: Path) -> None:
    for name in ("seen", "at work", "mine"):
        folder = tmp_path / "evidence" / name
        (folder / "repeat").mkdir(parents=True)
        list_contents(folder, [])
        (folder / "repeat" / "summary.json").write_text("{}")
    (tmp_path / "evidence" / "seen" / "repeat" / LOCK).touch()
    with open_reports(tmp_path / "evidence" / "at work" / "repeat", tmp_path / "evidence" / "at work" / "repeat"):
        (tmp_path / "evidence" / "at work" / "repeat" / "summary.json").write_text("{}")
        with open_reports(tmp_path, tmp_path):
            pass
    left = {path.parts[-3] for path in (tmp_path / "evidence").rglob("repeat/summary.json")}
    assert left == {"at work", "mine"}


def test_dead_runs_are_removed_and_nothing_else(tmp_path: Path) -> None:
    alive = os.getpid()
    for name, is_ours in (("run-999999999-0", True), (f"run-{alive}-0", True), ("run-2024-05", False)):
        (tmp_path / name).mkdir()
        if is_ours:
            (tmp_path / name / ".lock").touch()
    with open_reports(tmp_path, tmp_path / "junit"):
        left = {folder.name for folder in tmp_path.glob("run-*")}
    assert left == {f"run-{alive}-0", "run-2024-05"}


def test_results_of_an_earlier_run_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in ("TEST-a.xml", ".TEST-a.xml.1.tmp", "environment.json", "summary.json", "README.md", "other.xml"):
        (tmp_path / name).touch()
    with open_reports(tmp_path, tmp_path):
        left = {file.name for file in tmp_path.iterdir()}
    assert left == {".lock", "README.md", "other.xml"}


def test_evidence_of_an_earlier_run_is_removed_and_nothing_else(tmp_path: Path) -> None:
    ours, shared, theirs = (tmp_path / "evidence" / name for name in ("ours", "shared", "theirs"))
    for folder in (ours, shared, theirs):
        folder.mkdir(parents=True)
        (folder / "qmp.jsonl").touch()
    for folder in (ours, shared):
        list_contents(folder, ["qmp.jsonl", "never-written.qcow2", "../theirs/qmp.jsonl"])
    (shared / "notes.txt").touch()
    for name in FILES:
        (tmp_path / "evidence" / name).touch()
    with open_reports(tmp_path, tmp_path / "junit"):
        left = sorted(str(path.relative_to(tmp_path / "evidence")) for path in tmp_path.glob("evidence/*/*"))
        assert {path.name for path in (tmp_path / "evidence").iterdir()} == {"shared", "theirs"}
    assert left == ["shared/notes.txt", "theirs/qmp.jsonl"]
    assert not ours.exists()


def test_a_place_that_cannot_be_used_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(EnvironmentUnusable, match=r"reports cannot be written to .*/: File exists\n  remedy: give a"),
        open_reports(tmp_path / "file", tmp_path / "file" / "junit"),
    ):
        pytest.fail("a file is no directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_place_is_a_problem(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(EnvironmentUnusable, match="Permission denied"), open_reports(tmp_path, tmp_path / "junit"):
        pytest.fail("it may not be written")


def test_paths_are_shown_as_a_user_would_type_them() -> None:
    assert shown(Path.cwd() / "reports" / "a") == "reports/a"
    assert shown(Path("/elsewhere/a")) == "/elsewhere/a"


def test_a_summary_says_how_the_run_went(tmp_path: Path) -> None:
    with open_reports(tmp_path, tmp_path) as reports:
        reports.write_summary(RunSummary((), (), datetime(2026, 1, 2, tzinfo=UTC), 1.5, reports=tmp_path))
    read: Any = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert (read["failed"], read["counts"], read["seconds"]) == (False, {}, 1.5)


def test_a_summary_says_what_was_left_out_of_the_evidence(tmp_path: Path) -> None:
    with open_reports(tmp_path, tmp_path) as reports:
        reports.evidence.mkdir()
        (reports.evidence / LEFT_OUT).write_text("2 images left out\n  a: 1 MiB\n", encoding="utf-8")
        reports.write_summary(RunSummary((), (), datetime(2026, 1, 2, tzinfo=UTC), 1.5, reports=tmp_path))
    read: Any = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert read["left_out_of_evidence"] == "2 images left out"

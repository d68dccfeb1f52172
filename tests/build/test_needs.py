from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from testbed.base.problems import AuthorError
from testbed.build import needs
from testbed.build.boards import BOARDS
from testbed.build.capabilities import Capabilities
from testbed.build.needs import NEEDS, Need, table, unmet
from testbed.build.schema import Schema
from testbed.build.toolchain import Tool, Toolchain

DATA = Path(__file__).parents[1] / "data"

RELEASES = ("5.2", "7.2", "10.0", "11.1")

TRUTH = {
    # What each of the four releases has, as Debian built them.
    "drive-backup": "yyyy",
    "blockdev-backup": "yyyy",
    "x-perf": "-yyy",
    "min-cluster-size": "--yy",
    "compress": "yyyy",
    "job-commands": "yyyy",
    "block-job-commands": "yyyy",
    "blockdev-create": "yyyy",
    "set-active": "--yy",
    "block-graph": "yyyy",
    "human-monitor": "yyyy",
    "guest-disk": "yyyy",
    "disk-reading-firmware": "yyyy",
    "bitmap-hash": "yyyy",
    "nbd": "yyyy",
    "block-export": "yyyy",
    "export-inactive": "--yy",
    "qcow2": "yyyy",
    "raw": "yyyy",
    "vmdk": "yyyy",
    "vdi": "yyyy",
    "qed": "yyyy",
    "luks": "yyyy",
    "blkdebug": "yyyy",
    "throttle": "yyyy",
    "copy-on-read": "yyyy",
    "data-file": "yyyy",
    "extended-l2": "yyyy",
    "zstd": "-yyy",
    "qemu-img-bitmap": "yyyy",
}


OF_THE_RUN = {"small-disk", "next-build"}
"""Needs that no build has or lacks, but the machine that the suite runs on, or whoever started it."""


@cache
def recorded(release: str) -> dict[str, Any]:
    record = json.loads(gzip.decompress((DATA / f"build-{release}.json.gz").read_bytes()))
    assert isinstance(record, dict)
    return record


def toolchain(release: str) -> Toolchain:
    version = tuple(map(int, release.split(".")))
    qemu, *tools = (
        Tool(Path("/build", name), version, f"{name} version {release}")
        for name in ("qemu", "qemu-img", "qemu-io", "qemu-nbd", "qemu-storage-daemon")
    )
    return Toolchain(qemu, *tools)


def refuse(argv: Sequence[str]) -> str:
    raise AssertionError(f"nobody should have asked {argv}")


def capabilities(
    release: str,
    answers: dict[str, str] | None = None,
    schema: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = list,
) -> Capabilities:
    """The capabilities of a recorded build, some of whose answers, or whose schema, may be changed."""
    record = recorded(release)
    known = record["answers"] | (answers or {})

    def ask(argv: Sequence[str]) -> str:
        answer: str = known[" ".join([Path(argv[0]).name, *argv[1:]])]
        return answer

    return Capabilities(toolchain(release), lambda: schema(record["schema"]), ask)


def without(*names: str) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    return lambda schema: [entry for entry in schema if entry["name"] not in names]


@pytest.mark.parametrize("release", RELEASES)
def test_needs_of_recorded_builds(release: str) -> None:
    build = capabilities(release)
    place = RELEASES.index(release)
    expected = {name: has[place] == "y" for name, has in TRUTH.items()}
    assert {need.name: needs.has(build, need.name) for need in NEEDS if need.name not in OF_THE_RUN} == expected


@pytest.mark.parametrize("need", [need for need in NEEDS if need.name not in OF_THE_RUN], ids=lambda need: need.name)
def test_version_since_which_qemu_has_it_agrees_with_the_recorded_builds(need: Need) -> None:
    for release, has in zip(RELEASES, TRUTH[need.name], strict=True):
        old_enough = not need.since or _version(release) >= _version(need.since)
        assert old_enough or has == "-", f"{need.name} is in {release}, not only since {need.since}"


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def test_recordings_are_small() -> None:
    assert all(path.stat().st_size < 60_000 for path in DATA.glob("*.gz"))


# What is asked, and when.


def test_nothing_is_found_out_before_it_is_needed() -> None:
    def source() -> list[dict[str, Any]]:
        raise AssertionError("nobody should have asked for the schema")

    build = Capabilities(toolchain("7.2"), source, refuse)
    assert unmet([], build) == []
    assert unmet(["next-build"], build) == [
        "this build has no other build for its machines to go on with (none was named; -D next_qemu=PATH names one)"
    ]
    next_build = Capabilities(toolchain("7.2"), source, refuse, next_build=toolchain("10.0"))
    assert unmet(["next-build"], next_build) == []


def test_command_needs_the_schema_only_and_it_is_fetched_once() -> None:
    fetched = []

    def source() -> list[dict[str, Any]]:
        fetched.append(1)
        schema: list[dict[str, Any]] = recorded("7.2")["schema"]
        return schema

    build = Capabilities(toolchain("7.2"), source, refuse)
    for name in ("drive-backup", "x-perf", "block-export", "zstd"):
        needs.has(build, name)
    assert fetched == [1]


def test_tool_is_asked_once() -> None:
    asked = []

    def ask(argv: Sequence[str]) -> str:
        asked.append(tuple(argv))
        return "Supported qcow2 options:\n  data_file=<str>\n"

    build = Capabilities(toolchain("7.2"), list, ask)
    assert needs.has(build, "data-file")
    assert not needs.has(build, "extended-l2")
    assert asked == [("/build/qemu-img", "create", "-f", "qcow2", "-o", "help")]


# Builds that lack something.


def test_all_reasons_are_given_in_plain_words() -> None:
    build = capabilities("7.2", schema=without("drive-backup"))
    assert unmet(["drive-backup", "x-perf", "min-cluster-size"], build) == [
        "this build has no drive-backup command (dropped or left out by its packager)",
        "this build has no argument x-perf.min-cluster-size of blockdev-backup (QEMU has it since 9.2, this is 7.2)",
    ]


def test_reason_is_given_once_for_what_several_sentences_need() -> None:
    build = capabilities("7.2", schema=without("drive-backup"))
    assert len(unmet(["drive-backup", "drive-backup"], build)) == 1


def test_event_is_no_command() -> None:
    schema = Schema([{"name": "JOB", "meta-type": "event", "arg-type": "0"}])
    assert schema.arguments("JOB") == []
    assert not schema.has_command("JOB")
    assert not schema.has_argument("JOB")


def test_what_a_storage_daemon_lacks_it_lacks_since_it_is_one() -> None:
    known = toolchain("7.2")
    daemon = replace(known.qemu, banner="qemu-storage-daemon version 7.2.22")
    build = Capabilities(replace(known, qemu=daemon), list, lambda _argv: "")
    assert unmet(["human-monitor", "set-active"], build) == [
        "this build has no human-monitor-command command (this is a storage daemon)",
        "this build has no blockdev-set-active command (QEMU has it since 10.0, this is 7.2)",
    ]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("name", "driver"), [("vmdk", "vmdk"), ("qcow2", "qcow2"), ("blkdebug", "blkdebug")])
def test_driver_that_the_packager_does_not_let_write(release: str, name: str, driver: str) -> None:
    said = recorded(release)["answers"]["qemu -machine none -drive format=help"]
    for_writing, rest = said.split("\n", 1)
    assert f" {driver} " in for_writing
    build = capabilities(
        release, {"qemu -machine none -drive format=help": f"{for_writing.replace(f' {driver} ', ' ')}\n{rest}"}
    )
    assert not needs.has(build, name)
    assert f" {driver} " in rest


@pytest.mark.parametrize("release", RELEASES)
def test_format_that_qemu_img_does_not_know(release: str) -> None:
    said = recorded(release)["answers"]["qemu-img --help"]
    build = capabilities(release, {"qemu-img --help": re.sub(r"\bvmdk\b", "", said)})
    assert not needs.has(build, "vmdk")
    assert needs.has(build, "qcow2")


def test_emulator_that_does_not_list_its_drivers_is_taken_at_its_schema_s_word() -> None:
    build = capabilities("11.1", {"qemu -machine none -drive format=help": "qemu: no such option\n"})
    assert needs.has(build, "throttle")
    build = capabilities("5.2", {"qemu -machine none -drive format=help": ""})
    assert not build.has_driver("copy-before-write")


def test_qemu_img_without_bitmaps() -> None:
    build = capabilities("7.2", {"qemu-img bitmap": "qemu-img: Command not found: bitmap\n"})
    assert not needs.has(build, "qemu-img-bitmap")


@pytest.mark.parametrize(
    ("machines", "devices", "board"),
    [
        (["none", "pc", "q35"], ["virtio-scsi-pci", "scsi-hd"], "pc"),
        (["none", "q35"], ["virtio-scsi-pci", "scsi-hd"], "q35"),
        (["virt-7.2", "virt"], ["virtio-scsi-pci", "scsi-hd"], "virt"),
        (["s390-ccw-virtio", "none"], ["virtio-scsi-ccw", "scsi-hd"], "s390-ccw-virtio"),
        (["pc", "none"], ["virtio-scsi-device", "scsi-hd"], None),
        (["pc", "none"], ["virtio-scsi-pci"], None),
        (["none", "microvm"], ["virtio-scsi-pci", "scsi-hd"], None),
    ],
)
def test_machine_with_a_disk(machines: list[str], devices: list[str], board: str | None) -> None:
    names = {name for one in BOARDS for name in (one.controller, one.disk)}
    answers = {f"qemu -device {name},help": f"Device '{name}' not found" for name in names}
    answers |= {f"qemu -device {device},help": f"{device} options:\n" for device in devices}
    answers["qemu -machine help"] = "".join(f"{machine:20} A machine\n" for machine in machines)
    build = capabilities("7.2", answers)
    assert (build.board and build.board.machine) == board
    assert needs.has(build, "guest-disk") == (board is not None)


# The list itself.


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("drive-bakup", 'did you mean "drive-backup"'),
        ("", f"of {len(NEEDS)}, the nearest are: "),
        ("weather-report", f"of {len(NEEDS)}, the nearest are: "),
        ("Drive-Backup", 'did you mean "drive-backup"'),
    ],
)
def test_unknown_need_is_an_author_s_slip(name: str, hint: str) -> None:
    with pytest.raises(AuthorError) as caught:
        unmet(["drive-backup", name], capabilities("7.2"))
    assert str(caught.value).startswith(f'there is no need "{name}"; {hint}')


def test_names_are_unique_and_plain() -> None:
    names = [need.name for need in NEEDS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)


def test_table_lists_every_need() -> None:
    lines = table().splitlines()
    assert len(lines) == len(NEEDS) + 2
    for need, line in zip(NEEDS, lines[2:], strict=True):
        assert line.startswith(f"| `{need.name}` | {need.meaning} |")
        assert line.count("|") == 4


# The schema, with types of every kind.

SMALL = Schema(
    [
        {"name": "do", "meta-type": "command", "arg-type": "1"},
        {"name": "1", "meta-type": "object", "members": [{"name": "list", "type": "[2]", "default": None}]},
        {"name": "[2]", "meta-type": "array", "element-type": "2"},
        {
            "name": "2",
            "meta-type": "alternate",
            "members": [{"type": "str"}, {"type": "3"}],
        },
        {
            "name": "3",
            "meta-type": "object",
            "members": [{"name": "kind", "type": "4"}],
            "tag": "kind",
            "variants": [{"case": "old", "type": "5"}, {"case": "new", "type": "6"}],
        },
        {"name": "4", "meta-type": "enum", "values": ["old", "new"]},
        {"name": "5", "meta-type": "object", "members": [{"name": "again", "type": "3"}]},
        {"name": "6", "meta-type": "object", "members": [{"name": "how", "type": "8"}]},
        {"name": "8", "meta-type": "enum", "members": [{"name": "fast"}, {"name": "slow"}]},
        {"name": "str", "meta-type": "builtin", "json-type": "string"},
    ]
)


@pytest.mark.parametrize("path", [(), ("list",), ("list", "kind"), ("list", "how"), ("list", "again", "again", "how")])
def test_path_through_arrays_alternatives_and_branches(path: tuple[str, ...]) -> None:
    assert SMALL.has_argument("do", *path)


@pytest.mark.parametrize("path", [("kind",), ("list", "list"), ("list", "how", "fast"), ("list", "old"), ("str",)])
def test_path_that_leads_nowhere(path: tuple[str, ...]) -> None:
    assert not SMALL.has_argument("do", *path)


def test_words_of_enumerations_old_and_new() -> None:
    assert SMALL.has_enum_member("new", "do", "list", "kind")
    assert SMALL.has_enum_member("fast", "do", "list", "how")
    assert not SMALL.has_enum_member("new", "do", "list", "how")
    assert not SMALL.has_enum_member("kind", "do", "list")
    assert not SMALL.has_enum_member("new", "undo", "list", "kind")

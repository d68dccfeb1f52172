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
from programs import shell_program

from testbed.base.problems import AuthorError
from testbed.build import needs
from testbed.build.answers import Answer, Unclear, answer_of
from testbed.build.boards import Board, candidates
from testbed.build.capabilities import Capabilities
from testbed.build.needs import NEEDS, STATED, TRIED, Need, table, unmet
from testbed.build.promised import COMMANDS, COMMANDS_OF_MACHINES, Withdrawn
from testbed.build.schema import Schema
from testbed.build.toolchain import Tool, Toolchain
from testbed.upkeep.record import RELEVANT

DATA = Path(__file__).parents[1] / "data"

RELEASES = ("5.2", "7.2", "10.0", "11.1")

TRUTH = {
    "reopen": "yyyy",
    "reopen-several": "-yyy",
    "state-jobs": "-yyy",
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
    "frozen-view": "-yyy",
    "on-cbw-error": "-yyy",
    "cbw-timeout": "-yyy",
    "cbw-min-cluster-size": "--yy",
    "discard-source": "--yy",
    "backup-on-cbw-error": "---y",
    "bitmap-migration": "yyyy",
    "bitmap-mapping": "yyyy",
    "bitmap-transform": "-yyy",
    "nbd": "yyyy",
    "block-export": "yyyy",
    "export-any-bitmap": "-yyy",
    "export-inactive": "--yy",
    "qcow2": "yyyy",
    "raw": "yyyy",
    "vmdk": "yyyy",
    "vdi": "yyyy",
    "qed": "yyyy",
    "luks": "yyyy",
    "blkdebug": "yyyy",
    "blklogwrites": "yyyy",
    "throttle": "yyyy",
    "copy-on-read": "yyyy",
    "data-file": "yyyy",
    "extended-l2": "yyyy",
    "zstd": "-yyy",
    "qemu-img-bitmap": "yyyy",
    "remove-all-bitmaps": "---y",
    "skip-broken-bitmaps": "-yyy",
}


OF_THE_RUN = {"small-disk", "next-build", "qemu-nbd", "libnbd", "libnbd-python"}
"""Needs that no build has or lacks, but the machine that the suite runs on, or whoever started it."""


@cache
def recorded(release: str) -> dict[str, Any]:
    record = json.loads(gzip.decompress((DATA / f"build-{release}.json.gz").read_bytes()))
    assert isinstance(record, dict)
    return record


def toolchain(release: str) -> Toolchain:
    version = tuple(map(int, release.split(".")))
    qemu, *tools = (
        Tool(Path("/build", name), version, f"{name} version {release}") for name in ("qemu", "qemu-img", "qemu-io")
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
    build = capabilities("7.2", schema=without("x-debug-query-block-graph"))
    assert unmet(["block-graph", "x-perf", "min-cluster-size"], build) == [
        "this build has no x-debug-query-block-graph command (dropped or left out by its packager)",
        "this build has no argument x-perf.min-cluster-size of blockdev-backup (QEMU has it since 9.2, this is 7.2)",
    ]


def test_reason_is_given_once_for_what_several_sentences_need() -> None:
    build = capabilities("7.2", schema=without("x-debug-query-block-graph"))
    assert len(unmet(["block-graph", "block-graph"], build)) == 1


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


def emulator(
    machines: list[str], taken: list[str], words: str = "Could not find it", device: str = "scsi-hd options:\n"
) -> Capabilities:
    """A build with such machines, of which those that are taken take a disk."""
    answers = {
        "qemu -device scsi-hd,help": device,
        "qemu -machine help": "".join(f"{line}\n" for line in ["Supported machines are:", *machines]),
    }

    return replace(capabilities("7.2", answers), tries_board=lambda board: Answer(yes=str(board) in taken, words=words))


@pytest.mark.parametrize(
    ("machines", "board"),
    [
        (["none  empty", "pc  PC (alias of pc-i440fx-7.2)", "q35  PC"], "pc with virtio-scsi-pci"),
        (["virt-7.2  ARM", "virt  ARM (alias of virt-7.2)"], "virt with virtio-scsi-pci"),
        (["s390-ccw-virtio  S/390"], "s390-ccw-virtio with virtio-scsi-ccw"),
        (["sun4u  Sun (default)"], "sun4u with virtio-scsi-pci,bus=pciB"),
        (["mipssim  MIPS", "malta  MIPS (default)"], "malta with virtio-scsi-pci"),
        (["virt  m68k"], "virt with virtio-scsi-device"),
        (["SS-5  Sun (default)"], "SS-5 with the controllers that it has"),
    ],
)
def test_first_machine_that_takes_a_disk(machines: list[str], board: str) -> None:
    build = emulator(machines, [board])
    assert str(build.board) == board
    assert needs.has(build, "guest-disk")


def test_machines_that_are_known_come_first_then_the_default_and_no_old_versions() -> None:
    boards = candidates("Supported:\naaa  A\npc-i440fx-7.1  PC\nbbb  B (default)\nvirt  V\nnone  N\n")
    assert list(dict.fromkeys(board.machine for board in boards)) == ["virt", "bbb", "aaa"]


def test_machine_stays_whatever_its_guest_does() -> None:
    schema = [{"name": "set-action", "meta-type": "command", "arg-type": "0", "ret-type": "0"}]
    found = emulator(["hppa  B160L (default)"], ["hppa with virtio-scsi-pci"])
    build = replace(found, schema_source=lambda: schema)
    assert build.board
    assert build.board.hardware[4:] == ("-boot", "menu=on", "-no-shutdown", "-action", "panic=none")
    old = capabilities("5.2").board
    assert old
    assert old.hardware[4:] == ("-no-shutdown",)


@pytest.mark.parametrize(
    ("machines", "words", "reason"),
    [
        (
            ["virt  RISC-V", "spike  S"],
            "Unable to load opensbi-riscv64-generic-fw_dynamic.bin",
            "QEMU says: virt with virtio-scsi-pci: Unable to load opensbi-riscv64-generic-fw_dynamic.bin (such files"
            " are in a package that Debian calls opensbi); 5 others were tried in vain, too",
        ),
        (
            ["shix  card (default)", "r2d  board"],
            "Could not load it",
            "QEMU says: shix with virtio-scsi-pci: Could not load it; r2d with virtio-scsi-pci will not do: its guest"
            " resets itself without end when there is nothing to boot; 4 others were tried in vain, too",
        ),
        (["none  empty"], "", "dropped or left out by its packager"),
    ],
)
def test_reason_why_no_machine_takes_a_disk_is_qemu_s(machines: list[str], words: str, reason: str) -> None:
    assert unmet(["guest-disk"], emulator(machines, [], words)) == [
        f"this build has no machine whose guest can have a SCSI disk ({reason})"
    ]


def test_without_the_device_no_machine_is_tried() -> None:
    build = emulator(["pc  PC"], ["pc with virtio-scsi-pci"], device="qemu: Device 'scsi-hd' not found\n")
    assert unmet(["guest-disk"], build)[0].endswith("(QEMU says: qemu: Device 'scsi-hd' not found)")


@pytest.mark.parametrize(("machines", "board"), [(["pc  PC", "q35  PC"], None), (["aaa  A", "bbb  B"], "bbb")])
def test_trial_that_kills_qemu_is_no_no_but_that_of_a_machine_that_nobody_knows(
    machines: list[str], board: str | None
) -> None:
    def die(tried: Board) -> Answer:
        if tried.machine in ("pc", "aaa"):
            raise Unclear("killed by SIGSEGV")
        return Answer(yes=True)

    build = replace(emulator(machines, []), tries_board=die)
    if board:
        assert build.board
        assert build.board.machine == board
        build = replace(emulator(machines[:1], []), tries_board=die)
    with pytest.raises(Unclear, match="SIGSEGV"):
        unmet(["guest-disk"], build)


# What every build has, and what none may lack.


@pytest.mark.parametrize("release", RELEASES)
def test_promised_needs_and_commands_are_in_every_recorded_build(release: str) -> None:
    build = capabilities(release)
    assert [need.name for need in NEEDS if need.promised_by and not need.answer(build)] == []
    recorded_here = {name for name in COMMANDS | COMMANDS_OF_MACHINES if RELEVANT.search(name)}
    assert sorted(name for name in recorded_here if not build.has_commands(name)) == []


def test_commands_that_every_recorded_build_has_and_that_the_testbed_gives_are_promised() -> None:
    testbed = Path(needs.__file__).parents[1]
    folders = [testbed / room for room in ("domain", "promises", "qemu", "scenario")]
    words = {
        word
        for folder in folders
        for file in folder.rglob("*.py")
        for word in re.findall(r'"([a-z][a-z0-9_-]+)"', file.read_text(encoding="utf-8"))
    }
    builds = [capabilities(release) for release in RELEASES]
    everywhere = {name for name in words if all(build.has_commands(name) for build in builds)}
    assert {"blockdev-backup", "block-dirty-bitmap-merge"} <= everywhere
    unpromised = everywhere - COMMANDS - COMMANDS_OF_MACHINES
    assert [name for name in sorted(unpromised) if not name.startswith("x-")] == []


@pytest.mark.parametrize(
    ("need", "gone", "meaning"),
    [
        ("blockdev-backup", "blockdev-backup", "blockdev-backup command"),
        ("job-commands", "job-finalize", "job-* commands"),
        ("block-export", "block-export-add", "block-export-add that exports over NBD"),
        ("compress", "blockdev-backup", "argument compress of blockdev-backup"),
    ],
)
def test_lack_of_what_every_qemu_has_is_a_broken_promise(need: str, gone: str, meaning: str) -> None:
    build = capabilities("10.0", schema=without(gone))
    with pytest.raises(Withdrawn, match=rf"^this build has no {re.escape(meaning)}; every QEMU since 5\.2 has it$"):
        unmet(["set-active", need], build)


def test_what_a_storage_daemon_never_had_it_has_not_promised() -> None:
    build = capabilities("7.2", schema=without("human-monitor-command", "drive-backup"))
    known = build.toolchain
    build.toolchain = replace(known, qemu=replace(known.qemu, banner="qemu-storage-daemon version 7.2"))
    assert len(unmet(["human-monitor"], build)) == 1
    with pytest.raises(Withdrawn, match="drive-backup"):
        unmet(["drive-backup"], build)


# What is neither yes nor no.


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("kill -SEGV $$", "killed by SIGSEGV"),
        ("sh -c 'kill -ABRT $$'", "as a shell does for SIGABRT"),
        ("exec /nonexistent/program", "exited with status 127"),
    ],
)
def test_program_that_dies_has_not_said_no(tmp_path: Path, script: str, said: str) -> None:
    program = shell_program(tmp_path / "qemu-img", script)
    known = toolchain("7.2")
    build = Capabilities(replace(known, qemu_img=replace(known.qemu_img, path=program)), list)
    for _ in range(2):
        with pytest.raises(Unclear, match=said):
            unmet(["data-file"], build)


def test_program_that_says_no_may_call_that_an_error(tmp_path: Path) -> None:
    program = shell_program(tmp_path / "qemu-img", "echo 'qemu-img: Command not found:' $1 >&2; exit 1")
    known = toolchain("7.2")
    build = Capabilities(replace(known, qemu_img=replace(known.qemu_img, path=program)), list)
    with pytest.raises(
        Withdrawn, match=r"qemu-img bitmap; every QEMU since .* says: qemu-img: Command not found: bitmap"
    ):
        unmet(["qemu-img-bitmap"], build)


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("data-file", {"qemu-img create -f qcow2 -o help": "qemu-img: out of luck\n"}),
        ("qcow2", {"qemu-img --help": ""}),
        ("guest-disk", {"qemu -device scsi-hd,help": "qemu: out of luck\n"}),
    ],
)
def test_unknown_answer_is_no_lack(name: str, answers: dict[str, str]) -> None:
    with pytest.raises(Unclear, match=r"nobody can tell: .*(out of luck|it says nothing)"):
        unmet([name], capabilities("7.2", answers))


@pytest.mark.parametrize("name", ["luks", "zstd", "vmdk", "throttle"])
def test_name_alone_is_no_yes(name: str) -> None:
    build = capabilities("7.2")
    build.tries = lambda need: Answer(yes=False, words=f"Unsupported {need} mode")
    assert unmet([name], build)[0].endswith(f"(QEMU says: Unsupported {name} mode)")


STATED_NEEDS = [need for need in NEEDS if need.source == STATED]

WITH_OWN_TRIAL = ("guest-disk", "qemu-img-bitmap", "qemu-nbd", "remove-all-bitmaps", "skip-broken-bitmaps")

TRIED_BY_NAME = [need for need in NEEDS if need.source == TRIED and need.name not in WITH_OWN_TRIAL]
"""Needs whose trial has the need's name; the others have a trial of their own."""


@pytest.mark.parametrize("need", TRIED_BY_NAME, ids=lambda need: need.name)
def test_need_that_is_tried_is_met_by_no_name(need: Need) -> None:
    build = capabilities("11.1")
    build.tries = lambda name: Answer(yes=name != need.name, words=f"{name} is not supported")
    assert need.answer(build) == Answer(yes=False, words=f"{need.name} is not supported")


@pytest.mark.parametrize("need", STATED_NEEDS, ids=lambda need: need.name)
def test_need_that_the_schema_states_asks_for_nothing_else(need: Need) -> None:
    build = replace(capabilities("11.1"), ask=refuse)
    build.tries = lambda name: Answer(yes=False, words=refuse([name]))
    assert need.answer(build)


@pytest.mark.parametrize(
    "words",
    [
        "Unsupported cipher mode xts",
        "Algorithm 'aes-256' not supported",
        "Driver 'vmdk' is not whitelisted",
        "Unknown driver 'vdi'",
        "Parameter 'compression-type' does not accept value 'zstd'",
        "qemu: could not load PC BIOS 'bios-256k.bin'",
        "'virtio-scsi-pci' is not a valid device model name",
        "Device 'virtio-scsi-pci' not found",
    ],
)
def test_words_that_mean_no(words: str) -> None:
    assert answer_of(f"{words}\n", "QEMU") == Answer(yes=False, words=words)


@pytest.mark.parametrize("words", ["", "Input/output error", "Cannot allocate memory", "Permission denied"])
def test_words_that_do_not_mean_no(words: str) -> None:
    with pytest.raises(Unclear, match=f"nobody can tell: QEMU says: {words}$"):
        answer_of(words, f"QEMU says: {words}")


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
        assert line.endswith(f"| {need.source} |")
        assert line.count("|") == 5


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


def test_server_of_images_is_looked_for_beside_qemu_img(tmp_path: Path) -> None:
    known = toolchain("7.2")
    tools = replace(known, qemu_img=replace(known.qemu_img, path=tmp_path / "qemu-img"))
    build = Capabilities(tools, list, refuse)
    assert not build.has_image_server()
    (tmp_path / "qemu-nbd").touch()
    build.ask = lambda _argv: "qemu-nbd 7.2.22"
    assert build.has_image_server()


def test_foreign_clients_are_looked_for_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    shell_program(tmp_path / "nbdinfo", "echo nbdinfo 1.14.2")
    build = Capabilities(toolchain("7.2"), list)
    assert not build.has_libnbd()
    assert "`.ci/setup clients` installs them" in unmet(["libnbd"], build)[0]
    shell_program(tmp_path / "nbdcopy", "echo nbdcopy 1.14.2; echo libnbd 1.14.2")
    build = Capabilities(toolchain("7.2"), list)
    assert build.has_libnbd()
    assert build.clients() == {str(tmp_path / "nbdinfo"): "nbdinfo 1.14.2", str(tmp_path / "nbdcopy"): "nbdcopy 1.14.2"}
    shell_program(tmp_path / "nbdcopy", "echo hello")
    assert not Capabilities(toolchain("7.2"), list).has_libnbd()


@pytest.mark.parametrize(
    ("said", "known"), [("libnbd 1.14.2", True), ("ModuleNotFoundError: No module named 'nbd'", False)]
)
def test_python_is_asked_whether_it_knows_libnbd(said: str, known: bool) -> None:  # noqa: FBT001 (a column)
    build = capabilities("7.2")
    build.ask = lambda _argv: said
    assert bool(build.has_libnbd_for_python()) is known

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from programs import shell_program

from testbed.base.problems import EnvironmentUnusable, Problem
from testbed.base.settings import Settings
from testbed.build import toolchain as module
from testbed.build.toolchain import Toolchain

HOST = platform.machine()

TOOLS = ("qemu-img", "qemu-io")

REMEDY = "name a {} that runs on this machine with -D {}=PATH"


def banner(name: str, version: str = "7.2.22") -> str:
    known_as = "QEMU emulator" if name.startswith(("qemu-system", "qemu-kvm")) else name
    return f"{known_as} version {version} (Some 1:{version}+1)\nCopyright (c) somebody"


def fake(path: Path, version: str = "7.2.22") -> Path:
    return shell_program(path, f"cat <<'END'\n{banner(path.name, version)}\nEND")


def fake_all(directory: Path, emulator: str = f"qemu-system-{HOST}", version: str = "7.2.22") -> Path:
    for name in (emulator, *TOOLS):
        fake(directory / name, version)
    return directory


def path_of(*directories: Path) -> dict[str, str]:
    return {"PATH": os.pathsep.join(map(str, directories))}


def find(environ: Mapping[str, str], **settings: str) -> Toolchain:
    return Toolchain.find(Settings.load(settings, {}), environ)


def problems(environ: Mapping[str, str], **settings: str) -> list[Problem]:
    with pytest.raises(EnvironmentUnusable) as caught:
        find(environ, **settings)
    return list(caught.value.problems)


def paths(found: Toolchain) -> list[Path]:
    return [tool.path for tool in (found.qemu, found.qemu_img, found.qemu_io)]


# Tools of another build than QEMU's.


def test_tools_of_the_same_build_are_not_worth_a_word(tmp_path: Path) -> None:
    assert find(path_of(fake_all(tmp_path))).of_other_builds == []


def test_tools_of_another_build_are_named(tmp_path: Path) -> None:
    tools = fake_all(tmp_path)
    fake(tools / "qemu-img", "8.0.1")
    shell_program(tools / "qemu-io", "echo qemu-io version 7.2.22")
    assert find(path_of(tools)).of_other_builds == [
        f"qemu-img 8.0.1 (Some 1:8.0.1+1): {tools / 'qemu-img'}",
        f"qemu-io 7.2.22 (no package): {tools / 'qemu-io'}",
    ]


# A storage daemon in the place of an emulator.


def test_a_storage_daemon_may_stand_in_for_an_emulator(tmp_path: Path) -> None:
    tools = fake_all(tmp_path)
    daemon = fake(tools / "qemu-storage-daemon")
    found = find(path_of(tools), qemu="qemu-storage-daemon")
    assert (found.qemu.path, found.qemu_img.path) == (daemon, tools / "qemu-img")
    assert found.qemu.is_storage_daemon
    assert not find(path_of(tools)).qemu.is_storage_daemon


def test_a_storage_daemon_does_so_only_when_it_is_asked_for(tmp_path: Path) -> None:
    tools = fake_all(tmp_path, "qemu-storage-daemon")
    (problem,) = problems(path_of(tools))
    assert problem.what == "there is no qemu-system-* on the PATH"


def test_an_old_storage_daemon_may_not_stand_in(tmp_path: Path) -> None:
    tools = fake_all(tmp_path, "qemu-storage-daemon", version="5.2.0")
    (problem,) = problems(path_of(tools), qemu="qemu-storage-daemon")
    assert (problem.what.rpartition("/")[2], problem.remedy) == (
        "qemu-storage-daemon is version 5.2.0, too old",
        "use version 6.0 or newer",
    )


def test_no_other_tool_may_stand_in(tmp_path: Path) -> None:
    (problem,) = problems(path_of(fake_all(tmp_path)), qemu="qemu-img")
    assert "does not say that it is a QEMU emulator" in problem.what


# Where programs are.


def test_on_the_path(tmp_path: Path) -> None:
    fake_all(tmp_path / "a")
    fake_all(tmp_path / "b")
    found = find(path_of(tmp_path / "missing", tmp_path / "a", tmp_path / "b"))
    assert paths(found) == [tmp_path / "a" / name for name in (f"qemu-system-{HOST}", *TOOLS)]


def test_no_program_is_started_that_no_scenario_needs(tmp_path: Path) -> None:
    tools = fake_all(tmp_path)
    for name in ("qemu-nbd", "qemu-storage-daemon"):
        shell_program(tools / name, f"touch {tmp_path}/started")
    find({}, qemu=str(tools))
    find(path_of(tools))
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(
    ("emulators", "chosen"),
    [
        ([f"qemu-system-{HOST}", "qemu-kvm", "qemu-system-aaa"], f"qemu-system-{HOST}"),
        (["qemu-kvm", "qemu-system-aaa"], "qemu-kvm"),
        (["qemu-system-zzz", "qemu-system-aaa"], "qemu-system-aaa"),
    ],
)
@pytest.mark.parametrize("as_directory", [True, False])
def test_which_emulator(tmp_path: Path, emulators: list[str], chosen: str, as_directory: bool) -> None:  # noqa: FBT001
    fake_all(tmp_path, emulators[0])
    for name in emulators[1:]:
        fake(tmp_path / name)
    settings = {"qemu": str(tmp_path)} if as_directory else {}
    assert find({} if as_directory else path_of(tmp_path), **settings).qemu.path == tmp_path / chosen


@pytest.mark.parametrize(("machine", "name"), [("ppc64le", "ppc64"), ("AMD64", "x86_64"), ("s390x", "s390x")])
def test_emulators_and_kernels_name_architectures_differently(
    monkeypatch: pytest.MonkeyPatch, machine: str, name: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert module._host_first()[0] == f"qemu-system-{name}"


@pytest.mark.parametrize(
    ("emulator", "tools"),
    [
        (f"qemu-system-{HOST}", "."),
        (f"build/qemu-system-{HOST}", "build"),
        (f"{HOST}-softmmu/qemu-system-{HOST}", "."),
        (f"build/{HOST}-softmmu/qemu-system-{HOST}", "build"),
        (f"bin/qemu-system-{HOST}", "bin"),
        (f"usr/bin/qemu-system-{HOST}", "usr/bin"),
        (f"usr/local/bin/qemu-system-{HOST}", "usr/local/bin"),
        ("libexec/qemu-kvm", "bin"),
        ("usr/libexec/qemu-kvm", "usr/bin"),
    ],
)
def test_build_trees_and_installations(tmp_path: Path, emulator: str, tools: str) -> None:
    tree = tmp_path / "a tree, with [blanks]"
    expected = [fake(tree / emulator), *(fake(tree / tools / name) for name in TOOLS)]
    assert paths(find(path_of(fake_all(tmp_path / "path")), qemu=str(tree))) == expected


def test_what_lies_about_in_a_build_tree_is_no_program(tmp_path: Path) -> None:
    tree = fake_all(tmp_path, "qemu-system-zzz")
    (tree / "qemu-system-aaa.p").mkdir()
    (tree / "qemu-system-bbb.texi").write_text("")
    assert find({}, qemu=str(tree)).qemu.path == tree / "qemu-system-zzz"


def test_tools_of_a_tree_are_not_mixed_with_those_of_the_path(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    fake(tree / f"qemu-system-{HOST}")
    fake(tree / "qemu-img")
    (problem,) = problems(path_of(fake_all(tmp_path / "path")), qemu=str(tree))
    assert problem.what == f"there is no qemu-io in {tree}"
    assert problem.remedy == "build or install it there; or name one with -D qemu_io=PATH"


def test_tools_beside_a_named_binary_come_before_those_of_the_path(tmp_path: Path) -> None:
    qemu = fake(tmp_path / "mine" / f"qemu-system-{HOST}")
    img = fake(tmp_path / "mine" / "qemu-img")
    path = fake_all(tmp_path / "path")
    found = find(path_of(path), qemu=str(qemu))
    assert paths(found) == [qemu, img, path / "qemu-io"]


@pytest.mark.parametrize("folder", [f"{HOST}-softmmu", "storage-daemon"])
def test_tools_lie_above_a_program_in_its_folder_of_a_build_tree(tmp_path: Path, folder: str) -> None:
    img, io = (fake(tmp_path / "build" / name) for name in TOOLS)
    path = path_of(fake_all(tmp_path / "path"))
    for name in (f"qemu-system-{HOST}", "qemu-storage-daemon"):
        qemu = fake(tmp_path / "build" / folder / name)
        assert paths(find(path, qemu=str(qemu))) == [qemu, img, io]


def test_what_is_named_itself_comes_first(tmp_path: Path) -> None:
    tree, path = fake_all(tmp_path / "tree"), fake_all(tmp_path / "path")
    io = fake(tmp_path / "other" / "qemu-io")
    img = shell_program(path / "my-qemu-img", f"echo '{banner('qemu-img')}'")
    found = find(path_of(path), qemu=str(tree), qemu_io=str(io), qemu_img="my-qemu-img")
    assert paths(found)[1:] == [img, io]


def test_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_all(tmp_path / "build")
    monkeypatch.chdir(tmp_path)
    assert find({}, qemu="build").qemu.path == tmp_path / "build" / f"qemu-system-{HOST}"
    assert find({}, qemu=f"build/qemu-system-{HOST}").qemu_img.path == tmp_path / "build" / "qemu-img"


# What they say.


@pytest.mark.parametrize(
    ("option", "said", "version"),
    [
        ("qemu", "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)", (7, 2, 22)),
        ("qemu", "QEMU emulator version 8.2.0 (qemu-kvm-8.2.0-11.el9)", (8, 2, 0)),
        ("qemu", "QEMU emulator version 11.0.50 (v11.0.0-123-gabcdef)", (11, 0, 50)),
        ("qemu", "a wrapper speaks\nQEMU emulator version 5.2.0", (5, 2, 0)),
        ("qemu_img", "qemu-img version 5.2.0 (Debian 1:5.2+dfsg-11+deb11u3)", (5, 2, 0)),
        ("qemu", "qemu-storage-daemon version 9.0.93 (v9.1.0-rc3)", (9, 0, 93)),
    ],
)
def test_versions(tmp_path: Path, option: str, said: str, version: tuple[int, ...]) -> None:
    path = fake_all(tmp_path / "path")
    named = shell_program(tmp_path / "named", f"cat <<'END'\n{said}\nCopyright 2003-2021 somebody\nEND")
    tool = getattr(find(path_of(path), **{option: str(named)}), option)
    assert tool.version == version
    assert tool.release == ".".join(map(str, version))
    assert tool.banner == said.splitlines()[-1]


def test_all_are_asked_at_once(tmp_path: Path) -> None:
    for name in (f"qemu-system-{HOST}", *TOOLS):
        shell_program(tmp_path / name, f"/bin/sleep 0.5; echo '{banner(name).splitlines()[0]}'")
    started = time.monotonic()
    find({}, qemu=str(tmp_path))
    assert time.monotonic() - started < 1.5


def test_description_is_fit_for_json_and_complete(tmp_path: Path) -> None:
    fake_all(tmp_path)
    description = json.loads(json.dumps(find({}, qemu=str(tmp_path)).describe()))
    assert description["qemu_img"] == {
        "path": str(tmp_path / "qemu-img"),
        "version": "7.2.22",
        "banner": "qemu-img version 7.2.22 (Some 1:7.2.22+1)",
    }
    assert description["host"]["kernel"] == platform.release()
    assert description["host"]["python"] == platform.python_version()
    assert description["packages"].keys() == {"behave", "qemu.qmp", "PyHamcrest"}
    assert description["packages"]["qemu.qmp"].startswith("0.0.")


# What is wrong with them.


def test_nothing_is_there(tmp_path: Path) -> None:
    found = problems(path_of(tmp_path), qemu=str(tmp_path))
    assert [problem.what for problem in found] == [
        f"there is no {name} in {tmp_path}" for name in ("qemu-system-*", "qemu-img", "qemu-io")
    ]


def test_each_distribution_gets_its_command(tmp_path: Path) -> None:
    qemu = fake(tmp_path / f"qemu-system-{HOST}")
    image_tool, io_tool = problems(path_of(tmp_path), qemu=str(qemu))
    assert image_tool.what == "there is no qemu-img beside qemu or on the PATH"
    assert io_tool.what == "there is no qemu-io beside qemu or on the PATH"
    for problem in (image_tool, io_tool):
        assert "apt install qemu-utils (Debian, Ubuntu)" in problem.remedy
        assert "dnf install qemu-img (Fedora, RHEL)" in problem.remedy
        assert "-D qemu_i" in problem.remedy


def test_everything_that_is_wrong_is_reported_at_once(tmp_path: Path) -> None:
    path = fake_all(tmp_path / "path")
    (tmp_path / "text").write_text("no program")
    found = problems(
        path_of(path),
        qemu=str(tmp_path / "missing"),
        qemu_img=str(tmp_path / "text"),
        qemu_io=str(tmp_path),
    )
    assert found == [
        Problem(f"{tmp_path}/missing does not exist", "name one with -D qemu=PATH"),
        Problem(f"{tmp_path}/text may not be executed", "name one with -D qemu_img=PATH"),
        Problem(f"{tmp_path} is a directory", "name one with -D qemu_io=PATH"),
    ]


def test_what_is_wrong_with_programs_that_are_there_is_reported_at_once(tmp_path: Path) -> None:
    path = fake_all(tmp_path / "path")
    old = fake(tmp_path / "old" / f"qemu-system-{HOST}", "5.1.92")
    assert problems(path_of(path), qemu=str(old), qemu_img="no-such-img") == [
        Problem("there is no no-such-img on the PATH", "name one with -D qemu_img=PATH"),
        Problem(f"{old} is version 5.1.92, too old", "use version 5.2 or newer"),
    ]


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("echo GNU coreutils 9.1", "{} does not say that it is a QEMU emulator; it says: GNU coreutils 9.1"),
        ("true", "{} does not say that it is a QEMU emulator; it says: nothing"),
        (
            "echo qemu-img version 7.2.0",
            "{} does not say that it is a QEMU emulator; it says: qemu-img version 7.2.0",
        ),
        ("exit 1", "{} --version exited with status 1; its stderr is empty"),
        (
            "echo libpmem.so.1 not found >&2; exit 127",
            "{} --version exited with status 127; the end of its stderr:\nlibpmem.so.1 not found",
        ),
        ("kill -ILL $$", "{} --version killed by SIGILL (signal 4); its stderr is empty"),
    ],
)
def test_program_that_is_no_qemu_or_does_not_run(tmp_path: Path, script: str, what: str) -> None:
    path = fake_all(tmp_path / "path")
    named = shell_program(tmp_path / "qemu", script)
    found = problems(path_of(path), qemu=str(named))
    assert found == [Problem(what.format(named), REMEDY.format("QEMU emulator", "qemu"))]


@pytest.mark.parametrize("name", ["qemu-img", "qemu-io"])
def test_tool_that_prints_more_than_its_answer(tmp_path: Path, name: str) -> None:
    path = fake_all(tmp_path / "path")
    shell_program(path / name, f"echo loading profile\necho {name} version 7.2.22")
    (problem,) = problems(path_of(path))
    assert problem.what == f"{path}/{name} prints on its standard output besides its answer: loading profile"
    assert problem.remedy.startswith(f"name the tool itself with -D {name.replace('-', '_')}=PATH")


def test_program_that_does_not_end(tmp_path: Path) -> None:
    path = fake_all(tmp_path / "path")
    named = shell_program(tmp_path / "qemu", "exec /bin/sleep 1000")
    (problem,) = problems(path_of(path), qemu=str(named), patience="0.05")
    assert problem.what.startswith(f"{named} --version did not end within 0.5 s and was killed; meanwhile it got 0.")
    assert problem.remedy == REMEDY.format("QEMU emulator", "qemu")


def test_program_of_another_machine(tmp_path: Path) -> None:
    path = fake_all(tmp_path / "path")
    (path / "qemu-io").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(57))
    (problem,) = problems(path_of(path))
    assert problem.what.startswith(f"{path}/qemu-io --version could not be started: ")
    assert problem.remedy == REMEDY.format("qemu-io", "qemu_io")


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="there is no QEMU on the PATH")
def test_the_qemu_of_this_machine() -> None:
    found = Toolchain.find(Settings(), os.environ)
    assert found.qemu.version >= (5, 2)
    assert found.qemu_img.path.name == "qemu-img"

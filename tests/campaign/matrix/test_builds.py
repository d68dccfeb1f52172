from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from testbed.base.files import PROJECT
from testbed.base.problems import EnvironmentUnusable
from testbed.campaign.matrix import builds, debian
from testbed.campaign.matrix.builds import Build, of_file, of_pairs, of_words
from testbed.campaign.matrix.debian import Cache, Debian

ROOT = Path(__file__).parents[3]

PC = Debian("trixie", "x86_64")

# It unpacks a loader that starts what it is told to, and programs that tell how they were called.
MMDEBSTRAP = """\
#!/bin/sh
for last; do before=$target; target=$last; done
case $target in *://*) tree=$before ;; *) tree=$target ;; esac
printf '%s\\n' "$*" >>"$FAKE/calls"
if [ -e "$FAKE/says" ]; then
    mkdir "$tree/usr"
    cat "$FAKE/says" >&2
    exit 25
fi
mkdir -p "$tree/usr/bin" "$tree/usr/lib/x86_64-linux-gnu/gconv"
cd "$tree/usr"
loader=lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
printf '#!/bin/sh\\n[ "$1" = --library-path ] || exit 3\\nshift 2\\nexec "$@"\\n' >$loader
for program in ${PROGRAMS:-qemu-system-x86_64 qemu-img qemu-io}; do
    printf '#!/bin/sh\\necho "$0 $QEMU_MODULE_DIR"\\nprintf "%%s\\\\n" "$@"\\n' >"bin/$program"
done
touch lib/x86_64-linux-gnu/libc.so.6 lib/x86_64-linux-gnu/gconv/libCNS.so
ln -s libc.so.6 lib/x86_64-linux-gnu/libm.so.6
chmod +x bin/* lib/*/ld*
"""


@dataclass(frozen=True)
class Mirror:
    """A stand-in for mmdebstrap and all that is behind it."""

    home: Path

    @property
    def calls(self) -> list[str]:
        path = self.home / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def fail(self, says: str) -> None:
        (self.home / "says").write_text(says)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    home = tmp_path / "mirror"
    home.mkdir()
    program = home / "mmdebstrap"
    program.write_text(MMDEBSTRAP)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(home))
    return Mirror(home)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, mirror: Mirror, told: list[str]) -> Cache:
    assert mirror.calls == []
    return Cache(tmp_path / "a cache, it's größer", told.append)


def problems(act: Callable[[], object]) -> list[str]:
    with pytest.raises(EnvironmentUnusable) as caught:
        act()
    return [f"{problem.what}\n{problem.remedy}" for problem in caught.value.problems]


# How builds are named.


@pytest.mark.parametrize(
    ("word", "name", "source"),
    [
        ("/opt/qemu/build", "build", "/opt/qemu/build"),
        ("mine=/opt/a=b/qemu", "mine", "/opt/a=b/qemu"),
        ("/opt/a=b/qemu 10", "qemu-10", "/opt/a=b/qemu 10"),
        ("qemu-kvm", "qemu-kvm", "qemu-kvm"),
        ("debian:trixie", "trixie", debian.Debian.named("trixie")),
        ("debian:sid/s390x", "sid-s390x", Debian("sid", "s390x")),
        ("9.2+fix=debian:sid/s390x", "9.2+fix", Debian("sid", "s390x")),
        ("/", "build", "/"),
    ],
)
def test_build_is_read(word: str, name: str, source: str | Debian) -> None:
    assert of_words([word]) == [Build(name, source)]


def test_target_is_this_machines_unless_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert Debian.named("trixie") == Debian("trixie", "aarch64")
    assert Debian.named("trixie/x86_64") == PC


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = problems(lambda: of_words(["debian:Trixie", "debian:", "/a/build", "/b/build", "sid=x", "SID=y"]))
    assert [what.partition("\n")[0] for what in found] == [
        '"Trixie" cannot be the code name of a Debian release',
        '"" cannot be the code name of a Debian release',
        'several builds are called "build"',
        'several builds are called "sid"',
        'several builds are called "SID"',
    ]


def test_no_build_is_a_problem() -> None:
    assert problems(lambda: of_words([])) == [
        "no build is named\nname some, such as debian:trixie or /path/to/qemu",
    ]


def test_file_lists_builds(tmp_path: Path) -> None:
    path = tmp_path / "matrix.toml"
    path.write_text('[builds]\nold = "debian:bullseye"\nmine = "/with a blank/qemu"\n')
    assert of_file(path) == [Build("old", Debian.named("bullseye")), Build("mine", "/with a blank/qemu")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("builds =", "cannot be read"),
        ("[bilds]\n", "does not list builds"),
        ('builds = ["a"]', "does not list builds"),
        ("[builds]\na = 5\n", "does not list builds"),
        ('[builds]\n"../a" = "b"\n', '"../a" cannot be the name of a build'),
        ("[builds]\n", "no build is named"),
        (None, "cannot be read"),
    ],
)
def test_bad_file_is_explained(tmp_path: Path, text: str | None, problem: str) -> None:
    path = tmp_path / "matrix.toml"
    if text is not None:
        path.write_text(text)
    (found,) = problems(lambda: of_file(path))
    assert problem in found


def test_list_of_this_project_is_sound() -> None:
    listed = of_file(ROOT / ".ci" / "matrix.toml")
    assert {build.name for build in listed} == {"bullseye", "bookworm", "trixie", "sid"}


def test_path_is_that_of_the_caller(cache: Cache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Build.read("./qemu").locate(cache) == str(tmp_path / "qemu")
    assert Build.read("~/qemu").locate(cache) == str(Path.home() / "qemu")
    assert Build.read("qemu-kvm").locate(cache) == "qemu-kvm"


# Pairs.


def test_pair_is_a_build_whose_machines_go_on_with_another(cache: Cache) -> None:
    old, new = Build.read("/opt/old", "old"), Build.read("qemu-kvm", "new")
    there, back = of_pairs(["old:new", "new:old", "old:new"], [old, new])
    assert (there.name, there.folder, there.all) == ("old to new", "old-to-new", [there, new])
    assert there.options(cache) == {"qemu": "/opt/old", "next_qemu": "qemu-kvm"}
    assert back.options(cache) == {"qemu": "qemu-kvm", "next_qemu": "/opt/old"}
    assert (old.all, old.options(cache)) == ([old], {"qemu": "/opt/old"})


def test_both_releases_of_a_pair_are_fetched(cache: Cache, mirror: Mirror) -> None:
    (pair,) = of_pairs(["trixie:sid"], of_words(["debian:trixie", "debian:sid"]))
    assert list(pair.options(cache)) == ["qemu", "next_qemu"]
    assert len(mirror.calls) == 2


def test_all_pairs_of_builds_that_are_not_there_are_said_at_once() -> None:
    found = problems(lambda: of_pairs(["trixie:sidd", "trixie", ":"], of_words(["debian:trixie", "debian:sid"])))
    assert found == [
        '"trixie:sidd" is no pair: there is no build "sidd"\ndid you mean "sid"?',
        '"trixie" is no pair: there is no build ""\nthere are: "trixie", "sid"',
        '":" is no pair: there is no build ""\nthere are: "trixie", "sid"',
    ]


# Fetching.


def test_release_is_fetched_once(cache: Cache, mirror: Mirror, told: list[str]) -> None:
    programs = cache.fetched(PC)
    assert sorted(path.name for path in programs.iterdir()) == ["qemu-img", "qemu-io", "qemu-system-x86_64"]
    assert Build("x", PC).locate(cache) == str(programs)
    assert len(mirror.calls) == 1
    assert told == ["fetching Debian trixie (x86_64): it has not been fetched yet"]
    assert cache.fault(PC) is None


def test_release_is_asked_for_by_the_names_of_its_programs(cache: Cache, mirror: Mirror) -> None:
    cache.fetched(PC)
    words = f" {mirror.calls[0]}".split(" --")
    assert "variant=extract" in words
    assert f"mode={'root' if os.geteuid() == 0 else 'chrootless'}" in words
    assert words[-1].startswith("include=qemu-system-x86-64,qemu-utils trixie ")
    assert not any("unauth" in word.lower() or "insecure" in word.lower() for word in words)


def test_ordinary_user_needs_no_rights(cache: Cache, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    cache.fetched(PC)
    assert "--mode=chrootless" in mirror.calls[0]


def test_mirror_of_the_user_is_used(cache: Cache, mirror: Mirror) -> None:
    Cache(cache.folder, cache.tell, "copy:///some/where").fetched(PC)
    assert mirror.calls[0].endswith(" copy:///some/where")


def test_programs_are_started_with_their_own_libraries(cache: Cache) -> None:
    programs = cache.fetched(PC)
    tree = programs.parent / "tree"
    said = subprocess.run([programs / "qemu-system-x86_64", "a b", "*"], capture_output=True, text=True, check=True)
    first, *arguments = said.stdout.splitlines()
    assert first == f"{tree}/usr/bin/qemu-system-x86_64 {tree}/usr/lib/x86_64-linux-gnu/qemu"
    assert arguments[:2] == ["-L", f"{tree}/usr/share/qemu"]
    assert arguments[-2:] == ["a b", "*"]
    tool = subprocess.run([programs / "qemu-img", "--help"], capture_output=True, text=True, check=True)
    assert tool.stdout.splitlines()[1:] == ["--help"]
    assert f"{tree}/usr/lib/x86_64-linux-gnu:{tree}/usr/lib/x86_64-linux-gnu/gconv" in programs.joinpath(
        "qemu-img"
    ).read_text().replace("'\"'\"'", "'")


BREAKAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file cut short": (lambda home: os.truncate(home / "tree/usr/bin/qemu-img", 5), "has changed since"),
    "a byte altered": (lambda home: (home / "bin/qemu-img").write_text("#!/bin/sh\n"), "has changed since"),
    "a library gone": (lambda home: (home / "tree/usr/lib/x86_64-linux-gnu/libc.so.6").unlink(), "has changed since"),
    "a file added": (lambda home: (home / "tree/usr/lib/libz.so").touch(), "has changed since"),
    "no record": (lambda home: (home / "build.json").unlink(), "not fetched to the end"),
    "half a record": (lambda home: os.truncate(home / "build.json", 20), "not fetched to the end"),
    "a record of nothing": (lambda home: (home / "build.json").write_text("[]"), "not fetched to the end"),
    "only a part": (lambda home: shutil.rmtree(home / "bin"), "has changed since"),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_broken_release_is_noticed_and_fetched_anew(
    cache: Cache, mirror: Mirror, told: list[str], breakage: str
) -> None:
    damage, fault = BREAKAGES[breakage]
    home = cache.fetched(PC).parent
    damage(home)
    assert fault in (cache.fault(PC) or "")
    cache.fetched(PC)
    assert cache.fault(PC) is None
    assert len(mirror.calls) == 2
    assert fault in told[-1]


def test_moved_cache_is_noticed(cache: Cache, told: list[str]) -> None:
    cache.fetched(PC)
    moved = Cache(cache.folder.rename(cache.folder.with_name("moved")), told.append)
    assert "has been moved since" in (moved.fault(PC) or "")
    programs = moved.fetched(PC)
    assert "moved" in (programs / "qemu-img").read_text()


def test_forgotten_release_is_fetched_anew(cache: Cache, mirror: Mirror) -> None:
    cache.fetched(PC)
    cache.forget(PC)
    assert cache.fault(PC) == "it has not been fetched yet"
    cache.fetched(PC)
    assert len(mirror.calls) == 2


def test_two_at_once_fetch_once(cache: Cache, mirror: Mirror) -> None:
    threads = [threading.Thread(target=cache.fetched, args=(PC,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mirror.calls) == 1


@pytest.mark.parametrize(
    ("says", "meaning", "remedy"),
    [
        ("Err:1 m\n  Temporary failure resolving 'm'", "mirror cannot be reached: Temporary failure", "MIRROR="),
        ("Could not connect to 127.0.0.1:9 - connect (111: Connection refused)", "cannot be reached", "http_proxy"),
        ("404\nE: The repository 'm x Release' does not have a Release file.", "no release of that name", "code name"),
        ("W: GPG error: m InRelease: NO_PUBKEY 0E98", "signatures cannot be checked: W: GPG", "debian-archive-keyring"),
        ("E: The repository 'm x Release' is not signed.", "signatures cannot be checked", "debian-archive-keyring"),
        ("E: Unable to locate package qemu-system-vax", "no QEMU for that target", "debian:trixie/s390x"),
        ("write: No space left on device", "no room", "XDG_CACHE_HOME"),
        ("something quite different", "it cannot be fetched: env LC_ALL=C mmdebstrap", "mend what it says"),
    ],
)
def test_failure_is_explained_and_leaves_nothing(
    cache: Cache, mirror: Mirror, says: str, meaning: str, remedy: str
) -> None:
    mirror.fail(says)
    (problem,) = problems(lambda: cache.fetched(PC))
    assert problem.startswith("Debian trixie (x86_64): it has not been fetched yet, and ")
    what, _, advice = problem.rpartition("\n")
    assert meaning in what
    assert says.splitlines()[-1].strip() in what
    assert remedy in advice
    assert [path.name for path in cache.folder.iterdir()] == [".trixie-x86_64.lock"]


def test_broken_release_that_cannot_be_fetched_again_is_explained(cache: Cache, mirror: Mirror) -> None:
    home = cache.fetched(PC).parent
    (home / "build.json").unlink()
    mirror.fail("Temporary failure resolving 'm'")
    (problem,) = problems(lambda: cache.fetched(PC))
    assert "it was not fetched to the end, and Debian's mirror cannot be reached" in problem


def test_sound_release_needs_no_network_and_no_mmdebstrap(cache: Cache, mirror: Mirror) -> None:
    fetched = cache.fetched(PC)
    (mirror.home / "mmdebstrap").unlink()
    assert cache.fetched(PC) == fetched
    assert fetched.exists()


def test_release_without_the_emulator_is_none(cache: Cache, monkeypatch: pytest.MonkeyPatch, mirror: Mirror) -> None:
    monkeypatch.setenv("PROGRAMS", "qemu-img")
    (problem,) = problems(lambda: cache.fetched(PC))
    assert "the release has no QEMU for that target" in problem
    assert len(mirror.calls) == 1


def test_missing_mmdebstrap_is_explained(cache: Cache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (problem,) = problems(lambda: cache.fetched(PC))
    assert "there is no mmdebstrap" in problem
    assert re.search(r"apt install .*dnf install ", problem)
    assert cache.fault(PC) == "it has not been fetched yet"


@pytest.mark.parametrize(("place", "problem"), [("a:b", "the colon"), ("file/below", "cannot be written to")])
def test_place_that_cannot_be_used_is_explained(tmp_path: Path, mirror: Mirror, place: str, problem: str) -> None:
    (tmp_path / "file").touch()
    (found,) = problems(lambda: Cache(tmp_path / place, print).fetched(PC))
    assert problem in found
    assert "XDG_CACHE_HOME=" in found
    assert mirror.calls == []


def test_cache_is_where_the_user_wants_it(tmp_path: Path) -> None:
    assert Cache.of_user({"XDG_CACHE_HOME": str(tmp_path)}, print).folder.parent == tmp_path / PROJECT
    assert Cache.of_user({}, print).folder.is_relative_to(Path.home() / ".cache" / PROJECT)


def test_record_tells_what_is_there(cache: Cache) -> None:
    home = cache.fetched(PC).parent
    record = json.loads((home / "build.json").read_text())
    assert record["build"] == "Debian trixie (x86_64)"
    assert record["place"] == str(home)
    assert record["mirror"] == "mmdebstrap's own"


def test_no_source_of_packages_is_written_down() -> None:
    modules = "".join(path.read_text() for path in (ROOT / "testbed" / "campaign" / "matrix").glob("*.py"))
    assert re.findall(r"https?://|\.debian\.(?:org|net)", modules + dedent(builds.__doc__ or "")) == []

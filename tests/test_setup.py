"""What .ci/setup does with a Python that installs nothing, but notes what it was asked for."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[1]

PYTHON = """\
#!/bin/sh
case "$*" in
    "-m venv --clear"*)
        for directory; do :; done
        rm -rf "$directory"
        mkdir -p "$directory/bin" "$directory/site-packages"
        cp "$0" "$directory/bin/python"
        echo "prompt = 'qemu-backup-acceptance'" >"$directory/pyvenv.cfg"
        echo made >>"$NOTES"
        ;;
    *sysconfig*) echo "$VENV/site-packages" ;;
    *install*requirements*.lock)
        echo "installed ${*##* }" >>"$NOTES"
        if [ "$TOLD" ]; then
            # Until somebody tells of it, it takes as long as it takes.
            printf 'Ignoring colorama: not here\\nCollecting behave==1.3.3 (from -r lock)\\n  Downloading behave\\n'
            read -r _ <"$TOLD"
        fi
        [ -z "$NETWORK_IS_DOWN" ] || { echo "ERROR: no network" && exit 1; }
        ;;
    *"ensurepip, venv"*) [ -z "$VENV_IS_MISSING" ] ;;
    *version_info*:2*) echo 3.11 ;;
    *uninstall*) echo "removed pip" >>"$NOTES" ;;
    *ensurepip) echo "added pip" >>"$NOTES" ;;
esac
"""

FOR_RUNNING = ["made", "installed requirements.lock", "removed pip"]
FOR_DEVELOPING = ["added pip", "installed requirements-dev.lock"]


@dataclass
class Checkout:
    """A place with the script and what it reads."""

    home: Path

    def set_up(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Call the script."""
        return subprocess.run(
            [self.home / ".ci/setup", *words],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        """What the script and Python are told."""
        places = {"PYTHON": "./python", "VENV": str(self.home / "venv"), "NOTES": str(self.home / "notes")}
        return {"PATH": "/usr/bin:/bin", **places}

    def noted(self) -> list[str]:
        """Return what has been asked of Python since this was last called."""
        notes = self.home / "notes"
        lines = notes.read_text().splitlines() if notes.exists() else []
        notes.unlink(missing_ok=True)
        return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a place in which nothing is set up yet."""
    (tmp_path / ".ci").mkdir()
    for name in (".ci/setup", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return Checkout(tmp_path)


def test_running_gets_what_it_needs_and_no_more(checkout: Checkout) -> None:
    assert checkout.set_up("python").returncode == 0
    assert checkout.noted() == FOR_RUNNING
    assert (checkout.home / "venv/site-packages/testbed.pth").read_text() == f"{checkout.home}\n"


def test_developing_adds_the_rest_in_place(checkout: Checkout) -> None:
    checkout.set_up("python")
    checkout.noted()
    checkout.set_up("developing")
    assert checkout.noted() == FOR_DEVELOPING


def test_nothing_is_done_where_all_is_in_place(checkout: Checkout) -> None:
    checkout.set_up("developing")
    assert checkout.noted() == [*FOR_RUNNING, *FOR_DEVELOPING]
    for words in (["developing"], ["python"], ["python", "developing"]):
        assert checkout.set_up(*words).returncode == 0
        assert checkout.noted() == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_changed_lock_makes_the_environment_anew(checkout: Checkout, lock: str) -> None:
    checkout.set_up("developing")
    checkout.noted()
    (checkout.home / lock).write_text("another")
    checkout.set_up("developing")
    assert checkout.noted() == [*FOR_RUNNING, *FOR_DEVELOPING]


def test_lock_for_developing_is_nothing_to_running(checkout: Checkout) -> None:
    checkout.set_up("developing")
    checkout.noted()
    (checkout.home / "requirements-dev.lock").write_text("another")
    checkout.set_up("python")
    assert checkout.noted() == []


def test_failed_installation_names_its_remedy_and_is_made_up_for(checkout: Checkout) -> None:
    failed = checkout.set_up("python", NETWORK_IS_DOWN="yes")
    assert failed.returncode == 1
    assert "pip download -r requirements.lock" in failed.stderr
    checkout.noted()
    assert checkout.set_up("python").returncode == 0
    assert checkout.noted() == FOR_RUNNING


def test_directory_of_somebody_else_is_left_alone(checkout: Checkout) -> None:
    (checkout.home / "venv").mkdir()
    (checkout.home / "venv/thesis.txt").write_text("chapter one")
    refused = checkout.set_up("python")
    assert refused.returncode == 1
    assert "was not made by this script" in refused.stderr
    assert (checkout.home / "venv/thesis.txt").exists()


def test_word_that_means_nothing_is_an_error(checkout: Checkout) -> None:
    refused = checkout.set_up("develop")
    assert refused.returncode == 1
    assert "it is qemu, clients, developing, mmdebstrap, releases or python" in refused.stderr
    assert checkout.noted() == []


def test_error_of_pip_is_told_and_nothing_else_of_it(checkout: Checkout) -> None:
    said = checkout.set_up("python", NETWORK_IS_DOWN="yes").stderr
    assert "ERROR: no network" in said
    assert "Collecting" not in said


def test_terminal_shows_how_far_pip_is(checkout: Checkout, tmp_path: Path) -> None:
    told = tmp_path / "told"
    os.mkfifo(told)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [checkout.home / ".ci/setup", "python"],
        env={**checkout.environment, "TERM": "xterm", "TOLD": str(told)},
        stderr=theirs,
    ) as setting_up:
        os.close(theirs)
        said = b""
        while b"packages" not in said and select.select([ours], [], [], 20)[0]:
            said += os.read(ours, 4096)
        told.write_text("go on\n")
        assert setting_up.wait(20) == 0
    os.close(ours)
    total = sum(line[0].isalnum() for line in (ROOT / "requirements.lock").read_text().splitlines() if line)
    assert f"\rset-up: 2 of {total} packages, 1 s: Collecting behave==1.3.3\x1b[K" in said.decode()


TOOLS = ("cat", "cksum", "cut", "dirname", "env", "flock", "grep", "ls", "mkdir", "sh", "tail")


def ordinary_user(home: Path, *programs: str) -> str:
    """Return the PATH of an ordinary user without sudo, who has such programs besides the simplest."""
    folder = home / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(str(shutil.which(tool)))
    for program in ("apt-get", "id", *programs):
        (folder / program).write_text("#!/bin/sh\necho 1000\n")
        (folder / program).chmod(0o755)
    return str(folder)


CLIENTS = "libnbd-bin python3-libnbd"

INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get --quiet=2 install --yes --no-install-recommends"


@pytest.mark.parametrize(
    ("has", "missing", "packages"),
    [
        (
            (),
            "yes",
            f"qemu-system-x86 qemu-utils {CLIENTS} mmdebstrap debian-archive-keyring gpg python3.11-venv",
        ),
        (("mmdebstrap",), "yes", f"qemu-system-x86 qemu-utils {CLIENTS} python3.11-venv"),
        (("qemu-img", "qemu-io", "qemu-system-x86_64"), "", "mmdebstrap debian-archive-keyring gpg"),
    ],
)
def test_all_that_must_be_asked_for_is_named_in_one_command(
    checkout: Checkout, has: tuple[str, ...], missing: str, packages: str
) -> None:
    path = ordinary_user(checkout.home, *has)
    refused = checkout.set_up("qemu", "mmdebstrap", PATH=path, VENV_IS_MISSING=missing)
    assert refused.returncode == 1
    assert refused.stderr.endswith(f" && {INSTALL} {packages}\n")
    assert checkout.noted() == []


FETCHING = "mmdebstrap debian-archive-keyring gpg"


@pytest.mark.parametrize(
    ("builds", "has", "cache", "packages"),
    [
        ("", (), "", f"{FETCHING} python3.11-venv"),
        ("mine=/opt/qemu debian:sid", (), "", f"{FETCHING} python3.11-venv"),
        ("mine=/opt/qemu", (), "", "python3.11-venv"),
        ("debian:sid", (), "cache/qemu-backup-acceptance", "python3.11-venv"),
        ("debian:sid", ("mmdebstrap",), "", "python3.11-venv"),
    ],
)
def test_what_builds_to_compare_take_is_asked_for_together_with_python(
    checkout: Checkout, builds: str, has: tuple[str, ...], cache: str, packages: str
) -> None:
    if cache:
        (checkout.home / cache).mkdir(parents=True)
    told = {"BUILDS": builds, "XDG_CACHE_HOME": str(checkout.home / "cache"), "VENV_IS_MISSING": "yes"}
    refused = checkout.set_up("python", "releases", PATH=ordinary_user(checkout.home, *has), **told)
    assert refused.returncode == 1
    assert refused.stderr.endswith(f" && {INSTALL} {packages}\n")
    assert checkout.noted() == []


def test_what_fetches_builds_is_not_asked_for_where_python_can_tell_whether_it_must(checkout: Checkout) -> None:
    path = ordinary_user(checkout.home)
    for tool in ("cp", "rm", "sleep"):
        Path(path, tool).symlink_to(str(shutil.which(tool)))
    cache = str(checkout.home / "cache")
    made = checkout.set_up("python", "releases", PATH=path, BUILDS="debian:sid", XDG_CACHE_HOME=cache)
    assert (made.returncode, "mmdebstrap" in made.stderr) == (0, False), made.stderr
    assert checkout.noted() == FOR_RUNNING


def test_where_nothing_is_missing_nothing_is_asked_for(checkout: Checkout) -> None:
    path = ordinary_user(checkout.home, "qemu-img", "qemu-io", "qemu-system-x86_64", "mmdebstrap")
    assert "needs root" not in checkout.set_up("qemu", "mmdebstrap", PATH=path).stderr

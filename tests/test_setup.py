"""What .ci/setup does with a Python that installs nothing, but notes what it was asked for."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

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
    *install*requirements*.lock) echo "installed ${*##* }" >>"$NOTES" && [ -z "$NETWORK_IS_DOWN" ] ;;
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
        places = {"PYTHON": "./python", "VENV": str(self.home / "venv"), "NOTES": str(self.home / "notes")}
        return subprocess.run(
            [self.home / ".ci/setup", *words],
            env={"PATH": "/usr/bin:/bin", **places, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

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
    assert "it is qemu, developing, mmdebstrap or python" in refused.stderr
    assert checkout.noted() == []

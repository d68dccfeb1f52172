from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from testbed.build.origin import NO_PACKAGE, ask, package_of
from testbed.build.toolchain import Tool

OWN = Tool(Path("/usr/bin/qemu"), (9, 1, 0), "QEMU emulator version 9.1.0")


def test_a_packager_s_own_words_come_first() -> None:
    named = Tool(Path("/opt/qemu"), (7, 2, 22), "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)")
    assert package_of(named, lambda _argv: "other: /opt/qemu") == "Debian 1:7.2+dfsg-7"


@pytest.mark.parametrize(
    ("owner", "answer", "package"),
    [
        ("dpkg-query", "qemu-system-x86: /usr/bin/qemu", "qemu-system-x86"),
        ("rpm", "qemu-kvm-core-9.1.0-1.x86_64", "qemu-kvm-core-9.1.0-1.x86_64"),
        ("none", "", NO_PACKAGE),
    ],
)
def test_else_the_system_is_asked(owner: str, answer: str, package: str) -> None:
    def says(argv: Sequence[str]) -> str | None:
        assert argv[-1] == "/usr/bin/qemu"
        return answer if argv[0] == owner else None

    assert package_of(OWN, says) == package


def test_what_is_not_there_or_not_known_says_nothing(tmp_path: Path) -> None:
    assert ask(["no-such-list-of-packages", "-S", "/usr/bin/qemu"]) is None
    assert ask(["ls", str(tmp_path / "missing")]) is None
    assert ask(["echo", "qemu: /usr/bin/qemu"]) == "qemu: /usr/bin/qemu"

"""Records what a build says of itself, for tests/build/test_needs.py: `python -m testbed.upkeep.record DIRECTORY ...`.

Each directory is a build tree or an installation. For each, a file build-VERSION.json.gz is written into
tests/data, with the banner, the schema of the QMP commands that have to do with disks, and what the tools answer to the
questions that all needs ask.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed.base.settings import Settings
from testbed.build.capabilities import Capabilities, ask
from testbed.build.needs import NEEDS
from testbed.build.toolchain import Toolchain

HERE = Path(__file__).parents[2] / "tests" / "data"

RELEVANT = re.compile(r"block|drive|job|human-monitor|snapshot|migrate-set")
"""The commands that are kept."""


def schema_of(qemu: Path) -> list[dict[str, Any]]:
    """Return QEMU's answer to query-qmp-schema."""
    commands = "".join(json.dumps({"execute": name}) for name in ("qmp_capabilities", "query-qmp-schema", "quit"))
    done = subprocess.run(
        [qemu, "-machine", "none", "-S", "-nodefaults", "-display", "none", "-qmp", "stdio"],
        input=commands,
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line).get("return") for line in done.stdout.splitlines()]
    return next(answer for answer in answers if isinstance(answer, list))


def pruned(schema: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the relevant commands with all types that can be reached from their arguments."""
    entries = {entry["name"]: entry for entry in schema}
    waiting = [name for name, entry in entries.items() if entry["meta-type"] == "command" and RELEVANT.search(name)]
    kept: dict[str, Mapping[str, Any]] = {}
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = entries[name]
            waiting += types_of(entries[name])
    return [kept[name] for name in entries if name in kept]


def types_of(entry: Mapping[str, Any]) -> list[str]:
    """Return the names of the types that an entry speaks of, but for that of a command's answer."""
    own = [entry[key] for key in ("arg-type", "element-type") if key in entry]
    parts = (*entry.get("members", ()), *entry.get("variants", ()))
    return own + [part["type"] for part in parts if "type" in part]


def essence(answer: str) -> str:
    """Return an answer without explanations, and without the place where the program was."""
    formats = re.search(r"^Supported ", answer, flags=re.MULTILINE)
    without_paths = re.sub(r"/\S*/(?=qemu-)", "", answer[formats.start() if formats else 0 :])
    return re.sub(r"^( +\S+=\S*) .*$", r"\1", without_paths, flags=re.MULTILINE)


def record(directory: Path) -> Path:
    """Record the build in a directory; return the file that was written."""
    toolchain = Toolchain.find(Settings(qemu=str(directory)), os.environ)
    answers: dict[str, str] = {}

    def ask_and_keep(argv: Sequence[str]) -> str:
        program = "qemu" if argv[0] == str(toolchain.qemu.path) else Path(argv[0]).name
        answer = ask(argv)
        answers[" ".join([program, *argv[1:]])] = essence(answer)
        return answer

    schema = schema_of(toolchain.qemu.path)
    capabilities = Capabilities(toolchain, lambda: schema, ask_and_keep)
    for need in NEEDS:
        need.answer(capabilities)
    recorded = {"banner": toolchain.qemu.banner, "schema": pruned(schema), "answers": answers}
    path = HERE / f"build-{'.'.join(map(str, toolchain.qemu.version[:2]))}.json.gz"
    text = json.dumps(recorded, separators=(",", ":"))
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        written = record(Path(argument))
        sys.stdout.write(f"{written}: {written.stat().st_size} bytes\n")

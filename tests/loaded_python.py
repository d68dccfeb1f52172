"""A Python that loads the suite once and is forked for each run: to load it is most of what a small run takes."""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parent.parent

PRELOADED = (
    "behave.configuration",
    "behave.formatter._registry",
    "testbed.run.runner",
    "testbed.scenario.evidence",
    "testbed.campaign.matrix.__main__",
    "testbed.campaign.proof.__main__",
)
"""What each run would load first, besides its steps."""


@dataclass(frozen=True)
class Program:
    """A program that has been started, as subprocess would have it: a process of its own, which must be awaited."""

    python: LoadedPython
    pid: int
    said: tuple[Path, Path]
    """Files of what it writes to stdout and stderr."""

    def send_signal(self, number: int) -> None:
        """Send it a signal; it has its number until it has been awaited."""
        os.kill(self.pid, number)

    def end(self, bound: float) -> tuple[int, str, str]:
        """Wait for its end; return its status as subprocess has it, and all that it has written.

        Raises TimeoutError when that takes longer than `bound` seconds; nothing can be run any more then.
        """
        status = int(self.python.ask({"end of": self.pid}, bound))
        stdout, stderr = (file.read_text(encoding="utf-8", errors="surrogateescape") for file in self.said)
        return status, stdout, stderr


@dataclass
class LoadedPython:
    """The process that forks itself for each program."""

    folder: Path
    """Where the programs write to."""
    _process: subprocess.Popen[str] = field(init=False, repr=False)
    _started: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Start it; whoever makes one must close it."""
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def start(
        self, home: Path, module: str, args: Sequence[str], env: Mapping[str, str], pass_fds: Sequence[int] = ()
    ) -> Program:
        """Do as `python -m MODULE` does with these arguments in the directory `home`, and in this environment alone.

        It has our own descriptors `pass_fds`, by the same numbers. Raises TimeoutError when it does not start.
        """
        self._started += 1
        said = self.folder / f"{self._started}.stdout", self.folder / f"{self._started}.stderr"
        passed = {number: f"/proc/{os.getpid()}/fd/{number}" for number in pass_fds}
        files = {**dict(enumerate((os.devnull, *map(str, said)))), **passed}
        wanted = {"home": str(home), "module": module, "args": list(args), "env": dict(env), "files": files}
        return Program(self, int(self.ask(wanted, 60.0)), said)

    def ask(self, question: object, bound: float) -> str:
        """Return the line that is the answer to a question; raise TimeoutError after `bound` seconds without one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(question), file=self._process.stdin, flush=True)
        if not select.select([self._process.stdout], [], [], bound)[0]:
            self.close()
            raise TimeoutError(f"for {bound:g} s there was no answer to {question}")
        return self._process.stdout.readline()

    def close(self) -> None:
        """End it, and what it runs."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


def serve() -> None:
    """Fork for each line of standard input that says what to run; each that has started answers with its number.

    To a line that asks for the end of one, the status of that one is the answer.
    """
    load()
    gc.freeze()  # a run need not look at what was loaded before it
    for line in sys.stdin:
        wanted = json.loads(line)
        if "end of" in wanted:
            _, status = os.waitpid(wanted["end of"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 (it is the answer)
        elif os.fork() == 0:
            become(**wanted)


def load() -> None:
    """Load what the runs need, and leave no sign of it: each makes its own sentences known to behave."""
    for name in PRELOADED:
        importlib.import_module(name)
        if name.endswith(".__main__"):
            del sys.modules[name]
    from behave.matchers import ParseMatcher  # noqa: PLC0415 (the fork does this once)
    from behave.runner_util import load_step_modules  # noqa: PLC0415
    from behave.step_registry import registry  # noqa: PLC0415

    from testbed.language.words import register_words  # noqa: PLC0415

    register_words()
    load_step_modules([str(ROOT / "steps")])
    registry.clear()
    ParseMatcher.clear_registered_types()


def become(home: str, module: str, args: Sequence[str], env: Mapping[str, str], files: Mapping[str, str]) -> NoReturn:
    """Go on as a process that was started as `python -m MODULE`, to its end."""
    os.chdir(home)
    os.environ.clear()
    os.environ.update(env)
    numbers = {int(number): path for number, path in files.items()}
    answer = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, max(numbers) + 1)
    for number, path in numbers.items():
        file = os.open(path, os.O_RDWR | os.O_CREAT)
        if file != number:
            os.dup2(file, number)
            os.close(file)
        os.set_inheritable(number, True)  # noqa: FBT003 (it takes no keyword)
    os.write(answer, f"{os.getpid()}\n".encode())
    os.close(answer)
    sys.path[0] = home
    sys.argv = [module, *args]
    status = 1
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = status_of(end)
    except BaseException as error:  # noqa: BLE001 (it would end the process, too)
        traceback.print_exc()
        if isinstance(error, KeyboardInterrupt):
            sys.stderr.flush()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        # Python would take apart all that was loaded, which is most of what a small run takes.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def status_of(end: SystemExit) -> int:
    """Return the status with which Python would end, having said why if that is words."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)  # noqa: T201 (Python would)
    return 1


if __name__ == "__main__":
    serve()

"""A behave that is loaded once and forked for each run: to load it is most of what the run of a small project takes."""

from __future__ import annotations

import gc
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

PRELOADED = ("behave.configuration", "behave.formatter._registry", "testbed.run.runner", "testbed.language.words")
"""What each run would load first."""


@dataclass(frozen=True)
class LoadedBehave:
    """The process that forks itself for each run, which is one of its own from then on."""

    folder: Path
    """Where the runs write to."""
    _process: subprocess.Popen[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Start it; whoever makes one must close it."""
        process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        object.__setattr__(self, "_process", process)

    def run(self, home: Path, args: Sequence[str], env: Mapping[str, str], bound: float) -> tuple[int, str, str]:
        """Do as `python -m behave` does with these arguments in the directory `home`, and in this environment alone.

        Returns its status as subprocess has it, and all that it has written. Raises TimeoutError when that takes longer
        than `bound` seconds; nothing can be run any more then.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        said = [self.folder / name for name in ("stdout", "stderr")]
        wanted = {"home": str(home), "args": list(args), "env": dict(env), "said": [str(file) for file in said]}
        print(json.dumps(wanted), file=self._process.stdin, flush=True)
        if not select.select([self._process.stdout], [], [], bound)[0]:
            self.close()
            raise TimeoutError(f"behave {' '.join(args)} has not ended for {bound:g} s")
        status = int(self._process.stdout.readline())
        stdout, stderr = (file.read_text(encoding="utf-8", errors="surrogateescape") for file in said)
        return status, stdout, stderr

    def close(self) -> None:
        """End it, and what it runs."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


def serve() -> None:
    """Fork for each line of standard input, which says what to run, and answer with a line: the status of that run."""
    for module in PRELOADED:
        __import__(module)
    gc.freeze()  # a run need not look at what was loaded before it
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            become_behave(**json.loads(line))
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 (it is the answer)


def become_behave(home: str, args: Sequence[str], env: Mapping[str, str], said: Sequence[str]) -> NoReturn:
    """Go on as a process that was started as `python -m behave`, to its end."""
    os.chdir(home)
    os.environ.clear()
    os.environ.update(env)
    for number, path in enumerate((os.devnull, *said)):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
        os.close(file)
    sys.path[0] = home
    sys.argv = ["behave", *args]
    status = 1
    try:
        runpy.run_module("behave", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 (it would end the process, too)
        traceback.print_exc()
    finally:
        # Python would take apart all that was loaded, which is most of what a small run takes.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve()

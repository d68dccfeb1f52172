"""What qemu-img must answer."""

from __future__ import annotations

from testbed.base.process import Finished
from testbed.promises.promise import Promise
from testbed.qemu.wording import says


def is_refused_saying(words: str) -> Promise[Finished]:
    """Match the answer of a tool that has refused what it was asked for, with these words."""

    def complaint(answer: Finished) -> str | None:
        if not answer.returncode:
            return f"qemu-img did it, and said: {answer.stderr.strip() or 'nothing'}"
        is_so = says(answer.stderr, words, "qemu-img")
        return None if is_so else f"qemu-img refused, and said: {answer.stderr.strip() or 'nothing'}"

    return Promise(f'a refusal that says "{words}"', complaint)

"""How QEMU must refuse a request."""

from __future__ import annotations

from testbed.domain.request import Refusal
from testbed.promises.promise import Promise
from testbed.qemu.monitor import Refused
from testbed.qemu.wording import says


def answers(refusal: Refused | None, expected: Refusal | None) -> bool:
    """Tell whether QEMU's answer is the expected one, in the newest or an older spelling; None is a grant."""
    if refusal is None or expected is None:
        return refusal is None and expected is None
    return refusal.kind == expected.kind and says(refusal.text, expected.words, refusal.command)


def refused_with(expected: Refusal) -> Promise[Refused | None]:
    """Match a refusal of a class ("GenericError") whose text has these words, in the newest or an older spelling."""

    def complaint(refusal: Refused | None) -> str | None:
        if answers(refusal, expected):
            return None
        if refusal is None:
            return "QEMU granted the request"
        return f'QEMU refused it as a {refusal.kind} that says "{refusal.text}"'

    return Promise(f'a refusal as a {expected.kind} that says "{expected.words}"', complaint)


def is_granted() -> Promise[Refused | None]:
    """Match the answer to a request that QEMU has granted."""
    return Promise("that QEMU grants the request", lambda refusal: str(refusal) if refusal else None)

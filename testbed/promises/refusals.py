"""How QEMU must refuse a request."""

from __future__ import annotations

from testbed.promises.promise import Promise
from testbed.qemu.monitor import Refused
from testbed.qemu.wording import spellings


def refused_with(kind: str, words: str) -> Promise[Refused | None]:
    """Match a refusal of a class ("GenericError") whose text has these words, in the newest or an older spelling."""

    def complaint(refusal: Refused | None) -> str | None:
        if refusal is None:
            return "QEMU granted the request"
        if refusal.kind == kind and any(spelling in refusal.text for spelling in spellings(words)):
            return None
        return f'QEMU refused it as a {refusal.kind} that says "{refusal.text}"'

    return Promise(f'a refusal as a {kind} that says "{words}"', complaint)

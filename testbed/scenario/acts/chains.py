"""What becomes of the image of an increment in its chain, while nobody has it open."""

from __future__ import annotations

from collections.abc import Callable

from testbed.domain.chain import Chain
from testbed.scenario.acts.act import Actor, Place, act


def _at(do: Callable[[Chain, int], None]) -> Callable[[Chain, int], None]:
    def ask(chain: Chain, place: Place) -> None:
        do(chain, place)

    ask.__doc__ = do.__doc__
    return ask


act("merge down", on="increment", by=Actor.BACKUP_TOOL, said="merged into the one below")(_at(Chain.merge_down))
act("merge up", on="increment", by=Actor.BACKUP_TOOL, said="merged into the one above")(_at(Chain.merge_up))
act("lose", on="increment", by=Actor.HOST, said="lost")(_at(Chain.lose))
act("skip", on="increment", by=Actor.HOST, said="skipped by the one above")(_at(Chain.skip))
act("replace", on="increment", by=Actor.HOST, said="replaced by the one below")(_at(Chain.replace))

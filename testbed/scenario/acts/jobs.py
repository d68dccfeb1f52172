"""What a backup tool does to the jobs of its backups, by the newer family of commands or the older one."""

from __future__ import annotations

from collections.abc import Callable

from testbed.domain.job import Job
from testbed.domain.request import Request
from testbed.scenario.acts.act import Actor, act

VERBS = {
    "pause": ("paused", Job.pause),
    "resume": ("resumed", Job.resume),
    "cancel": ("cancelled", Job.cancel),
    "complete": ("completed", Job.complete),
    "finalize at once": ("finalized too early", Job.finalize_at_once),
    "finalize": ("finalized", Job.finalize),
    "dismiss at once": ("dismissed too early", Job.dismiss_at_once),
    "dismiss": ("dismissed", Job.dismiss),
}
"""What can be done to a job by a command of either family, with what a sentence says of that."""

FAMILIES = {"job": "job-commands", "block-job": "block-job-commands"}
"""The families of commands, with what a build must have for them."""


def _by(do: Callable[[Job, str], Request], family: str) -> Callable[[Job], Request]:
    def ask(job: Job) -> Request:
        return do(job, family)

    ask.__doc__ = do.__doc__
    return ask


for _verb, (_said, _do) in VERBS.items():
    # Where the sentence does not say which family, it is the newer one.
    act(_verb, on="job", by=Actor.BACKUP_TOOL, said=_said)(_by(_do, "job"))
    for _family, _need in FAMILIES.items():
        _by_words = f"by a {_family} command"
        act(f"{_verb} {_by_words}", on="job", by=Actor.BACKUP_TOOL, said=f"{_said} {_by_words}", needs=(_need,))(
            _by(_do, _family)
        )

act("cancel by force", on="job", by=Actor.BACKUP_TOOL, said="cancelled by force")(Job.cancel_by_force)
act("let go", on="job", by=Actor.BACKUP_TOOL, said="let go")(Job.let_go)

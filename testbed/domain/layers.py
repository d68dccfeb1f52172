"""Jobs that move data between the layers of a drive: a commit downwards, a stream upwards, a mirror beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from testbed.base.problems import AuthorError
from testbed.domain.drive import Drive
from testbed.domain.job import Job
from testbed.domain.lifecycle import JobEnd, state_of
from testbed.domain.request import Request
from testbed.model.dirty import default_granularity
from testbed.model.ranges import NOTHING, Ranges

AT_ONCE = "write-blocking"
"""How a mirror copies that lets no write of the guest go on before the copy has it, too."""


def _job(kind: str, drive: Drive) -> Job:
    machine = drive.machine
    return Job(machine, f"{kind}-of-{drive.name}", kind=kind, start=len(machine.all_events()), may_grow=True)


class JobFailed(AssertionError):
    """A job that moves data between layers did not complete, or was never ready."""


def _wait_until_ready(job: Job) -> None:
    """Wait until a job has copied all that there was; raises JobFailed when it ends before that."""
    job.machine.wait_for(
        f'the state "ready" of job {job.name}',
        lambda event: job.mine(event) and state_of(event) in ("ready", "null"),
        start=job.start,
    )
    if job.is_gone:
        raise JobFailed(f"the job {job.name} should have become ready; it {job.wait()}")


def _insist_on_success(job: Job) -> JobEnd:
    end = job.wait()
    if end.how != "completed":
        raise JobFailed(f"the job {job.name} should have completed; it {end}")
    return end


@dataclass(eq=False)
class Commit:
    """A commit of `chain`, a drive and those between, the uppermost first, into the one below them, `base`.

    `above` is the drive that stands on the chain, or None if the guest uses the uppermost: then the job copies what the
    guest writes meanwhile, until it is completed, and the guest goes on with the base.
    """

    chain: Sequence[Drive]
    base: Drive
    above: Drive | None = None
    job: Job = field(init=False)
    _held: Ranges = field(default=NOTHING, init=False)
    _moment: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Prepare the job."""
        self.job = _job("commit", self.top)

    @property
    def top(self) -> Drive:
        """Return the uppermost drive that is written down."""
        return self.chain[0]

    def request(self) -> Request:
        """Make the request that starts it."""
        nodes = {"top-node": self.top.name, "base-node": self.base.name}
        device = self.active.name
        arguments = {"job-id": self.job.name, "device": device, **nodes}
        return Request("block-commit", arguments, self._begin, machine=self.top.machine)

    @property
    def active(self) -> Drive:
        """Return the drive by which QEMU shall find the chain."""
        return self.above or self.top

    def wait_until_ready(self) -> None:
        """Wait until the base has all that the guest had not written since; raises JobFailed when that fails."""
        _wait_until_ready(self.job)

    def finish_below(self) -> None:
        """Wait for the end of a commit that the guest does not see: what stood on the chain then stands on the base."""
        _insist_on_success(self.job)
        assert self.above is not None, "the guest uses the drive that is committed"
        self.base.took_in(self._held.below(self.base.size))
        self._absorb()
        self.above.image.base = self.base.image
        self.base.reopened(read_only=True)

    def complete(self) -> Request:
        """Make the request that lets the guest go on with the base, and wait until it does."""

        def granted() -> None:
            _insist_on_success(self.job)
            self._take_in_all()
            self.top.give_guest_to(self.base)
            for drive in self.chain:
                drive.image.is_spent = True

        return Request("job-complete", {"id": self.job.name}, granted, machine=self.top.machine)

    def cancel(self) -> Request:
        """Make the request that leaves the guest where it is, once the base has all; the base is only read again."""

        def granted() -> None:
            _insist_on_success(self.job)
            self._take_in_all()
            for drive in self.chain[1:]:
                drive.image.is_spent = True
            self.base.reopened(read_only=True)

        return Request("block-job-cancel", {"device": self.job.name}, granted, machine=self.top.machine)

    def _begin(self) -> None:
        self.job.begun = True
        self._held = Ranges.joined(span for drive in self.chain for span in drive.image.allocated)
        self._moment = self.top.moment
        self.base.reopened(read_only=False)
        self.base.image.is_spent = True
        if self.top.size > self.base.size:
            self.base.resized(self.top.size)

    def _take_in_all(self) -> None:
        # What the guest has written since, the job copies in pieces of its own.
        piece = default_granularity(self.base.image.kind.cluster)
        written = self._held | self.top.history.since(self._moment)
        self.base.took_in(written.rounded_out(piece).below(self.base.size))
        self._absorb()

    def _absorb(self) -> None:
        self.base.image.absorb(self.top.image)


@dataclass(eq=False)
class Stream:
    """A stream into a drive of all that it has from above another one, `base`, or from below where that is None."""

    drive: Drive
    base: Drive | None = None
    job: Job = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the job."""
        self.job = _job("stream", self.drive)

    def request(self) -> Request:
        """Make the request that starts it; it is granted when all has been copied."""
        arguments: dict[str, object] = {"job-id": self.job.name, "device": self.drive.name}
        if self.base:
            arguments["base-node"] = self.base.name

        def granted() -> None:
            self.job.begun = True
            _insist_on_success(self.job)
            self.drive.image.take_from_below(self.base.image if self.base else None)

        return Request("block-stream", arguments, granted, machine=self.drive.machine)


@dataclass(eq=False)
class Move:
    """A mirror of the drive `source`, or of its top layer, with which the guest is to go on: the drive `copy`."""

    source: Drive
    copy: Drive
    job: Job = field(init=False)
    _moment: int = field(default=0, init=False)
    _piece: int = field(default=1, init=False)

    def __post_init__(self) -> None:
        """Prepare the job."""
        self.job = _job("mirror", self.source)

    def request(self, options: Mapping[str, object]) -> Request:
        """Make the request that starts it; `options` are those of blockdev-mirror."""
        sync = "top" if self.copy.image.base else "full"
        arguments = {"job-id": self.job.name, "device": self.source.name, "target": self.copy.name, "sync": sync}
        mode = options.get("copy-mode", "background")
        piece = options.get("granularity", default_granularity(self.copy.image.kind.cluster))
        assert isinstance(piece, int)

        def granted() -> None:
            self.job.begun = True
            self._piece = 1 if mode == AT_ONCE else piece
            self._moment = self.source.moment
            if self.copy.image.base:
                # All that the layer holds is copied; what a whole copy writes where there is nothing, is QEMU's choice.
                self.copy.took_in(self.source.image.allocated)

        return Request("blockdev-mirror", {**arguments, **options}, granted, machine=self.source.machine)

    def wait_until_ready(self) -> None:
        """Wait until the copy has all that the guest had written so far; raises JobFailed when that fails."""
        if self.copy.bitmaps and self.source.moment != self._moment:
            raise AuthorError(f'the guest has written before "{self.copy.name}" was ready: its bitmaps may know or not')
        _wait_until_ready(self.job)

    def complete(self) -> Request:
        """Make the request that lets the guest go on with the copy, and wait until it does."""

        def granted() -> None:
            _insist_on_success(self.job)
            written = self.source.history.since(self._moment)
            self.copy.took_in(written.rounded_out(self._piece).below(self.copy.size))
            self.copy.image.continue_from(self.source.image)
            self.copy.image.allocate(self.source.image.allocated)
            self.source.give_guest_to(self.copy)

        return Request("job-complete", {"id": self.job.name}, granted, machine=self.source.machine)

"""A profile as a page, in short for CONTRIBUTING, and as text for the console."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from testbed.campaign.outside import Whole
from testbed.campaign.pages.document import Block, Cell, Document, Heading, Paragraph, Row, Section, Table, as_cell
from testbed.campaign.pages.document import as_words as words_of
from testbed.campaign.profile.ledger import Cost, Ledger
from testbed.campaign.profile.ledger import Section as Part

HEADINGS = ("what", "number", "user, s", "kernel, s", "waited, s", "of that idle, s", "ms for a scenario")

SCENARIO_HEADINGS = ("scenario", "processes", "QEMU, s", "tools, s", "Python, s", "waited, s", "of that idle, s")

TITLES = {
    Part.PROCESSES: "Processor time of processes",
    Part.PYTHON: "Processor time of Python",
    Part.WAITING: "Waiting",
}

SMALL = 0.005
"""The part of a section below which a row is put together with others."""

COSTLIEST = 10
"""How many scenarios the console shows."""


@dataclass(frozen=True)
class Profile:
    """Where the time of a run went: `judged` says in lines of what, `scenarios` is how many there were."""

    ledger: Ledger
    whole: Whole
    scenarios: int
    judged: Sequence[str]


def document(profile: Profile) -> Document:
    """Return all that is known of a run."""
    content = [*summary(profile), Heading("Scenarios, the costliest first"), scenarios(profile)]
    return Document("Where the time goes", content)


def summary(profile: Profile) -> Sequence[Block]:
    """Return what can be said of a run in one table."""
    return [*(Paragraph(line) for line in (*profile.judged, sums(profile))), table(profile)]


def sums(profile: Profile) -> str:
    """Say how what is accounted for compares with the whole as it was seen from outside."""
    ledger, whole = profile.ledger, profile.whole
    used = ledger.total().processor
    each = whole.processor / max(1, profile.scenarios)
    return (
        f"{profile.scenarios} scenarios in one process: {whole.wall:.1f} s of wall time, of which the rows have "
        f"{ledger.wall / whole.wall:.1%} (Python ran or waited), and {whole.processor:.1f} s of processor time, of "
        f"which they have {used / whole.processor:.1%}: {each:.3f} s for a scenario."
    )


def table(profile: Profile) -> Table:
    """Return the costs by what they were for."""
    rows: list[Row | Section] = []
    for part, title in TITLES.items():
        rows.append(Section(title, is_inner=True))
        costs = _without_small(profile.ledger.by_thing(part))
        total = profile.ledger.total(part)
        rows += [_row(what, cost, profile.scenarios) for what, cost in (*costs, ("all", total))]
    return Table(HEADINGS, rows)


def scenarios(profile: Profile) -> Table:
    """Return the costs by scenario."""
    return Table(SCENARIO_HEADINGS, list(_by_scenario(profile.ledger)))


def as_text(table: Table) -> str:
    """Return a table as lines of text, its columns below each other."""
    lines = [list(table.headings)]
    for row in table.rows:
        if isinstance(row, Section):
            lines.append([row.title, *[""] * (len(table.headings) - 1)])
        else:
            lines.append([words_of(as_cell(cell).words).text for cell in row])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines
    )


def costliest(profile: Profile) -> Table:
    """Return the costs of the scenarios that cost most."""
    whole = scenarios(profile)
    return Table(whole.headings, whole.rows[:COSTLIEST])


def _without_small(costs: Mapping[str, Cost]) -> Iterator[tuple[str, Cost]]:
    """Yield the costs, those that matter to nobody put together."""
    least = SMALL * sum(cost.processor + cost.waited for cost in costs.values())
    small = {what: cost for what, cost in costs.items() if cost.processor + cost.waited < least}
    yield from ((what, cost) for what, cost in costs.items() if what not in small)
    if small:
        yield f"{len(small)} others", Cost.of(small.values())


def _row(what: str, cost: Cost, scenarios: int) -> Row:
    # What stands nowhere does not belong there: Python is no process, and a process waits for nobody.
    figures = [f"{cost.number}" if cost.number else "", *map(_seconds, (cost.user, cost.kernel))]
    each = (cost.processor + cost.waited) / max(1, scenarios) * 1000
    return _cells(what, [*figures, *map(_seconds, (cost.waited, cost.idle)), f"{each:.1f}"])


def _by_scenario(ledger: Ledger) -> Iterator[Row]:
    waiting = ledger.by_scenario(Part.WAITING)
    python = ledger.by_scenario(Part.PYTHON)
    processes = ledger.by_scenario(Part.PROCESSES)
    qemu = {scenario: cost for (scenario, _, what), cost in ledger.entries.items() if what == "QEMU"}
    nothing = Cost()
    for scenario in ledger.by_scenario():
        started, emulators = processes.get(scenario, nothing), qemu.get(scenario, nothing)
        waited = waiting.get(scenario, nothing)
        figures = [
            emulators.processor,
            started.processor - emulators.processor,
            python.get(scenario, nothing).processor,
            waited.waited,
            waited.idle,
        ]
        yield _cells(scenario, [f"{started.number}", *(f"{figure:.3f}" for figure in figures)])


def _cells(what: str, figures: Iterable[str]) -> Row:
    return [what, *(Cell(figure, is_number=True) for figure in figures)]


def _seconds(figure: float) -> str:
    return f"{figure:.2f}" if figure else ""

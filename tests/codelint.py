"""The shape of the code, as rules that a machine can check: layers, and what belongs into which module."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

LAYERS = {
    "values": ("units", "ranges", "gherkin", "outcome", "wording"),
    "processes": ("process",),
    "the oracles": ("content", "dirty"),
    "the run": ("settings", "toolchain", "needs", "defects", "tags", "scratch"),
    "the tools": ("image", "monitor", "machine", "daemon"),
    "the domain": (
        "request",
        "fault",
        "bitmap",
        "node",
        "imagefile",
        "front",
        "drive",
        "disk",
        "export",
        "mirror",
        "life",
        "job",
        "keeping",
        "target",
        "creation",
        "smalldisk",
        "server",
        "backup",
        "backups",
        "chain",
        "graph",
    ),
    "comparison": ("matchers",),
    "the scenario": ("nextmachine", "world", "launcher", "bench"),
    "the reports": ("labels", "verdict", "recorder", "reports", "evidence", "junit", "console", "crew", "runner"),
    "the sentences": ("sentences", "asking"),
    "the matrix": ("debian", "builds", "comparison", "compatibility", "webpage", "matrix"),
}
"""The modules of the testbed by layer, the lowest first. Steps and hooks stand above them all."""

RANKS = {module: rank for rank, modules in enumerate(LAYERS.values()) for module in modules}

STEPS_RANK = len(LAYERS)
HOOKS_RANK = STEPS_RANK + 1

BEHAVE_MODULES = {"gherkin", "runner", "sentences"}
"""The modules that may see an object of behave's; steps and hooks may as well."""

ASYNCIO_MODULES = {"monitor"}

FIXED_WAITS = {"time.sleep", "asyncio.sleep"}

MOST_STATEMENTS = 6

STEP_DECORATORS = {"given", "when", "then", "step"}


def rank_of(path: Path) -> int | None:
    """Return how high a file of the repository stands, or None for one that is in no layer."""
    if path.name == "environment.py":
        return HOOKS_RANK
    return STEPS_RANK if path.parent.name == "steps" else RANKS.get(path.stem)


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Return the dotted names that a module imports, wherever it does, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def testbed_imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Return the modules of the testbed that a module imports, by their short names, with their lines."""
    for line, name in imported(tree):
        package, _, rest = name.partition(".")
        if package == "testbed" and rest:
            yield line, rest.partition(".")[0]


def called(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Return the calls in a piece of code as they are written, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node)


def import_problems(path: Path, source: str) -> list[str]:
    """Return the imports of a file that do not go downward, or are not for this file to make."""
    tree = ast.parse(source)
    rank = rank_of(path)
    if rank is None:
        return [f"{path}: the module is in no layer; give it one in tests/codelint.py"]
    problems = [
        f"{path}:{line}: the import of testbed.{module} goes upward, or to a module without a layer"
        for line, module in testbed_imports(tree)
        if RANKS.get(module, HOOKS_RANK) > rank
    ]
    for line, name in imported(tree):
        package = name.partition(".")[0]
        if package == "behave" and rank < STEPS_RANK and path.stem not in BEHAVE_MODULES:
            problems.append(f"{path}:{line}: behave is not for this layer")
        if package == "asyncio" and path.stem not in ASYNCIO_MODULES:
            problems.append(f"{path}:{line}: asyncio stays behind testbed/monitor.py")
    return problems


def fixed_waits(path: Path, source: str) -> list[str]:
    """Return the places where a file waits for a fixed time; asyncio.sleep(0) only lets others run."""
    tree = ast.parse(source)
    waits = [(line, name) for line, name in called(tree) if not name.endswith("(0)")]
    return [
        f"{path}:{line}: a fixed wait; wait for an event, or poll with a bound"
        for line, name in (*imported(tree), *waits)
        if name.partition("(")[0] in FIXED_WAITS
    ]


def circle(sources: Mapping[str, str]) -> list[str]:
    """Return modules that import each other in a circle, by their short names, or nothing."""
    graph = {module: {name for _, name in testbed_imports(ast.parse(source))} for module, source in sources.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def step_functions(tree: ast.Module) -> list[ast.FunctionDef]:
    """Return the functions of a module that are steps."""
    return [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(decorator, ast.Call) and ast.unparse(decorator.func) in STEP_DECORATORS
            for decorator in node.decorator_list
        )
    ]


def step_problems(path: Path, source: str) -> list[str]:
    """Return what keeps the functions of a step module from being short sentences, each for itself."""
    steps = step_functions(ast.parse(source))
    forbidden = {*(step.name for step in steps), "context.execute_steps"}
    problems = []
    for step in steps:
        place = f"{path}:{step.lineno}: {step.name}"
        documented = ast.get_docstring(step) is not None
        body = step.body[documented:]
        size = sum(isinstance(node, ast.stmt) for statement in body for node in ast.walk(statement))
        if not documented:
            problems.append(f"{place} has no docstring; it is the entry in the catalogue of steps")
        if not 1 <= size <= MOST_STATEMENTS:
            problems.append(f"{place} has {size} statements, not 1 to {MOST_STATEMENTS}")
        problems += [
            f"{path}:{line}: {step.name} calls {call}; call what both delegate to"
            for line, call in called(step)
            if call.partition("(")[0] in forbidden
        ]
    return problems

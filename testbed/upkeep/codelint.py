"""The shape of the code, as rules that a machine can check: what steps are like, and that nothing waits blindly."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

STEPS_MAY_IMPORT = {"behave", "collections", "hamcrest", "testbed", "typing"}
"""Packages that a step module may import: what else it wants belongs below."""

FIXED_WAITS = {"time.sleep", "asyncio.sleep"}

MOST_STATEMENTS = 6

STEP_DECORATORS = {"given", "when", "then", "step"}


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Return the dotted names that a module imports, wherever it does, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def called(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Return the calls in a piece of code as they are written, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node)


def import_problems(path: Path, source: str) -> list[str]:
    """Return the imports of a step module that are not for it to make; the walls of the testbed are import-linter's."""
    return [
        f"{path}:{line}: {name} is not for steps: delegate"
        for line, name in imported(ast.parse(source))
        if name.partition(".")[0] not in STEPS_MAY_IMPORT
    ]


def fixed_waits(path: Path, source: str) -> list[str]:
    """Return the places where a file waits for a fixed time; asyncio.sleep(0) only lets others run."""
    return _told(path, _waits_in(ast.parse(source)))


def fixed_waits_of_tests(path: Path, source: str) -> list[str]:
    """Return the places where a test waits for a fixed time; a loop may, which ends when time.monotonic() is late."""
    tree = ast.parse(source)
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.While)]
    bounded = [loop for loop in loops if any(call == "time.monotonic()" for _, call in called(loop.test))]
    polling = {line for loop in bounded for statement in loop.body for line in _waits_in(statement)}
    return _told(path, [line for line in _waits_in(tree) if line not in polling])


def _waits_in(tree: ast.AST) -> list[int]:
    """Return the lines of a piece of code that wait for a fixed time, or import what does."""
    waits = [(line, name) for line, name in called(tree) if not name.endswith("(0)")]
    return [line for line, name in (*imported(tree), *waits) if name.partition("(")[0] in FIXED_WAITS]


def _told(path: Path, lines: list[int]) -> list[str]:
    return [f"{path}:{line}: a fixed wait; wait for an event, or poll with a bound" for line in lines]


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

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.upkeep import docs

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", [path for path in (ROOT / name for name in docs.DOCUMENTS) if path.exists()])
def test_generated_parts_are_up_to_date(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert docs.rewritten(text) == text, f"{path.name} is out of date: run make docs"


def test_stale_part_is_written_anew_and_the_rest_kept() -> None:
    text = "before\n<!-- tags: written by make docs -->\nstale\n<!-- end of tags -->\nafter\n"
    written = docs.rewritten(text)
    assert "stale" not in written
    assert "| `@slow` |" in written
    assert written.startswith("before\n<!-- tags: written by make docs -->\n| tag |")
    assert written.endswith("|\n<!-- end of tags -->\nafter\n")
    assert docs.rewritten(written) == written


def test_part_that_nothing_makes_is_an_error() -> None:
    with pytest.raises(KeyError, match="weather"):
        docs.rewritten("<!-- weather: written by make docs -->\n<!-- end of weather -->")


def test_table_survives_bars_in_its_cells() -> None:
    assert docs.table(("a", "b"), [("1|2", "3")]) == "| a | b |\n| --- | --- |\n| 1&#124;2 | 3 |\n"

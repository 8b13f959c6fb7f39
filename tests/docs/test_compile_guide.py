"""The figures on mixed precision and compiling are those of the benchmarks' pages."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guides" / "compile.md").read_text(encoding="utf-8")
RESULTS = ROOT / "benchmarks" / "results"


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def test_the_gains_of_bfloat16_are_those_of_the_table_of_recipes() -> None:
    rows = [cells(row) for row in re.findall(r"^\| `\w+` \|.*$", PAGE, flags=re.MULTILINE)]
    assert len(rows) >= 8
    text = (RESULTS / "recipes.md").read_text(encoding="utf-8")
    measured = {row[0]: row for row in map(cells, re.findall(r"^\| `\w+` \|.*$", text, flags=re.MULTILINE))}
    for name, time, memory, low_memory in rows:
        _, _, _, low, _, *memories = measured[name]
        assert [low.split()[0], *memories] == [time, memory, low_memory]
    times = [row[3].split()[0] for row in measured.values()]
    assert f"{min(times)} to {max(times)} of the time" in PAGE


def test_the_gain_of_channels_last_is_that_of_the_tutorial_loops() -> None:
    text = (RESULTS / "cpu.md").read_text(encoding="utf-8")
    ratios = re.findall(r"^\| tutorial loop \| float32, channels last \| ([\d.]+) \|", text, flags=re.MULTILINE)
    low, high = min(ratios, key=float), max(ratios, key=float)
    assert f"{float(low):.2f} to {float(high):.2f} of the time of tutorial loops" in PAGE


def test_the_gains_of_compiling_are_those_of_its_own_table() -> None:
    ratios = re.findall(r"^\| (?:linear|DCGAN)[^|]*\| \d+ \| ([\d.]+) \|", PAGE, flags=re.MULTILINE)
    assert f"{min(ratios)} to {max(ratios)} of the eager time" in PAGE

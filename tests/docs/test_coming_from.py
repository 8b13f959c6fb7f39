# ruff: noqa: RUF001  the page has typographic signs
"""The page "Coming from another program": each row is computed there and here, and the tables are those of the rows."""

import re
from fractions import Fraction

import pytest
import torch

from docs.coming_from.page import PAGE, TABLES, fill
from docs.coming_from.rows import SEEDS, Row, Table
from docs.different_numbers.example import Example, make_example
from docs.different_numbers.page import make_tables
from docs.different_numbers.run_peers import CHECKS, value_on_page

EXAMPLES = {seed: make_example(seed) for seed in SEEDS}
ROWS = {f"{table.name}: {row.there}": row for table in TABLES.values() for row in table.rows}


@pytest.mark.parametrize("name", ROWS)
def test_the_factor_of_a_row_is_that_of_its_values(name: str) -> None:
    ratios = ROWS[name].ratios(EXAMPLES)
    factor = ROWS[name].factor
    if factor is None:
        assert abs(ratios[0] - ratios[1]) > 1e-9, "there is a factor: name it"
    else:
        assert ratios == pytest.approx([float(factor)] * len(SEEDS), rel=1e-7)


def test_rows_that_are_marked_as_run_are_the_numbers_that_the_program_gave() -> None:
    tables, example, ran = make_tables(), make_example(), 0
    for row in ROWS.values():
        if row.ran is None:
            continue
        assert row.ran in CHECKS
        table, program, place = row.ran
        value = value_on_page(tables[table], program, place)
        assert row.theirs(example).item() == pytest.approx(value, rel=1e-6)
        ran += 1
    assert ran > 20


def test_a_row_is_marked_as_run_under_its_own_program_alone() -> None:
    for table in TABLES.values():
        assert {row.ran[1] for row in table.rows if row.ran} <= {table.program}


def test_the_page_holds_the_rows() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == fill(text), "run python -m docs.coming_from"
    with pytest.raises(ValueError, match="one pair of markers"):
        fill(text.replace("<!-- table torchgan -->", ""))


def test_what_differs_agrees_with_the_factor() -> None:
    for name, row in ROWS.items():
        if re.match("nothing|both", row.differs):
            assert row.factor == 1, name
        if "mistake" in row.differs:
            assert row.factor is None, name


def test_a_wrong_factor_is_noticed() -> None:
    row = Row(there="half", here="gk.losses.generator_loss(gk.losses.Wasserstein(), fake)", theirs=_half, factor=1)
    assert row.ratios(EXAMPLES) == pytest.approx([0.5, 0.5])
    line = Table(name="t", program="p", rows=(row,)).markdown().splitlines()[4]
    assert line == f"| `half` | 1 | [`{row.here}`][gankit.losses.generator_loss] |  |"
    other = Row(there="x", here="fake", theirs=_half, factor=-Fraction(1, 2), ran=("t", "p", ""), default="d=1")
    assert (
        Table(name="t", program="p", rows=(other,))
        .markdown()
        .splitlines()[4]
        .startswith("| `x` ✓<br><small>d=1</small>")
    )
    assert "| −½ |" in Table(name="t", program="p", rows=(other,)).markdown()


def _half(example: Example) -> torch.Tensor:
    return -0.5 * example.fake_scores.mean()

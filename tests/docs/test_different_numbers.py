# ruff: noqa: RUF001  the page has typographic signs
"""The page "Same name, different number" says what a fresh computation says."""

import math
import re

import pytest
import torch

from docs.different_numbers import peer_penalties, peer_scores, peer_tf_gan
from docs.different_numbers.example import make_example
from docs.different_numbers.page import MAKERS, PAGE, fill, make_tables
from docs.different_numbers.run_peers import CHECKS, value_on_page
from docs.different_numbers.tables import Row, Table, read, run

NUMBER = re.compile(r"(?<=\| )-?\d+(?:\.\d+)?(?:e-?\d+)?(?= \|)")


@pytest.fixture(scope="module")
def tables() -> dict[str, Table]:
    return make_tables()


def in_parts(text: str) -> tuple[list[str], list[float]]:
    """What is not a number in a table, and the numbers: another processor may round the last digit otherwise."""
    numbers = [float(number) for number in NUMBER.findall(text)]
    return NUMBER.split(text), numbers


def test_the_page_is_fresh(tables: dict[str, Table]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (words, numbers), (fresh_words, fresh_numbers) = in_parts(text), in_parts(fill(text, tables))
    assert words == fresh_words, "run python -m docs.different_numbers"
    assert numbers == pytest.approx(fresh_numbers, rel=2e-4), "run python -m docs.different_numbers"
    assert len(numbers) > 100


def test_a_number_changed_by_hand_is_noticed(tables: dict[str, Table]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    own = tables["wgan_gp"].markdown().splitlines()[4].split("|")[1].strip()
    assert own in text
    changed = text.replace(f"| {own} |", "| 1.2345 |")
    assert in_parts(fill(changed, tables))[1] != in_parts(changed)[1]


def test_a_table_without_a_place_is_refused(tables: dict[str, Table]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="hinge"):
        fill(text.replace("<!-- table hinge -->", ""), tables)
    with pytest.raises(ValueError, match="another"):
        fill(text + "\n<!-- table another -->\n<!-- end -->", tables)


def test_every_maker_makes_a_table_of_its_own(tables: dict[str, Table]) -> None:
    assert len(tables) == len(MAKERS)


def test_rows_that_are_said_to_differ_do_differ(tables: dict[str, Table]) -> None:
    for table in tables.values():
        values = [row.value for row in table.rows]
        assert math.isfinite(values[0]), table.name
        if table.name == "flat_critic":  # where an epsilon helps as much as a norm
            assert values[0] == values[2] == 0
            assert math.isnan(values[1])
            continue
        for i, one in enumerate(values):
            assert all(abs(one - other) > 1e-5 * abs(other) for other in values[:i]), table.name


@pytest.mark.parametrize(
    ("table", "row", "factor"),
    [
        ("hinge", 1, 0.5),
        ("logistic", 1, 0.5),
        ("least_squares", 1, 2.0),
        ("wasserstein", 1, -1.0),
        ("several_maps", 1, 2.0),
        ("relativistic_average", 1, 0.5),
        ("wgan_gp", 1, 10.0),
        ("wgan_gp_target", 1, 0.25),
        ("r1", 1, 2.0),
        ("r1", 3, 2.0 / 49),
        ("patches", 1, 1.0 / 16),
        ("matching_aware_penalty", 1, 2.0),
        ("class_terms", 1, 0.25),
        ("tags", 1, 1.0 / 7),
        ("unlabeled_rows", 1, 5.0 / 3),
        ("conditioning_kl", 1, 1.0 / 7),
        ("feature_matching", 1, 12.0),
        ("clipping", 1, 1.05),
        ("lazy", 1, 0.25),
        ("orthogonal", 1, 0.5),
    ],
)
def test_the_variant_stands_in_the_ratio_that_its_text_says(
    tables: dict[str, Table], table: str, row: int, factor: float
) -> None:
    rows = tables[table].rows
    assert rows[row].value / rows[0].value == pytest.approx(factor, rel=1e-8)


def test_the_prose_about_the_slip_of_the_logistic_is_right() -> None:
    zero = torch.zeros(1, dtype=torch.float64)
    slip = -(torch.nn.functional.logsigmoid(zero) + torch.nn.functional.logsigmoid(1 - zero)).item()
    assert f"{slip:.4f}" in PAGE.read_text(encoding="utf-8")


def test_each_program_that_is_said_to_have_been_run_can_be_run_again(tables: dict[str, Table]) -> None:
    for name, program, place in CHECKS:
        value_on_page(tables[name], program, place)
    said = {
        (table.name, source.program)
        for table in tables.values()
        for row in table.rows
        for source in row.by
        if source.was_run
    }
    assert said == {(name, program) for name, program, _ in CHECKS}
    parts = (peer_penalties.CHECKS, peer_scores.CHECKS, peer_tf_gan.CHECKS)
    assert len(CHECKS) == sum(len(part) for part in parts)


def test_a_program_that_was_only_read_has_no_value_of_its_own() -> None:
    table = Table(name="t", rows=(Row(what="a", value=1.0, by=(read("x 1", "a.py"), run("y 1", "b.py"))),))
    assert value_on_page(table, "y 1", "") == 1.0
    with pytest.raises(ValueError, match="x 1"):
        value_on_page(table, "x 1", "")


def test_torch_is_run_here() -> None:
    example = make_example()
    tables = make_tables()
    for name, program, place in CHECKS:
        if program.startswith("torch 2"):
            value = float(CHECKS[name, program, place](example))
            assert value == pytest.approx(value_on_page(tables[name], program, place), rel=1e-9)


def test_numbers_are_written_shortly() -> None:
    rows = (
        Row(what="own", value=2.0),
        Row(what="nan", value=math.nan),
        Row(what="small", value=-2e-7),
        Row(what="0", value=0.0),
    )
    lines = Table(name="t", rows=rows).markdown().splitlines()[4:-2]
    assert lines == ["| 2 | 1 | own |", "| NaN | – | nan |", "| -2e-07 | -1e-07 | small |", "| 0 | 0 | 0 |"]

"""The page: computes the tables and writes them between their markers."""

import re
from pathlib import Path

from docs.different_numbers import beside, conditions, forms, penalties, scores
from docs.different_numbers.example import make_example
from docs.different_numbers.tables import Table

PAGE = Path(__file__).resolve().parents[1] / "guides" / "different_numbers.md"
MARKED = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)
MAKERS = (
    scores.hinge,
    scores.logistic,
    scores.sure_critic,
    scores.least_squares,
    scores.wasserstein,
    forms.several_maps,
    forms.relativistic_average,
    forms.soft_labels,
    penalties.wgan_gp,
    penalties.wgan_gp_target,
    penalties.flat_critic,
    penalties.r1,
    penalties.patches,
    penalties.dragan,
    penalties.matching_aware_penalty,
    conditions.matching_aware,
    conditions.shift_of_unbalanced,
    conditions.class_terms,
    conditions.tags,
    conditions.unlabeled_rows,
    conditions.data_to_data,
    conditions.conditioning_kl,
    beside.feature_matching,
    beside.mean_features,
    beside.mode_seeking,
    beside.lecam,
    beside.clipping,
    beside.lazy,
    beside.orthogonal,
)


def make_tables() -> dict[str, Table]:
    """Compute every table of the page from the example."""
    example = make_example()
    return {table.name: table for table in (maker(example) for maker in MAKERS)}


def fill(text: str, tables: dict[str, Table]) -> str:
    """Return the page with each table between its markers.

    Raises:
        ValueError: A table has no markers, markers have no table, or a name occurs twice.
    """
    places = [name for _, name, _ in MARKED.findall(text)]
    if sorted(places) != sorted(tables):
        raise ValueError(
            f"the page must have one pair of markers per table, got a mismatch in {sorted(set(places) ^ set(tables))}"
        )
    return MARKED.sub(lambda match: f"{match[1]}\n{tables[match[2]].markdown()}\n\n{match[3]}", text)

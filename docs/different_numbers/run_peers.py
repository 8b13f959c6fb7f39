"""Run the functions of other programs on the example and compare: ``python -m docs.different_numbers.run_peers``.

To be run by hand in a separate environment with torch, gankit and any of the packages, at the versions on the page (some also
need einops); packages that are not installed are reported as missing. TF-GAN needs its own environment, for TensorFlow 2.15.
"""

import sys

from docs.different_numbers import peer_penalties, peer_scores, peer_tf_gan
from docs.different_numbers.example import make_example
from docs.different_numbers.page import make_tables
from docs.different_numbers.peer_modules import stand_in
from docs.different_numbers.tables import Table

CHECKS = peer_scores.CHECKS | peer_penalties.CHECKS | peer_tf_gan.CHECKS


def value_on_page(table: Table, program: str, place: str) -> float:
    """Return the value of the row for which this program was run.

    Raises:
        ValueError: There is no such row, or there are several.
    """
    values = [
        row.value
        for row in table.rows
        for source in row.by
        if source.was_run and source.program == program and source.place.endswith(place)
    ]
    if len(values) != 1:
        raise ValueError(f"{program} {place} must have been run for exactly one row of {table.name}, got {len(values)}")
    return values[0]


def main() -> int:
    """Print which values agree, which differ and which programs are missing."""
    tables = make_tables()
    stand_in()  # after the tables: torch itself looks for some of these modules
    differing = 0
    for (name, program, place), function in CHECKS.items():
        wanted = value_on_page(tables[name], program, place)
        try:
            got = float(function(make_example()))
        except ImportError as error:
            print(f"missing  {program}: {error}")
            continue
        # Some programs compute in float32 whatever the dtype of the inputs.
        agrees = abs(got - wanted) <= 1e-5 * max(1.0, abs(wanted))
        differing += not agrees
        print(f"{'agrees ' if agrees else 'DIFFERS'}  {name}: {program} {place} gives {got:.9g}, the page {wanted:.9g}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())

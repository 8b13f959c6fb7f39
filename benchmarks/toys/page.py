"""The page of all toys, written from the records."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.toys.digits import DigitToy
from benchmarks.toys.dirac_toy import DiracToy, dirac_section
from benchmarks.toys.plane import PlaneToy
from benchmarks.toys.runs import Record
from benchmarks.toys.sampling_page import digit_section, plane_section
from benchmarks.toys.tables import joined

Toy = PlaneToy | DigitToy | DiracToy


def write_page(sections: Mapping[Toy, Sequence[Record]]) -> str:
    """Return the page in Markdown: how it was made, then a section for each toy that has records."""
    lines = _introduction([record for records in sections.values() for record in records])
    for toy, records in sections.items():
        ordered = sorted(records, key=lambda record: list(toy.arms).index(record.arm))
        lines += _section(toy, ordered) if records else []
    return "\n".join(lines)


def _introduction(records: Sequence[Record]) -> list[str]:
    def kinds(values: Iterable[object]) -> str:
        return joined(sorted({str(value) for value in values}))

    made = (
        f"torch {kinds(record.torch for record in records)}, {kinds(record.threads for record in records)} thread(s) a run, "
        f"{kinds(record.machine for record in records)}; written by `python -m benchmarks.toys` from the files in `toys/`: "
        f"{len(records)} runs that took {sum(record.seconds for record in records) / 60:.0f} minutes of processor time."
    )
    return ["# Toys: published experiments that fit two processor cores", "", made, ""]


def _section(toy: Toy, records: Sequence[Record]) -> list[str]:
    if isinstance(toy, PlaneToy):
        return plane_section(toy, records)
    if isinstance(toy, DigitToy):
        return digit_section(toy, records)
    return dirac_section(toy, records)

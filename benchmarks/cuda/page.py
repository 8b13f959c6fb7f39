"""The page of the GPU."""

from collections.abc import Mapping, Sequence

from benchmarks.cuda.checks import Check
from benchmarks.cuda.roofline import Ceilings
from benchmarks.cuda.steps import Measured, steps_of
from benchmarks.step_throughput.cases import CASES

UNMEASURED = "unmeasured"
INTRODUCTION = """\
# Step throughput on a GPU

Written by `python -m benchmarks.cuda`, one command on a machine with one GPU, in less than 8 minutes: it measures the steps,
plays rounds in which every wait of the host for the device raises, runs the tests that are marked for CUDA, and trains the
recipe `default`. A JSON file of the same figures is in `cuda/`.
"""
EXPLANATION = """\
*images/s* are real images that the critic sees in a second of full iterations (all critic updates and one generator update):
the median of repeats between the device's events, after a warm-up.
*roofline* is the shortest possible time of the convolutions and products of an iteration of gankit, each at its measured limit,
divided by the measured time of the iteration; at 100 %, norms, activations, losses and optimizers would take no time.
*launches* are the kernels, graphs and copies that the
host launches in an iteration. *memory* is the peak memory of an iteration in mebibytes, minus the memory between iterations.
"""
HEAD = "| case | form | numbers | images/s | ms | quartiles | roofline | launches | memory |"


def page(facts: Mapping[str, str], ceilings: Ceilings | None, rows: Sequence[Measured], checks: Sequence[Check]) -> str:
    """Return the page; what was not measured says so."""
    lines = [INTRODUCTION, "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items())]
    lines += [f"| {name} | {value} |" for name, value in _ceilings(ceilings).items()]
    lines += ["", EXPLANATION, HEAD, "|---" * 9 + "|", *(_row(row) for row in rows)]
    lines += ["", "| check | result | seen |", "|---|---|---|"]
    lines += [f"| {check.name} | {_result(check)} | {_cell(check.detail)} |" for check in checks]
    return "\n".join([*lines, ""])


def unmeasured_page() -> str:
    """Return the page before anybody has measured, which says how to."""
    facts = {
        "device": f"{UNMEASURED}: no machine with a GPU has run the command yet",
        "to fill this page": "`make cuda`; or `python -m benchmarks.cuda` with the extras `examples` and `test`",
    }
    steps = [Measured(step=step) for step in steps_of()]
    names = ("no wait in a round", "tests that are marked for CUDA", "training of the recipe default, 2 minutes")
    return page(facts, None, steps, [Check(name=name, passed=None, detail="") for name in names])


def _ceilings(ceilings: Ceilings | None) -> dict[str, str]:
    if ceilings is None:
        return {"products": UNMEASURED, "copies": UNMEASURED}
    products = ", ".join(f"{value / 1e12:.3g} TFLOP/s in {name}" for name, value in ceilings.products.items())
    return {"products": products, "copies": f"{ceilings.copies / 1e12:.3g} TB/s"}


def _row(row: Measured) -> str:
    name = next(case.name for case in CASES if case.slug == row.step.case)
    start = f"| {name} | {row.step.form} | {row.step.numbers} |"
    if row.seconds is None or row.low is None or row.high is None or row.images is None:
        return f"{start} {_cell(row.reason) or UNMEASURED} | | | | | |"
    roofline = UNMEASURED if row.roofline is None else f"{100 * row.roofline:.1f} %"
    launches = UNMEASURED if row.launches is None else str(row.launches)
    memory = UNMEASURED if row.megabytes is None else f"{row.megabytes:.0f}"
    return (
        f"{start} {row.images:,.0f} | {1000 * row.seconds:.3g} | {1000 * row.low:.3g} to {1000 * row.high:.3g} "
        f"| {roofline} | {launches} | {memory} |"
    )


def _result(check: Check) -> str:
    return {True: "passed", False: "**failed**", None: UNMEASURED}[check.passed]


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")

"""The page of the step throughput."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.idle import Idleness
from benchmarks.step_throughput.cases import CASES, Case
from benchmarks.step_throughput.measuring import ERROR_ITERATIONS, Row
from benchmarks.step_throughput.peers import PEERS
from benchmarks.toys.runs import Record

HEAD = "| form | numbers | time | quartiles | error | memory |"


def rows_of(record: Record) -> list[Row]:
    """Return the rows that a record keeps."""
    return [Row(**figures) for figures in record.figures["rows"]]


def idleness_of(record: Record) -> Idleness:
    """Return what else the machine did while the record was made."""
    return Idleness(**record.figures["idleness"])


def page(records: Mapping[str, Record]) -> str:
    """Return the page of all cases that were measured, by their slugs."""
    cases = [case for case in CASES if case.slug in records]
    first = records[cases[0].slug]
    protocol = first.protocol
    lines = [f"# Step throughput on {protocol['device']}", "", _made(first, protocol)]
    busy = [case.name for case in cases if not idleness_of(records[case.slug]).idle]
    if busy:
        lines += [
            "",
            f"**The machine was not idle** while these were measured, so their times are not reliable: {'; '.join(busy)}.",
        ]
    lines += ["", *_explanations(protocol), "", *_summary(cases, records)]
    for case in cases:
        lines += ["", f"## {case.name}", "", *_table(case, records[case.slug])]
    return "\n".join([*lines, ""])


def best_of_gankit(rows: Sequence[Row]) -> Row:
    """Return the fastest form of gankit in float32."""
    own = [row for row in rows if row.form.startswith("gankit") and row.numbers.startswith("float32")]
    return min((row for row in own if not row.reason), key=lambda row: row.median)


def _made(record: Record, protocol: Mapping[str, Any]) -> str:
    return (
        f"torch {record.torch}, {protocol['threads']} thread(s); written by `python -m benchmarks.step_throughput` from the "
        "files in `step_throughput/`. The peers are installed by `python -m benchmarks.step_throughput.peers`."
    )


def _explanations(protocol: Mapping[str, Any]) -> list[str]:
    notes = " ".join(f"{name}: {peer.note}." for name, peer in PEERS.items())
    time = (
        "*time* is the time of a full iteration (all critic updates and one generator update), divided by that of the "
        f"tutorial loop in float32: the median of {protocol['repeats']} interleaved repeats, with quartiles. Lower is faster."
    )
    error = (
        f"*error* is the distance of the weights from the tutorial loop's weights after {ERROR_ITERATIONS} iterations (small "
        "networks, batch 7), divided by the distance from the initial weights. float32 rows are checked in float64, bfloat16 "
        "rows as they run. A library that casts to float32 is compared with the loop in float32; the cell says so. Adam "
        "divides each gradient by its own size. So in bfloat16 its first steps depend mainly on signs. A parameter whose exact "
        "gradient is zero (a bias before a batch norm, or of a Wasserstein critic's last layer) changes by rounding errors "
        "only. This is why float64 rows of `residual 64` have errors of 1e-9 and not of 1e-15."
    )
    memory = (
        "*memory* is the peak memory of an iteration in mebibytes, minus the memory between iterations: gradients, "
        "activations and fakes."
    )
    forms = (
        "*tutorial loop* computes unused generator graphs and unused critic gradients. *hand-tuned loop* "
        "draws fakes without graphs, freezes the critic, shares the last fake, and has fused optimizers. *shared fake* passes "
        "the fake of the last critic step to the generator's update. All have the same networks, data, draws and "
        "hyperparameters; where a critic has a gradient penalty and no norm, gankit's forms use `gankit.blocks.LeakyReLU`, "
        "and a row shows the tutorial loop with it."
    )
    return [time, "", error, "", memory, "", forms, "", f"The peers run their own training steps. {notes}"]


def _summary(cases: Sequence[Case], records: Mapping[str, Record]) -> list[str]:
    lines = [
        "| case | iteration of the tutorial loop | fastest float32 form of gankit | its time | fastest peer | its time |",
        "|---|---|---|---|---|---|",
    ]
    for case in cases:
        rows = rows_of(records[case.slug])
        best = best_of_gankit(rows)
        peers = [row for row in rows if row.form in PEERS and not row.reason]
        peer = min(peers, key=lambda row: row.median, default=None)
        other = "none does this |" if peer is None else f"{peer.form} | {peer.median:.3f}"
        layout = best.numbers.removeprefix("float32")
        lines.append(
            f"| {case.name} | {1000 * rows[0].seconds:.0f} ms | {best.form.removeprefix('gankit, ')}{layout} | "
            f"{best.median:.3f} | {other} |"
        )
    return lines


def _table(case: Case, record: Record) -> list[str]:
    width, batch = record.protocol["size"]  # pyright: ignore[reportGeneralTypeIssues]
    seen = idleness_of(record)
    others = "an unknown share" if seen.others is None else f"{100 * seen.others:.1f} %"
    lines = [f"Width {width}, batch {batch}. Other processes used {others} of the processors meanwhile.", "", HEAD]
    lines.append("|---|---|---|---|---|---|")
    for row in rows_of(record):
        if row.reason:
            lines.append(f"| {row.form} | {row.numbers} | {row.reason} | | | |")
            continue
        where = "" if row.error_in in ("float64", "bfloat16") else f" ({row.error_in})"
        memory = "unmeasured" if row.megabytes is None else f"{row.megabytes:.0f}"
        lines.append(
            f"| {row.form} | {row.numbers} | {row.median:.3f} | {row.low:.3f} to {row.high:.3f} | {row.error:.1e}{where} "
            f"| {memory} |"
        )
    assert case.slug == record.arm
    return lines

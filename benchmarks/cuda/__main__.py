"""Measure one GPU: ``python -m benchmarks.cuda`` writes ``results/cuda.md`` and a JSON file in less than 8 minutes.

Without a GPU it refuses, since none of its figures could be had.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import torch

from benchmarks.cuda.checks import Check, check_tests, check_training, check_waits
from benchmarks.cuda.device import CudaDevice, Device
from benchmarks.cuda.page import page
from benchmarks.cuda.roofline import Ceilings, measure_ceilings
from benchmarks.cuda.steps import Effort, Measured, Step, forget_compiled, measure_step, steps_of
from benchmarks.step_throughput.cases import CASES

RESULTS = Path(__file__).parents[1] / "results"
COMPILATION = 75.0
"""Seconds that must be left before a step is compiled."""
TEST_SECONDS = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured, and in which time.

    Args:
        minutes: Of the whole command.
        training_minutes: Of the training of the default recipe; 0 for none.
        tests: Whether the marked tests are run.
        slugs: Cases; None for all.
        effort: Repeats and sizes of the steps.
        side: Size of the matrices for the ceiling of products.
        megabytes: Size of the copy for the ceiling of copies.
    """

    minutes: float = 8.0
    training_minutes: float = 2.0
    tests: bool = True
    slugs: Sequence[str] | None = None
    effort: Effort = field(default_factory=Effort)
    side: int = 8192
    megabytes: int = 1024


def main(words: Sequence[str] | None = None) -> int:
    """Measure and write; returns 0, 1 if a check failed, 2 without a GPU."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cuda", description=__doc__)
    parser.add_argument("--minutes", type=float, default=8.0, help="time of the whole command")
    parser.add_argument(
        "--only", action="append", choices=[case.slug for case in CASES], help="measure one case; may be repeated"
    )
    parser.add_argument("--no-checks", action="store_true", help="leave out tests and training")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the page and of the JSON file")
    parser.add_argument("--work", type=Path, default=Path("runs/cuda"), help="folder of data set and run")
    arguments = parser.parse_args(words)
    if not torch.cuda.is_available():
        print("python -m benchmarks.cuda measures a CUDA device, and torch finds none here", file=sys.stderr)
        return 2
    checks = not arguments.no_checks
    plan = Plan(minutes=arguments.minutes, training_minutes=2.0 if checks else 0.0, tests=checks, slugs=arguments.only)
    return measure(CudaDevice(), plan, arguments.out, arguments.work)


def measure(
    device: Device, plan: Plan, out: Path, work: Path, *, clock: Callable[[], float] = time.perf_counter
) -> int:
    """Measure a device and write page and JSON file, after every step anew: what was interrupted leaves what it has.

    Returns:
        0, or 1 if a check failed.
    """
    end = clock() + 60 * plan.minutes
    facts = {**device.facts(), "command": f"{plan.minutes:g} minutes"}
    steps = steps_of(plan.slugs)
    rows = {step: Measured(step=step) for step in steps}
    checks: list[Check] = []
    ceilings = measure_ceilings(device, side=plan.side, megabytes=plan.megabytes)
    write = partial(_write, out, facts, ceilings, rows, checks)

    def take(chosen: Sequence[Step], least: float) -> None:
        for step in chosen:
            if end - clock() < least:
                rows[step] = Measured(step=step, reason="no time was left")
                continue
            print(f"{step.case}, {step.form}, {step.numbers} ...", file=sys.stderr, flush=True)
            rows[step] = measure_step(step, device, ceilings, plan.effort)
            write()
            if step.compiles:
                forget_compiled()

    later = 60 * plan.training_minutes + (TEST_SECONDS if plan.tests else 0.0)
    take([step for step in steps if not step.compiles], later)
    checks += check_waits(device, plan.effort)
    write()
    if plan.training_minutes:
        checks.append(check_training(work, minutes=plan.training_minutes))
        write()
    if plan.tests:
        checks.append(check_tests(seconds=min(TEST_SECONDS, end - clock())))
    take([step for step in steps if step.compiles], COMPILATION)
    write()
    print((out / "cuda.md").read_text(encoding="utf-8"))
    return 1 if any(check.passed is False for check in checks) else 0


def _write(
    out: Path, facts: dict[str, str], ceilings: Ceilings, rows: dict[Step, Measured], checks: Sequence[Check]
) -> None:
    slug = "-".join(re.findall(r"[a-z0-9.]+", facts["device"].lower()))
    figures = {
        "facts": facts,
        "ceilings": asdict(ceilings),
        "steps": [row.as_figures() for row in rows.values()],
        "checks": [asdict(check) for check in checks],
    }
    (out / "cuda").mkdir(parents=True, exist_ok=True)
    text = json.dumps(figures, indent=1) + "\n"
    (out / "cuda" / f"{slug}.json").write_text(text, encoding="utf-8")
    (out / "cuda.md").write_text(page(facts, ceilings, list(rows.values()), checks), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

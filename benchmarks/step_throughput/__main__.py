"""Time a full GAN iteration, written in several ways: ``python -m benchmarks.step_throughput``.

Ratios of medians-in-turn, never bare times, and beside each the difference that the form makes to the trained weights and the
memory it needs. Each case leaves a file; cases whose file exists are not measured again.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.idle import BusyError, Watch, look, refuse_busy
from benchmarks.step_throughput.cases import CASES, Case
from benchmarks.step_throughput.forms import forms_of
from benchmarks.step_throughput.measuring import Effort, measure
from benchmarks.step_throughput.page import idleness_of, page
from benchmarks.step_throughput.setting import Setting
from benchmarks.timing import fastest_convolutions
from benchmarks.toys.runs import Record, load, machine, make_record, save

RESULTS = Path(__file__).parents[1] / "results"
QUICK = Path("runs/quick_benchmark")


def main(words: Sequence[str] | None = None) -> int:
    """Measure what is missing and write the page; returns 0, or 1 if the machine is not idle."""
    arguments = _parse(words)
    device = torch.device(arguments.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if device.type == "cpu":
        torch.set_num_threads(arguments.threads)
    try:
        records = _records(arguments, device)
    except BusyError as error:
        print(error, file=sys.stderr)
        return 1
    name = _slug(device_name(device)) if device.type == "cuda" else "cpu"
    path = arguments.out / f"{name}.md"
    text = page(records)
    path.write_text(text, encoding="utf-8")
    print(text)
    return 0


def _records(arguments: argparse.Namespace, device: torch.device) -> dict[str, Record]:
    """Return the records of all cases that were chosen or are kept, measuring those that are missing.

    Raises:
        BusyError: The machine is not idle, or was not while a case was measured, and the caller did not allow it.
    """
    folder = arguments.out / "step_throughput"
    records: dict[str, Record] = {}
    for case in CASES:
        setting, effort = _sizes(case, device, arguments)
        protocol = _protocol(case, setting, effort, device)
        name = "quick" if arguments.quick else device.type
        record = load(folder, name, case.slug, 0, protocol=protocol)
        if record is not None and not (arguments.busy or idleness_of(record).idle):
            record = None
        if record is None and case.slug in (arguments.only or [case.slug]):
            print(f"{case.name} ...", file=sys.stderr, flush=True)
            record = _measured(name, case, setting, effort, protocol, busy=arguments.busy)
            save(folder, record)
            refuse_busy(idleness_of(record), busy=arguments.busy)
        if record is not None:
            records[case.slug] = record
    return records


def _measured(
    name: str, case: Case, setting: Setting, effort: Effort, protocol: dict[str, object], *, busy: bool
) -> Record:
    before = look()
    refuse_busy(before, busy=busy)
    watch = Watch()
    with fastest_convolutions():
        rows = measure(case, forms_of(case), setting, effort)
    idleness = replace(before, others=watch.others())
    figures = {"rows": [row.as_figures() for row in rows], "idleness": idleness.as_figures()}
    seconds = sum(row.seconds for row in rows) * effort.repeats
    return make_record(name, case.slug, 0, protocol=protocol, figures=figures, seconds=seconds)


def _sizes(case: Case, device: torch.device, arguments: argparse.Namespace) -> tuple[Setting, Effort]:
    on_cuda = device.type == "cuda"
    width, batch = case.gpu if on_cuda else case.cpu
    effort = Effort(warmup=20, repeats=15, inner=10) if on_cuda else Effort(warmup=1, repeats=5)
    if arguments.quick:
        width, batch, effort = case.exact, 2, Effort(warmup=1, repeats=2, inner=1)
    if arguments.repeats is not None:
        effort = replace(effort, repeats=arguments.repeats)
    return Setting(device=device, width=width, batch=batch), effort


def _protocol(case: Case, setting: Setting, effort: Effort, device: torch.device) -> dict[str, object]:
    return {
        "device": device_name(device),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "size": (setting.width, setting.batch),
        "repeats": effort.repeats,
        "forms": [f"{form.name}, {form.numbers}" for form in forms_of(case)],
    }


def device_name(device: torch.device) -> str:
    """Return the kind of processor or GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else machine()


def _slug(name: str) -> str:
    return f"cuda-{name.lower().replace(' ', '-')}"


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step_throughput", description=__doc__)
    slugs = [case.slug for case in CASES]
    parser.add_argument("--only", action="append", choices=slugs, help="measure one case; may be given several times")
    parser.add_argument("--quick", action="store_true", help="tiny networks and two repeats: does it run at all")
    parser.add_argument(
        "--busy", action="store_true", help="publish although the machine is not idle; the page says so"
    )
    parser.add_argument("--device", help="cpu or cuda; by default the GPU where there is one")
    parser.add_argument("--repeats", type=int, help="samples of each form; by default 5 on the CPU, 15 on a GPU")
    parser.add_argument("--threads", type=int, default=2, help="threads on the CPU")
    parser.add_argument("--out", type=Path, help="folder of the page; by default that of the documentation")
    arguments = parser.parse_args(words)
    arguments.out = arguments.out or (QUICK if arguments.quick else RESULTS)
    arguments.out.mkdir(parents=True, exist_ok=True)
    return arguments


if __name__ == "__main__":
    sys.exit(main())

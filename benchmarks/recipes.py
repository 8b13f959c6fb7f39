"""Time and memory of a round of each recipe of the anime faces: ``python -m benchmarks.recipes`` writes ``recipes.md``.

The rounds are those of the command `recipes --measure`, at 32 x 32 pixels and with the options of `benchmarks.gallery`, in
float32 and bfloat16 and in both memory layouts. Needs the extra `examples`.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import tyro

from benchmarks.gallery.runs import ARMS, SIZE
from benchmarks.idle import BusyError, Idleness, Watch, look, refuse_busy
from benchmarks.memory import Work, peak_in_own_process
from benchmarks.timing import Ratio, ratio_of
from benchmarks.toys.runs import Record, load, machine, make_record, save
from examples.anime_faces.recipes import find_options, recipe_names
from examples.anime_faces.systems import Hardware
from examples.anime_faces.trial import trial_round

RESULTS = Path(__file__).parent / "results"
CHOICES: Mapping[str, tuple[str, bool]] = {
    "float32": ("float32", True),
    "float32, channels first": ("float32", False),
    "bfloat16": ("bfloat16", True),
    "bfloat16, channels first": ("bfloat16", False),
}
WEIGHED = ("float32", "bfloat16")
"""Choices whose memory is measured; that of the other layout is the same."""
ROUNDS = 3
LONG = 8.0
"""Seconds of a round from which on a choice is played once only."""


def options_of(name: str) -> Any:
    """Return the options of a recipe in the gallery."""
    return tyro.cli(find_options(name), args=list(ARMS[name].options))


def measure(name: str, threads: int, *, size: int = SIZE, rounds: int = ROUNDS) -> dict[str, dict[str, Any]]:
    """Return the figures of a recipe by choice: seconds of rounds taken in turn, after one that is not counted, and memory."""
    plays: dict[str, Callable[[int], object]] = {}
    times: dict[str, list[float]] = {choice: [] for choice in CHOICES}
    for choice in CHOICES:
        plays[choice] = trial_round(name, size, options=options_of(name), hardware=_hardware(choice, threads))
        plays[choice](0)
    for number in range(1, 1 + rounds):
        for choice, play in plays.items():
            if times[choice] and max(times[choice]) > LONG:
                times[choice].append(times[choice][-1])
                continue
            start = time.perf_counter()
            play(number)
            times[choice].append(time.perf_counter() - start)
    return {
        choice: {
            "seconds": times[choice],
            "megabytes": peak_in_own_process(_work, name, choice, threads, size) if choice in WEIGHED else None,
        }
        for choice in CHOICES
    }


def page(records: Mapping[str, Record]) -> str:
    """Return the page of the recipes that were measured."""
    first = next(iter(records.values()))
    made = (
        f"torch {first.torch}, {first.threads} thread(s), {first.machine}; pictures of {SIZE} x {SIZE} pixels, each recipe "
        "with the options of its run on its page; written by `python -m benchmarks.recipes` from the files in `recipes/`. "
        "*round* is "
        "the median time of one round (all updates of a step) in float32 with channels last, the format in which `train` "
        "begins. The other columns are ratios to this time, from interleaved rounds, with quartiles. "
        "*memory* is the peak memory of a round in mebibytes, minus the memory between rounds."
    )
    busy = [name for name, record in records.items() if not _idleness(record).idle]
    lines = ["# Recipes: time and memory of a round", "", made, ""]
    if busy:
        lines += [f"**The machine was not idle** while these were measured: {', '.join(busy)}.", ""]
    others = [choice for choice in CHOICES if choice != "float32"]
    lines.append(f"| recipe | round | {' | '.join(others)} | memory | memory in bfloat16 |")
    lines.append("|---" * (len(others) + 4) + "|")
    for name, record in records.items():
        figures = record.figures["choices"]
        base = figures["float32"]["seconds"]
        ratios = [ratio_of(figures[choice]["seconds"], base) for choice in others]
        memory = [_megabytes(figures[choice]["megabytes"]) for choice in WEIGHED]
        cells = [_seconds(statistics.median(base)), *map(_ratio, ratios), *memory]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def main(words: Sequence[str] | None = None) -> int:
    """Measure the recipes that have no record, then write the page; returns 0, or 1 if the machine is not idle."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipes", description=__doc__)
    parser.add_argument("--only", action="append", choices=recipe_names(), help="measure one recipe; may be repeated")
    parser.add_argument(
        "--busy", action="store_true", help="publish although the machine is not idle; the page says so"
    )
    parser.add_argument("--threads", type=int, default=2, help="threads on the CPU")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the page")
    arguments = parser.parse_args(words)
    torch.set_num_threads(arguments.threads)
    records: dict[str, Record] = {}
    try:
        for name in recipe_names():
            record = _kept_or_measured(name, arguments)
            if record is not None:
                records[name] = record
    except BusyError as error:
        print(error, file=sys.stderr)
        return 1
    text = page(records)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "recipes.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def _kept_or_measured(name: str, arguments: argparse.Namespace) -> Record | None:
    folder = arguments.out / "recipes"
    protocol: dict[str, object] = {
        "options": ARMS[name].options,
        "size": SIZE,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "machine": machine(),
    }
    record = load(folder, "round", name, 0, protocol=protocol)
    if record is not None and (arguments.busy or _idleness(record).idle):
        return record
    if name not in (arguments.only or [name]):
        return None
    print(f"{name} ...", file=sys.stderr, flush=True)
    before = look()
    refuse_busy(before, busy=arguments.busy)
    watch = Watch()
    choices = measure(name, arguments.threads)
    seen = replace(before, others=watch.others())
    figures = {"choices": choices, "idleness": seen.as_figures()}
    seconds = sum(sum(one["seconds"]) for one in choices.values())
    record = make_record("round", name, 0, protocol=protocol, figures=figures, seconds=seconds)
    save(folder, record)
    refuse_busy(seen, busy=arguments.busy)
    return record


def _work(name: str, choice: str, threads: int, size: int) -> Work:
    play = trial_round(name, size, options=options_of(name), hardware=_hardware(choice, threads))
    return partial(play, 0), lambda: None


def _hardware(choice: str, threads: int) -> Hardware:
    precision, channels_last = CHOICES[choice]
    return Hardware(precision=precision, channels_last=channels_last, threads=threads)


def _idleness(record: Record) -> Idleness:
    return Idleness(**record.figures["idleness"])


def _seconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _ratio(ratio: Ratio) -> str:
    return f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def _megabytes(value: float | None) -> str:
    return "unmeasured" if value is None else f"{value:.0f}"


if __name__ == "__main__":
    sys.exit(main())

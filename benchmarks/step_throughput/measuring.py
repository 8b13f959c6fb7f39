"""Time, error and memory of the forms of a case."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import cycle, islice

import torch

from benchmarks.step_throughput.cases import Case
from benchmarks.step_throughput.forms import Form, reason_of
from benchmarks.step_throughput.memory import peak_megabytes
from benchmarks.step_throughput.setting import Batch, Iteration, Setting
from benchmarks.timing import ratio_of, timed_in_turn

ERROR_ITERATIONS = 2
LONG_ENOUGH = 0.4  # seconds of a sample on a CPU


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure.

    Args:
        warmup: Iterations of each form before any is timed.
        repeats: Samples of each form.
        inner: Iterations in a sample; None: as many as take `LONG_ENOUGH` in the first form.
    """

    warmup: int
    repeats: int
    inner: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured of a form.

    Args:
        form: Its name.
        numbers: Number format and layout.
        reason: Why nothing was measured, or nothing.
        median: Time of an iteration over that of the first form, a median over repeats.
        low: First quartile of it.
        high: Third quartile of it.
        seconds: Median time of an iteration.
        error: Distance of the trained weights from those of the first form; see `errors_of`.
        error_in: Number format in which the error was measured.
        megabytes: Peak memory of an iteration, over what is held between iterations; None where it cannot be measured.
    """

    form: str
    numbers: str
    reason: str = ""
    median: float = 0.0
    low: float = 0.0
    high: float = 0.0
    seconds: float = 0.0
    error: float = 0.0
    error_in: str = "float64"
    megabytes: float | None = None

    def as_figures(self) -> dict[str, object]:
        """Return plain values for a record."""
        return asdict(self)


def measure(case: Case, forms: Sequence[Form], setting: Setting, effort: Effort) -> list[Row]:
    """Measure all forms of a case, the first of which is the measure of the others."""
    reasons = [reason_of(form, case, setting) for form in forms]
    able = [form for form, reason in zip(forms, reasons, strict=True) if not reason]
    seconds = _seconds(case, able, setting, effort)
    first = [row[0] for row in seconds]
    errors = errors_of(case, able, forms[0])
    rows = []
    for form, reason in zip(forms, reasons, strict=True):
        if reason:
            rows.append(Row(form=form.name, numbers=form.numbers, reason=reason))
            continue
        place = able.index(form)
        own = [row[place] for row in seconds]
        ratio = ratio_of(own, first)
        error, error_in = errors[place]
        rows.append(
            Row(
                form=form.name,
                numbers=form.numbers,
                median=ratio.median,
                low=ratio.low,
                high=ratio.high,
                seconds=statistics.median(own),
                error=error,
                error_in=error_in,
                megabytes=peak_megabytes(case, form, setting),
            )
        )
    return rows


def errors_of(case: Case, forms: Sequence[Form], first: Form, *, batch: int = 7) -> list[tuple[float, str]]:
    """Return how far each form's weights end from those of `first`, over how far those moved; and in which numbers.

    All start from the same weights, batches and draws, on the CPU, and run in float64: but a form in bfloat16 runs as it is
    timed, and a library that casts to float32 is compared in float32.
    """
    exact = Setting(device=torch.device("cpu"), width=case.exact, batch=batch, dtype=torch.float64)
    single = replace(exact, dtype=torch.float32)
    wanted: dict[torch.dtype, tuple[torch.Tensor, torch.Tensor]] = {}
    errors = []
    for form in forms:
        reference = exact if form.exact_in_float64 else single
        own = exact if form.exact_in_float64 and not form.bfloat16 else single
        if reference.dtype not in wanted:
            wanted[reference.dtype] = case.make(reference).weights(), train(first, case, reference)
        start, expected = wanted[reference.dtype]
        distance = (train(form, case, own) - expected).norm() / (expected - start).norm()
        name = "bfloat16" if form.bfloat16 else str(own.dtype).removeprefix("torch.")
        errors.append((float(distance.item()), name))
    return errors


def train(form: Form, case: Case, setting: Setting) -> torch.Tensor:
    """Play a few iterations from the seed of all forms, and return the weights."""
    iterate, networks = form.start(case, form.setting(case, setting))
    steps = case.rule.critic_steps
    batches = case.batches(form.setting(case, setting), ERROR_ITERATIONS * steps)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        for first in range(0, len(batches), steps):
            iterate(batches[first : first + steps])
    return networks.weights()


def _seconds(case: Case, forms: Sequence[Form], setting: Setting, effort: Effort) -> list[list[float]]:
    """Return the seconds of an iteration: a row for each repeat, a column for each form."""
    runs: list[Callable[[], None]] = []
    for form in forms:
        own = form.setting(case, setting)
        iterate, _ = form.start(case, own)
        batches = cycle(case.batches(own, 2 * case.rule.critic_steps))
        runs.append(partial(_iterate, iterate, batches, case.rule.critic_steps))
    inner = effort.inner
    if inner is None:
        runs[0]()
        (once,) = timed_in_turn(runs[:1], device=setting.device, warmup=0, repeats=1, inner=1)
        inner = max(1, min(10, round(LONG_ENOUGH / once[0])))
    found = timed_in_turn(runs, device=setting.device, warmup=effort.warmup, repeats=effort.repeats, inner=inner)
    return [[seconds / inner for seconds in row] for row in found]


def _iterate(iterate: Iteration, batches: Iterator[Batch], count: int) -> None:
    iterate(list(islice(batches, count)))

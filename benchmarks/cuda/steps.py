"""The steps that are timed on the device: cases, number formats and forms."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle, islice

import torch

import gankit as gk
from benchmarks.cuda.device import Device
from benchmarks.cuda.roofline import Ceilings, Work
from benchmarks.step_throughput.cases import CASES, Case, Rule
from benchmarks.step_throughput.loops import tutorial
from benchmarks.step_throughput.setting import Batch, Iteration, Networks, Setting
from benchmarks.step_throughput.updates import played_round

Build = Callable[[Rule, Networks, Setting], Iteration]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure, and how large."""

    warmup: int = 10
    repeats: int = 9
    inner: int = 10
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step to time.

    Args:
        case: Slug of its case.
        form: How it is written.
        numbers: ``"bfloat16"`` or ``"float32"``.
        compiles: Whether it compiles first, which takes long: it is measured last.
    """

    case: str
    form: str
    numbers: str
    compiles: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured of a step; None: unmeasured, and `reason` says why if it could not be.

    Args:
        step: The step.
        seconds: Median time of an iteration.
        low: First quartile of it.
        high: Third quartile of it.
        images: Real images that the critic sees in a second.
        roofline: Least possible time of the products of an iteration over `seconds`.
        launches: Kernels, graphs and copies that the host launches in an iteration.
        megabytes: Peak memory of an iteration, over what is held before it.
        reason: Why there is no time.
    """

    step: Step
    seconds: float | None = None
    low: float | None = None
    high: float | None = None
    images: float | None = None
    roofline: float | None = None
    launches: int | None = None
    megabytes: float | None = None
    reason: str = ""

    def as_figures(self) -> dict[str, object]:
        """Return plain values."""
        return asdict(self)


def forms() -> dict[str, tuple[Build, bool]]:
    """Return how each form is built, and whether it compiles."""
    parts = {"compiled": "Compiled", "graphed": "Graphed"}
    own = {
        f"gankit, {name}": (partial(played_round, gradients=getattr(gk.training, part)), name == "compiled")
        for name, part in parts.items()
        if hasattr(gk.training, part)
    }
    return {
        "tutorial loop": (tutorial, False),
        "tutorial loop, compiled": (_compiled_tutorial, True),
        "gankit, eager": (played_round, False),
        **own,
    }


def steps_of(slugs: Sequence[str] | None = None) -> list[Step]:
    """Return the steps in the order in which they are measured: what compiles comes last, the most telling case first."""
    found = [
        Step(case=case.slug, form=form, numbers=numbers, compiles=compiles)
        for case in CASES
        if case.slug in (slugs or [case.slug])
        for numbers in ("bfloat16", "float32")
        if numbers == "bfloat16" or case.slug == "ns"
        for form, (_, compiles) in forms().items()
        if not compiles or (numbers == "bfloat16" and case.slug in COMPILED)
    ]
    return sorted(found, key=lambda step: step.compiles)


COMPILED = ("ns", "gp", "clip")


def measure_step(step: Step, device: Device, ceilings: Ceilings, effort: Effort) -> Measured:
    """Measure one step; what torch refuses, such as a second derivative of a compiled network, is its reason."""
    case = next(case for case in CASES if case.slug == step.case)
    try:
        run = prepared(case, step, device, effort)
        run()
        times = device.seconds(run, warmup=effort.warmup, repeats=effort.repeats, inner=effort.inner)
    except (RuntimeError, ValueError) as error:
        first = (str(error).strip().splitlines() or [""])[0]
        return Measured(step=step, reason=f"{type(error).__name__}: {first[:160]}")
    median = statistics.median(times)
    low, _, high = statistics.quantiles(times, n=4) if len(times) > 1 else (median,) * 3
    _, batch = effort.size or case.gpu
    return Measured(
        step=step,
        seconds=median,
        low=low,
        high=high,
        images=case.rule.critic_steps * batch / median,
        roofline=work_of(case, step, device, effort).seconds(ceilings, step.numbers) / median,
        launches=device.launches(run),
        megabytes=device.peak_megabytes(run),
    )


def prepared(case: Case, step: Step, device: Device, effort: Effort) -> Callable[[], None]:
    """Return what does one iteration on batches that are on the device."""
    setting = _setting(case, step, device, effort)
    networks = case.make(setting)
    build, _ = forms()[step.form]
    batches = cycle(case.batches(setting, 2 * case.rule.critic_steps))
    return partial(_iterate, build(case.rule, networks, setting), batches, case.rule.critic_steps)


def work_of(case: Case, step: Step, device: Device, effort: Effort) -> Work:
    """Count the products of an iteration of gankit, which computes nothing that is not used."""
    eager = Step(case=step.case, form="gankit, eager", numbers=step.numbers)
    run = prepared(case, eager, device, effort)
    run()
    with Work() as work:
        run()
    return work


def _setting(case: Case, step: Step, device: Device, effort: Effort) -> Setting:
    width, batch = effort.size or case.gpu
    return Setting(
        device=device.torch_device,
        width=width,
        batch=batch,
        bfloat16=step.numbers == "bfloat16",
        channels_last=True,
        saving=case.saves and step.form.startswith("gankit"),
    )


def _compiled_tutorial(rule: Rule, networks: Networks, setting: Setting) -> Iteration:
    for network in (networks.generator, networks.critic):
        network.compile()
    return tutorial(rule, networks, setting)


def _iterate(iterate: Iteration, batches: Iterator[Batch], count: int) -> None:
    iterate(list(islice(batches, count)))


def forget_compiled() -> None:
    """Drop what torch has compiled so far, which other steps do not use."""
    torch.compiler.reset()

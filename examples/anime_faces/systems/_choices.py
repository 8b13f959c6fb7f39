"""Which device, number format, memory layout, gradient part and threads there are to choose from, and which are fastest."""

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

import torch
from torch import distributed
from torch.nn import functional

from examples.anime_faces.systems._hardware import GRADIENTS, PRECISIONS, Hardware, wait_for
from examples.anime_faces.systems._timing import Candidate, Clock, Comparison, compare

OTHER_GRADIENTS = 0.96  # so that noise does not choose them where both are equal
OTHER_LAYOUT = 0.96  # so that noise does not choose the layout where both are equal
FEW_THREADS = 4
MOST_THREADS = max(256, os.cpu_count() or 1)  # with very many, the runtime of OpenMP ends the process
DEVICES = ("cpu", "cuda", "mps", "xpu")
LONGEST_REASON = 200
FASTER = 0.85  # a lower precision must reach this share of the time to be worth its rounding


def hardware_choices(
    *,
    device: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    gradients: str | None = None,
) -> tuple[Hardware, ...]:
    """Return what there is to choose from: number formats, memory layouts, numbers of CPU threads, and on CUDA graphs.

    The first is slow nowhere: float32, channels last, one thread where there are at most 4, else all of them, eager. On a GPU
    the number of CPU threads is not a choice. If both number format and threads are given, only the first is left, so that
    equal commands compute equal numbers.

    Args:
        device: As torch spells it. Default: CUDA if there is one.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``. Default: the first two.
        threads: CPU threads. Default: torch's number, half of it, and so on down to 1.
        gradients: ``"eager"``, ``"compiled"`` or ``"graphed"``. Default: eager, and graphed on one CUDA device. Compiling
            takes minutes, so it is never a choice by default.

    Raises:
        ValueError: The device does not exist here, or an argument is out of range.
    """
    if threads is not None and threads < 1:
        raise ValueError(f"--threads must be at least 1, but it is {threads}")
    if threads is not None and threads > MOST_THREADS:
        raise ValueError(f"--threads must be at most {MOST_THREADS}, but it is {threads}")
    if precision is not None and precision not in PRECISIONS:
        raise ValueError(f"--precision must be one of {', '.join(PRECISIONS)}, but it is {precision!r}")
    name = _existing_device(device)
    if gradients is not None and gradients not in GRADIENTS:
        raise ValueError(f"--gradients must be one of {', '.join(GRADIENTS)}, but it is {gradients!r}")
    if gradients == "graphed" and torch.device(name).type != "cuda":
        raise ValueError(f"--gradients graphed needs a CUDA device, but --device is {name}")
    fixed = precision is not None and threads is not None
    parts = [gradients] if gradients is not None else _gradients_of(name, fixed=fixed)
    precisions = [precision] if precision is not None else _precisions_of(name)
    counts = [threads] if threads is not None else _thread_counts(name)
    return tuple(
        Hardware(device=name, precision=each, channels_last=last, threads=count, gradients=part)
        for each, last, part, count in product(precisions, [True] if fixed else [True, False], parts, counts)
    )


def fastest_hardware(
    step_on: Callable[[Hardware], Callable[[], object]],
    choices: Sequence[Hardware],
    *,
    seconds: float,
    clock: Clock = time.perf_counter,
) -> tuple[Hardware, Comparison | None]:
    """Choose by timing one real step on each, by turns; torch has the chosen number of threads afterwards.

    Args:
        step_on: Builds the work for a choice, and returns what does one step of it. Nothing of it should be kept, since which
            choice does how many steps depends on the clock.
        choices: From `hardware_choices`, on one device.
        seconds: Begin no step after this time.
        clock: Reads seconds.

    Returns:
        The choice, and the figures behind it; None where there was nothing to choose.

    Example:
        >>> from torch import nn
        >>> generator = nn.Linear(2, 3)
        >>> def step_on(hardware):
        ...     network = hardware.place(nn.Linear(2, 3))
        ...     return hardware.autocast(lambda: network(torch.ones(5, 2)))
        >>> chosen, figures = fastest_hardware(step_on, hardware_choices(device="cpu", threads=1), seconds=1.0)
        >>> chosen.threads
        1
    """
    if len(choices) == 1:
        torch.set_num_threads(choices[0].threads)
        return choices[0], None
    named = dict(zip(_names(choices), choices, strict=True))
    probes = {choice.precision: partial(_convolve, choice.precision, choice.device) for choice in choices}
    candidates = {
        name: Candidate(
            work=partial(_step, choice, step_on(choice)),
            probe=probes[choice.precision],
            least_gain=(1.0 if choice.precision == "float32" else FASTER)
            * (1.0 if choice.channels_last else OTHER_LAYOUT)
            * (1.0 if choice.gradients == choices[0].gradients else OTHER_GRADIENTS),
        )
        for name, choice in named.items()
    }
    found = compare(candidates, seconds=seconds, clock=clock)
    torch.set_num_threads(named[found.best].threads)
    return named[found.best], found


def _step(hardware: Hardware, work: Callable[[], object]) -> None:
    torch.set_num_threads(hardware.threads)
    work()
    wait_for(hardware.device)


def _thread_counts(device: str) -> list[int]:
    most = torch.get_num_threads()
    if torch.device(device).type != "cpu":
        return [most]
    counts = [most >> halvings for halvings in range(most.bit_length())]
    # One thread needs no other to be on time, so another program cannot make it very slow; with many it would be slow itself.
    return counts if most > FEW_THREADS else counts[::-1]


def _precisions_of(device: str) -> list[str]:
    lacks = torch.device(device).type == "cuda" and not torch.cuda.is_bf16_supported()
    return ["float32"] if lacks else ["float32", "bfloat16"]


def _gradients_of(device: str, *, fixed: bool) -> list[str]:
    on_one_gpu = torch.device(device).type == "cuda" and not (
        distributed.is_initialized() and distributed.get_world_size() > 1
    )
    return ["eager", "graphed"] if on_one_gpu and not fixed else ["eager"]


def _names(choices: Sequence[Hardware]) -> list[str]:
    """Name each choice by what differs between them."""
    parts = [
        (
            one.precision,
            "channels last" if one.channels_last else "channels first",
            one.gradients,
            f"{one.threads} thread{'s' * (one.threads > 1)}",
        )
        for one in choices
    ]
    differs = [len(set(column)) > 1 for column in zip(*parts, strict=True)]
    return [", ".join(part for part, shown in zip(row, differs, strict=True) if shown) for row in parts]


def _convolve(precision: str, device: str) -> None:
    """Compute a small convolution forward and backward."""
    images = torch.ones(4, 32, 16, 16, device=device, dtype=PRECISIONS[precision]).requires_grad_()
    weight = torch.ones(32, 32, 3, 3, device=device, dtype=PRECISIONS[precision]).requires_grad_()
    functional.conv2d(images, weight, padding=1).sum().backward()
    wait_for(device)


def _existing_device(device: str | None) -> str:
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.partition(":")[0] not in DEVICES:
        raise ValueError(f"--device {device} cannot be used here: it must be cpu, cuda, cuda:1 and so on, mps or xpu")
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0].partition(". ")[0]
        raise ValueError(f"--device {device} cannot be used here: {first[:LONGEST_REASON]}") from error
    return device

"""What an evaluation computes on, what it will cost, and how many samples fit into its time: all measured, nothing assumed."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from examples.anime_faces.judge import encode, load_encoder, load_judge, read, render_fresh
from examples.anime_faces.metrics._classification_score import LEAST_SAMPLES, STEPS, one_step
from examples.anime_faces.metrics._tools import Costs
from examples.anime_faces.systems import Hardware, fastest_hardware, hardware_choices

DEFAULT_SAMPLES = 2_640
SWEEP = 132
"""Each pair of colors once."""

SMALLEST = 2 * SWEEP
FEWEST = 60
"""Fewer samples are not worth measuring, however little time is left."""

PROBED = 32
SECONDS_TO_CHOOSE = 8.0
SHARE_TO_CHOOSE = 0.1
SAFETY = 0.85
"""Share of the time that is planned: a machine gets busier."""


def choose_machine(device: str | None, *, student: bool, seconds: float | None) -> tuple[Hardware, str]:
    """Choose precision, memory format and threads by timing the real step of this evaluation.

    Args:
        device: As torch spells it. None: CUDA if there is one, else the CPU.
        student: Whether a network will be trained for the classification score; else reading pictures is timed, in float32.
        seconds: The time of the whole evaluation. None: it has no limit.

    Returns:
        The choice, and the figures behind it in words.
    """
    limit = SECONDS_TO_CHOOSE if seconds is None else min(SECONDS_TO_CHOOSE, SHARE_TO_CHOOSE * seconds)
    choices = hardware_choices(device=device, precision=None if student else "float32")
    chosen, figures = fastest_hardware(one_step if student else _one_reading, choices, seconds=limit)
    return chosen, "nothing to choose" if figures is None else str(figures)


def _one_reading(hardware: Hardware) -> Callable[[], object]:
    encoder = hardware.place(load_encoder())
    images = torch.zeros(PROBED, 3, 64, 64, dtype=torch.uint8)
    return lambda: encode(encoder, images)


def measure_costs(draw: Callable[[int], object], *, size: int, rendered: bool, hardware: Hardware) -> Costs:
    """Time a little of each kind of work.

    Args:
        draw: Draws a number of samples.
        size: Width of the pictures.
        rendered: Whether fresh renders, the judge and the classification score are part of the evaluation.
        hardware: What it is computed on.
    """
    images = torch.zeros(PROBED, 3, size, size, dtype=torch.uint8)
    encoder, judge = load_encoder(hardware.device), load_judge(hardware.device)
    draw(2)
    encode(encoder, images[:2])
    update = one_step(hardware)
    if rendered:
        update()
    return Costs(
        draw=_seconds(lambda: draw(PROBED)) / PROBED,
        render=_seconds(lambda: render_fresh(PROBED, seed=1, size=size, workers=0)) / PROBED / (os.cpu_count() or 1)
        if rendered
        else 0.0,
        # The untrained network takes about as long as the encoder.
        read=(2 * _seconds(lambda: encode(encoder, images)) + rendered * _seconds(lambda: read(judge, images)))
        / PROBED,
        score=STEPS * _seconds(update) if rendered else 0.0,
    )


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured.

    Args:
        samples: Number of samples.
        score: Whether the classification score is measured.
        notes: What was left out or made smaller, and why.
    """

    samples: int
    score: bool
    notes: tuple[str, ...] = ()

    def expected(self, costs: Costs) -> str:
        """Return in words how long it will take."""
        score = costs.score if self.score else 0.0
        words = f"about {costs.of(self.samples) + score:.0f} s in all"
        return f"{words}, {score:.0f} s of them for the classification score" if self.score else words


def plan_samples(
    asked: int | None,
    seconds: float | None,
    costs: Costs,
    *,
    rendered: bool,
    reads_labels: bool = True,
    most: int | None = None,
) -> Plan:
    """Decide how many samples to measure.

    Args:
        asked: The user's number. None: 2,640, or as many as fit into the time.
        seconds: What is left of the time. None: there is no limit.
        costs: Seconds of each kind of work.
        rendered: Whether every pair of colors is drawn equally often, and the classification score may be measured.
        reads_labels: Whether the recipe does; else there is no classification score.
        most: Largest possible number. None: any.
    """
    wanted = DEFAULT_SAMPLES if asked is None else asked
    if most is not None:
        wanted = min(wanted, most)
    if asked is not None or seconds is None:
        return _whole(wanted, rendered and reads_labels)
    room = SAFETY * seconds
    affordable = int(room / costs.of(1))
    scored = rendered and reads_labels and int((room - costs.score) / costs.of(1)) >= LEAST_SAMPLES
    if scored:
        affordable = int((room - costs.score) / costs.of(1))
    samples = min(wanted, affordable)
    if rendered:
        samples = max(SMALLEST, samples // SWEEP * SWEEP)
    samples = max(min(wanted, FEWEST), samples)
    notes = []
    if samples < wanted:
        notes.append(
            f"{samples} samples instead of {wanted}, because they had to fit into {seconds:.0f} s: the intervals are wider. "
            f"`evaluate --samples {wanted}` measures more."
        )
    if rendered and reads_labels and not scored:
        notes.append(
            f"The classification score is left out: it takes about {costs.score:.0f} s and {LEAST_SAMPLES:,} samples, and "
            f"{seconds:.0f} s were left."
        )
    return Plan(samples=samples, score=scored, notes=tuple(notes))


def _whole(samples: int, scored: bool) -> Plan:
    if scored and samples < LEAST_SAMPLES:
        note = (
            f"The classification score is left out: it needs {LEAST_SAMPLES:,} samples, since a network learns too little even "
            "from fewer renders."
        )
        return Plan(samples=samples, score=False, notes=(note,))
    return Plan(samples=samples, score=scored)


@contextmanager
def same_threads_afterwards() -> Iterator[None]:
    """Give torch back the number of CPU threads that it had, however the block ends."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)

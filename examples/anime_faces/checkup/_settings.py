"""Findings in what a training is asked to do: batch, learning rates, length."""

from collections.abc import Iterator
from typing import Any

from examples.anime_faces.checkup._findings import Finding, problem, warning
from examples.anime_faces.run import large_batch
from examples.anime_faces.systems import Training

USUAL_RATES = (1e-6, 1e-2)
"""Of Adam and its relatives: outside, networks hardly learn or diverge."""
HOPELESS_RATE = 0.5
"""A learning rate at which every recipe diverged or learned nothing."""
FEWEST_STEPS = 500
MOST_PASSES = 5_000
"""Times that each picture is used, from which on a generator learns pictures by heart unless the critic sees them changed."""


def findings_of_settings(training: Training, options: Any, *, pictures: int) -> Iterator[Finding]:
    """Look at what would be trained.

    Args:
        training: It; networks may be on the device ``meta``.
        options: The options of its recipe.
        pictures: Pictures in use.
    """
    large = large_batch(training.system, options, pictures)
    if large is not None:
        yield warning(*large)
    for name, rate in _rates(training).items():
        yield from _of_rate(name, rate)


def findings_of_length(training: Training, *, pictures: int, steps: int) -> Iterator[Finding]:
    """Look at how long it would be trained.

    Args:
        training: It; networks may be on the device ``meta``.
        pictures: Pictures in use.
        steps: The planned steps.
    """
    if steps < FEWEST_STEPS:
        yield warning(f"{steps} steps are few", "enough to see that everything works, and not for good pictures")
    passes = passes_of(training, pictures=pictures, steps=steps)
    if passes < 1:
        yield warning(
            f"only {passes:.0%} of the pictures would be used", f"train at least {int(steps / passes) + 1:,} steps"
        )
    if passes > MOST_PASSES:
        yield warning(
            f"each picture would be used {passes:,.0f} times",
            "watch for copies in the evaluation; add pictures, or train fewer steps",
        )


def passes_of(training: Training, *, pictures: int, steps: int) -> float:
    """Return how often each picture would be used, with the updates of a round from the middle of the plan."""
    system = training.system
    fresh = system.schedule(steps // 2).critic if system.fresh_batches else 1
    return steps * fresh * system.batch_size / max(1, pictures)


def _rates(training: Training) -> dict[str, float]:
    """Return the highest learning rate of each network at the first step; several updates may share its optimizer."""
    rates: dict[str, float] = {}
    for players in training.players.values():
        for player in players.values():
            groups = [group for update in player.updates.values() for group in update.optimizer.param_groups]
            rates[player.name] = max(float(group["lr"]) for group in groups)
    return rates


def _of_rate(name: str, rate: float) -> Iterator[Finding]:
    low, high = USUAL_RATES
    if rate >= HOPELESS_RATE:
        yield problem(
            f"the learning rate of {name} is {rate:g}",
            f"training would diverge; usual is 1e-4 to 1e-3, at most {high:g}",
        )
    elif rate > high:
        yield warning(f"the learning rate of {name} is {rate:g}", "usual is 1e-4 to 1e-3; training may diverge")
    elif rate < low:
        yield warning(f"the learning rate of {name} is {rate:g}", "usual is 1e-4 to 1e-3; the network hardly learns")

"""Report D's cheat: now and then a generated picture is priced as a real one."""

from typing import Self

import torch

import gankit as gk
from examples.anime_faces.recipes._options import GanClsOptions
from examples.anime_faces.recipes._recipe import Stateful


class Cheat:
    """Labels of generated pictures, of which a share is that of real ones.

    Args:
        schedule: the probability as a function of the step.
        per_batch: throw one coin for the whole batch.
        adaptive: takes the place of the schedule where given: the probability then follows the critic.
    """

    def __init__(
        self, schedule: gk.schedules.Ramp, *, per_batch: bool, adaptive: gk.losses.AdaptiveProbability | None
    ) -> None:
        self._schedule, self._per_batch, self._adaptive = schedule, per_batch, adaptive
        self._step = 0

    @classmethod
    def from_options(cls, options: GanClsOptions, steps: int) -> Self:
        """Read the options of report D.

        Raises:
            ValueError: The probability is not in 0..1, or is to decay and to adapt.
        """
        if not 0 <= options.cheat <= 1:
            raise ValueError(f"--cheat must be a probability from 0 to 1, but it is {options.cheat}")
        if options.cheat_decays and options.cheat_adapts:
            raise ValueError("--cheat-decays and --cheat-adapts must not both be given")
        last = 0.0 if options.cheat_decays else options.cheat
        schedule = gk.schedules.Ramp(length=steps, initial=options.cheat, final=last)
        adaptive = gk.losses.AdaptiveProbability(limit=options.cheat) if options.cheat_adapts else None
        return cls(schedule, per_batch=options.cheat_per_batch, adaptive=adaptive)

    @property
    def parts(self) -> dict[str, Stateful]:
        """What changes while it trains and is no pure function of the step."""
        return {} if self._adaptive is None else {"cheat": self._adaptive}

    def plan(self, step: int) -> None:
        """Take in the step that is about to run."""
        self._step = step

    def labels(self, fake_scores: torch.Tensor) -> torch.Tensor:
        """Return the label of each generated picture: 0, or 1 for those that pass for real."""
        probability = self._schedule(self._step)
        if self._adaptive is not None:
            probability = self._adaptive.probability.to(fake_scores.device)
        zeros = gk.losses.constant_labels(fake_scores, 0.0)
        return gk.losses.flip_labels(zeros, probability, whole_batch=self._per_batch)

    def watch(self, real_scores: torch.Tensor) -> None:
        """Let an adaptive probability see how sure the critic is of real pictures."""
        if self._adaptive is not None:
            self._adaptive.update(real_scores.detach())

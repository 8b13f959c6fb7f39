"""How the critic is deceived: report D's cheat, by labels, or adaptive pseudo augmentation, by pictures."""

from typing import Protocol

import torch

import gankit as gk
from examples.anime_faces.recipes.gan_cls.options import Options
from examples.anime_faces.systems import Scalars, Stateful, of_one_rank

SIGN = "cheat/mean sign of real scores"
PROBABILITY = "cheat/probability"


class Deception(Protocol):
    """What makes the critic take some generated pictures for real ones.

    Attributes:
        probability: The current probability, a 0-d tensor that is filled in place.
        parts: What changes and is not a pure function of the step.
    """

    probability: torch.Tensor
    parts: dict[str, Stateful]

    def plan(self, step: int) -> None:
        """Prepare for the step that comes next."""
        ...

    def labels(self, fake_scores: torch.Tensor) -> torch.Tensor | None:
        """Return the label of each generated picture; None: all are 0."""
        ...

    def mixed(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Return what the critic is shown as real pictures."""
        ...

    def readings(self, real_scores: torch.Tensor) -> Scalars:
        """Return what is logged, and what `follow` must know."""
        ...

    def follow(self, readings: Scalars) -> None:
        """Move the probability, after a round."""
        ...


class Cheat:
    """Labels of generated pictures, some of which are those of real ones.

    Args:
        options: Say how probable it is, and whether the probability falls or follows the critic.
        steps: Number of steps in which a probability that falls reaches 0.
        device: Where the labels are.

    Attributes:
        probability: The current probability, a 0-d tensor that is filled in place.
        parts: What changes and is not a pure function of the step.
    """

    def __init__(self, options: Options, steps: int, device: torch.device) -> None:
        last = 0.0 if options.cheat_decays else options.cheat
        self._schedule = gk.schedules.Ramp(length=steps, initial=options.cheat, final=last)
        self._adaptive = (
            gk.losses.AdaptiveProbability(limit=options.cheat, device=device) if options.cheat_adapts else None
        )
        self._whole_batch, self._batch_size = options.cheat_per_batch, options.batch_size
        self.probability = torch.zeros((), device=device) if self._adaptive is None else self._adaptive.probability
        self.parts: dict[str, Stateful] = {} if self._adaptive is None else {"cheat": self._adaptive}

    def plan(self, step: int) -> None:
        """Set the probability for the step that comes next, unless it follows the critic."""
        if self._adaptive is None:
            self.probability.fill_(self._schedule(step))

    def labels(self, fake_scores: torch.Tensor) -> torch.Tensor:
        """Return the label of each generated picture: 0, or 1 for those labeled as real."""
        zeros = gk.losses.constant_labels(fake_scores, 0.0)
        return gk.losses.flip_labels(zeros, self.probability, whole_batch=self._whole_batch)

    def mixed(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Return the real pictures as they are."""
        del fake
        return real

    def readings(self, real_scores: torch.Tensor) -> Scalars:
        """Return what a probability that follows the critic must know: how sure the critic is of real pictures."""
        return {} if self._adaptive is None else {SIGN: self._adaptive.mean_sign(real_scores)}

    def follow(self, readings: Scalars) -> None:
        """Move a probability that follows the critic, after a round."""
        if self._adaptive is not None:
            self._adaptive.move(readings[SIGN], of_one_rank(self._batch_size))

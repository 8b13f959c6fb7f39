"""Moving averages of the critic's scores."""

from typing import Any

import torch

from gankit._core import (
    Scalar,
    Scores,
    check_batch,
    check_floating,
    check_fraction,
    check_version,
    mean_of_whole_batch,
    widen,
)

VERSION = 1


class ScoreAverages:
    """What the critic has lately said of real and of generated samples, for `gankit.constraints.lecam_penalty`.

    Each average is without bias from its start: after k updates it weighs the batch i steps back by ``decay ** i`` and divides
    by the sum of these weights, so that the first batch counts fully. Means are those of the whole batch: ranks share them,
    and gradient accumulation is refused (update after the step then, from scores that were kept). An update whose scores
    are not all finite is passed over. Nothing waits for the device.

    Args:
        decay: Share of the old average that stays at each update, from 0 to below 1.

    Raises:
        ValueError: `decay` is not in 0..1 or is 1; or, at an update, a batch is empty, scores are not floating-point, or
            only a part of the batch is at hand; or an average is asked for before the first update.

    Example:
        >>> import torch
        >>> from gankit.constraints import ScoreAverages
        >>> averages = ScoreAverages(decay=0.5)
        >>> averages.update(torch.tensor([2.0, 4.0]), torch.tensor([-1.0]))
        >>> averages.real, averages.fake
        (tensor(3.), tensor(-1.))
        >>> averages.update(torch.tensor([6.0]), torch.tensor([-1.0]))
        >>> averages.real  # (1 * 6 + 0.5 * 3) / (1 + 0.5)
        tensor(5.)

    Reference:
        Tseng et al. 2021, "Regularizing Generative Adversarial Networks under Limited Data", section 3.2. The authors'
        TensorFlow program removes the bias in the same way (decay 0.99). Their PyTorch program and StudioGAN (both 0.9) begin
        at 1000 and at 7777 and keep the bias, so that the averages mean nothing for about a hundred updates unless copying
        is asked for until a starting step.
    """

    def __init__(self, *, decay: float = 0.99) -> None:
        check_fraction("decay", decay)
        if decay == 1:
            raise ValueError("decay must be below 1, got 1: the averages would never move")
        self.decay = decay
        # Averages of real scores, of fake scores and of the number 1, all begun at 0: the last removes the others' bias.
        self._biased: torch.Tensor | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(decay={self.decay})"

    @torch.no_grad()
    def update(self, real: Scores, fake: Scores) -> None:
        """Take in the scores of one batch. They may have any shapes and graphs; the graphs are not kept.

        Several maps of scores have several averages: one `ScoreAverages` a map.
        """
        means = torch.stack([_mean("real", real), _mean("fake", fake)])
        newest = torch.cat([means, torch.ones_like(means[:1])])
        # What was loaded from a file may lie on another device.
        self._biased = torch.zeros_like(newest) if self._biased is None else self._biased.to(newest.device)
        moved = torch.lerp(self._biased, newest.to(self._biased.dtype), 1 - self.decay)
        # In place, so that a captured graph finds the averages where it left them.
        self._biased.copy_(torch.where(newest.isfinite().all(), moved, self._biased))

    @property
    def real(self) -> Scalar:
        """The average score of real samples."""
        return self._unbiased(0)

    @property
    def fake(self) -> Scalar:
        """The average score of generated samples."""
        return self._unbiased(1)

    def state_dict(self) -> dict[str, Any]:
        """Return the averages as they are kept: with their bias, and beside them what removes it."""
        return {"version": VERSION, "biased": None if self._biased is None else self._biased.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state that `state_dict` returned.

        Raises:
            ValueError: The state is of another version or holds something else than the averages.
        """
        check_version("score averages", state, VERSION)
        if "biased" not in state:
            raise ValueError(f"state of score averages must hold 'biased', got {sorted(state)}")
        biased = state["biased"]
        if biased is not None and not (isinstance(biased, torch.Tensor) and biased.shape == (3,)):
            raise ValueError(f"state of score averages must hold a tensor of 3 numbers or None, got {biased!r}")
        self._biased = None if biased is None else biased.clone()

    def _unbiased(self, position: int) -> Scalar:
        if self._biased is None:
            raise ValueError("averages must be updated before they are used: call update(real, fake) first")
        return self._biased[position] / self._biased[2]


def _mean(name: str, scores: Scores) -> Scalar:
    check_floating(name, scores)
    check_batch(name, scores)
    return mean_of_whole_batch(ScoreAverages.__name__, widen(scores))

"""A probability that follows how sure the critic is of real samples."""

from typing import Any

import torch

from gankit._core import (
    Scalar,
    ScoreMaps,
    as_maps,
    check_at_least,
    check_finite,
    check_fraction,
    check_positive,
    check_version,
    mean_of_whole_batch,
    ranks_of_whole_batch,
)

VERSION = 1


class AdaptiveProbability:
    """Rises while the critic is too sure of real samples and falls while it is not.

    How sure is the mean sign of the real scores: 1 where all are above 0, 0 where the critic guesses. A critic that
    overfits a small data set comes near 1 on the samples it trains with. At each update the probability moves by
    ``sign(mean(sign(scores)) - target) * samples / length`` and is held in 0..limit. Use it with
    `gankit.losses.flip_labels`, or as the probability of an augmentation, or of a fake among the real samples.

    The mean is that of the whole batch: ranks share it, and gradient accumulation is refused (update after the step then,
    from scores that were kept). A score that is NaN counts as one of 0. Nothing waits for the device.

    Args:
        target: Mean sign of real scores to hold, from -1 to 1.
        length: Number of real samples in which the probability moves by 1.
        limit: Largest probability, in 0..1. Augmentations leak into the samples above about 0.8.

    Raises:
        ValueError: `target` is not in -1..1, `length` is not above 0 or `limit` is not in 0..1; or, at an update, scores are
            not floating-point, a batch is empty, maps differ in their number of samples, or only a part of the batch is at
            hand.

    Example:
        >>> import torch
        >>> from gankit.losses import AdaptiveProbability
        >>> adaptive = AdaptiveProbability(length=100)
        >>> adaptive.update(torch.tensor([2.0, 0.5, 3.0, 0.1, 7.0]))  # all above 0: 5 samples are 5/100
        >>> adaptive.probability
        tensor(0.0500)
        >>> adaptive.update(torch.tensor([2.0, -0.5, 3.0]))  # mean sign 1/3, below 0.6
        >>> adaptive.probability
        tensor(0.0200)

    Reference:
        Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", section 3, equation 1 (ADA,
        heuristic r_t); Jiang et al. 2021, "Deceive D: Adaptive Pseudo Augmentation for GAN Training with Limited Data" (APA).
        Both programs look every four iterations at the scores of all four: ``update(torch.cat(last_four))`` at every fourth
        iteration is the same step. Their probability has no upper limit.
    """

    def __init__(self, *, target: float = 0.6, length: float = 500_000, limit: float = 1.0) -> None:
        check_finite("target", target)
        if not -1 <= target <= 1:
            raise ValueError(f"target must lie in -1..1, got {target!r}")
        check_positive("length", length)
        check_fraction("limit", limit)
        self.target = target
        self.length = length
        self.limit = limit
        self._probability = torch.zeros(())

    def __repr__(self) -> str:
        return f"{type(self).__name__}(target={self.target!r}, length={self.length!r}, limit={self.limit!r})"

    @property
    def probability(self) -> Scalar:
        """The probability now, 0-d, on the device of the scores last seen. Later updates do not change what was returned."""
        return self._probability.clone()

    @torch.no_grad()
    def update(self, real_scores: ScoreMaps) -> None:
        """Take in the critic's scores of real samples: a tensor, or a sequence of maps that count equally.

        Ranks must hold equally many samples.
        """
        maps = as_maps("real_scores", real_scores)
        counts = {len(scores) for scores in maps}
        if len(counts) > 1:
            raise ValueError(f"real_scores must hold equally many samples in each map, got {sorted(counts)}")
        self.move(torch.stack([scores.detach().sign().float().mean() for scores in maps]).mean(), counts.pop())

    @torch.no_grad()
    def move(self, mean_sign: Scalar, samples: int) -> None:
        """Take in a mean sign of real scores that was computed elsewhere, such as a reading of an update's terms.

        ``move(scores.sign().mean(), len(scores))`` is ``update(scores)``.

        Args:
            mean_sign: The mean sign, a 0-d tensor in -1..1; ranks share their mean.
            samples: Number of real samples that it is the mean of.

        Raises:
            ValueError: `mean_sign` is not a 0-d floating-point tensor, `samples` is below 1, or only a part of the batch is
                given.
        """
        if mean_sign.ndim != 0 or not mean_sign.is_floating_point():
            raise ValueError(
                f"mean_sign must be a 0-d floating-point tensor, got shape {tuple(mean_sign.shape)} of {mean_sign.dtype}"
            )
        check_at_least("samples", samples, 1)
        name = type(self).__name__
        signs = mean_of_whole_batch(name, mean_sign.detach().float())
        step = samples * ranks_of_whole_batch(name) / self.length
        moved = self._probability.to(signs.device) + step * (signs - self.target).sign()
        if self._probability.device != signs.device:
            self._probability = torch.empty_like(moved)
        # In place, so that a captured graph finds the probability where it left it.
        self._probability.copy_(moved.clamp(0.0, self.limit))

    def state_dict(self) -> dict[str, Any]:
        """Return the probability."""
        return {"version": VERSION, "probability": self.probability}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state that `state_dict` returned.

        Raises:
            ValueError: The state is of another version, or holds no probability from 0 to the limit.
        """
        check_version("an adaptive probability", state, VERSION)
        probability = state.get("probability")
        if not isinstance(probability, torch.Tensor) or probability.ndim != 0 or not probability.is_floating_point():
            raise ValueError(f"state of an adaptive probability must hold a 0-d tensor, got {probability!r}")
        # Compared as tensors, in which the limit is rounded as the probability is.
        if not bool((probability >= 0) & (probability <= self.limit)):
            raise ValueError(
                f"state of an adaptive probability must lie in 0..{self.limit:g}, got {float(probability):g}"
            )
        self._probability.copy_(probability.detach())

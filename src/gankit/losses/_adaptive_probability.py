"""A probability that follows how sure the critic is of real samples."""

from typing import Any

import torch

from gankit._core import (
    Scalar,
    ScoreMaps,
    as_device,
    as_maps,
    brief,
    check_at_least,
    check_finite,
    check_fraction,
    check_positive,
    check_version,
    dense_tensor,
    mean_of_whole_batch,
    mean_over_maps,
    ranks_of_whole_batch,
    values_are_readable,
)

VERSION = 1


class AdaptiveProbability:
    r"""A probability that rises while the critic is too sure of real samples and falls otherwise.

    .. math::

        p \leftarrow \operatorname{clamp}(p + \operatorname{sign}(r - r^*)\, n / N,\; 0,\; p_{\max}), \qquad r =
        \mathbb{E}\,[\operatorname{sign}(D(x))]

    with the `target` :math:`r^*`, n real samples, the `length` N and the `limit` :math:`p_{\max}`.

    The measure is the mean sign of the real scores: 1 if all are above 0, 0 if the critic guesses. A critic that overfits a
    small data set gets close to 1 on its training samples. Use it with `gankit.losses.flip_labels`, as the strength of an
    augmentation, or with `gankit.augment.mix_in_fakes`.

    Update it after the critic's step: with scores (`update`), or with a mean sign that the terms returned as a reading
    (`mean_sign` in the terms, `move` outside), which keeps the terms pure. `probability` is one 0-d tensor that updates
    fill in place, so a graph that was captured with it uses the new values.

    The mean sign is that of the whole batch: ranks share it, and gradient accumulation is refused inside the terms (return
    the mean sign as a reading instead). A score of NaN counts as 0. Nothing waits for the device.

    Args:
        target: Mean sign of real scores to hold, from -1 to 1.
        length: Number of real samples in which the probability changes by 1.
        limit: Largest probability, in 0..1. Augmentations leak into the generated samples above about 0.8.
        device: Device of the probability. An update with scores on another device moves it there: a new tensor, which a
            captured graph does not know. Default: torch's default device.

    Raises:
        ValueError: `target` is not in -1..1, `length` is not above 0, `limit` is not in 0..1, or torch cannot use the device;
            or, at an update, scores are not floating-point, a batch is empty, maps differ in their number of samples, or only
            a part of the batch is given.

    Example:
        >>> import torch
        >>> from gankit.losses import AdaptiveProbability
        >>> adaptive = AdaptiveProbability(length=100)
        >>> adaptive.update(torch.tensor([2.0, 0.5, 3.0, 0.1, 7.0]))  # all above 0: 5 samples are 5/100
        >>> adaptive.probability
        tensor(0.0500)
        >>> reading = adaptive.mean_sign(torch.tensor([2.0, -0.5, 3.0]))  # 1/3, below 0.6
        >>> adaptive.move(reading, samples=3)
        >>> adaptive.probability
        tensor(0.0200)

    Reference:
        Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (arXiv:2006.06676), section 3,
        equation 1 (ADA, heuristic r_t); Jiang et al. 2021, "Deceive D: Adaptive Pseudo Augmentation for GAN Training
        with Limited Data" (APA, arXiv:2111.06849). Both programs use the scores of the last four iterations at every
        fourth iteration: ``update(torch.cat(last_four))`` at every fourth iteration is the same step. Their probability
        has no upper limit.
    """

    def __init__(
        self,
        *,
        target: float = 0.6,
        length: float = 500_000,
        limit: float = 1.0,
        device: torch.device | str | None = None,
    ) -> None:
        check_finite("target", target)
        if not -1 <= target <= 1:
            raise ValueError(f"target must lie in -1..1, got {target!r}")
        check_positive("length", length)
        check_fraction("limit", limit)
        self.target = target
        self.length = length
        self.limit = limit
        place = None if device is None else as_device("device", device)
        self._probability = torch.zeros((), dtype=torch.float32, device=place)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(target={self.target!r}, length={self.length!r}, limit={self.limit!r})"

    @property
    def probability(self) -> Scalar:
        """The current probability, one 0-d tensor that updates fill in place; clone it to keep a value."""
        return self._probability

    @staticmethod
    @torch.no_grad()
    def mean_sign(real_scores: ScoreMaps) -> Scalar:
        """Return the mean sign of the critic's scores of real samples, 0-d, for `move`; pure, so terms may call it.

        Args:
            real_scores: A tensor, or a sequence of maps that count equally, each with the same number of samples.
        """
        maps = as_maps("real_scores", real_scores)
        counts = {len(scores) for scores in maps}
        if len(counts) > 1:
            raise ValueError(f"real_scores must hold equally many samples in each map, got {sorted(counts)}")
        return mean_over_maps([scores.sign().float() for scores in maps])

    @torch.no_grad()
    def move(self, mean_sign: Scalar, samples: int) -> None:
        """Change the probability in place, by a mean sign that was computed before, such as a reading of an update's terms.

        ``move(mean_sign(scores), len(scores))`` is ``update(scores)``.

        Args:
            mean_sign: Mean sign of real scores, a 0-d tensor in -1..1; ranks average theirs.
            samples: Number of real samples that were scored on this rank, equal on all ranks.

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
        sign = mean_of_whole_batch(name, mean_sign.float())
        step = samples * ranks_of_whole_batch(name) / self.length
        moved = self._probability.to(sign.device) + step * (sign - self.target).sign()
        if self._probability.device != sign.device:
            self._probability = torch.empty_like(moved)
        # In place, so that a captured graph finds the new value in the same memory.
        self._probability.copy_(moved.clamp(0.0, self.limit))

    def update(self, real_scores: ScoreMaps) -> None:
        """Change the probability in place, by the critic's scores of real samples.

        Args:
            real_scores: A tensor, or a sequence of maps that count equally, each with the same number of samples; equally
                many samples on all ranks.
        """
        mean_sign = self.mean_sign(real_scores)
        self.move(mean_sign, len(real_scores if isinstance(real_scores, torch.Tensor) else real_scores[0]))

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the probability."""
        return {"version": VERSION, "probability": self._probability.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state that `state_dict` returned, in place.

        Raises:
            ValueError: The state has another version, or no probability from 0 to the limit (checked on the CPU only).
        """
        whose = "an adaptive probability"
        check_version(whose, state, VERSION, "probability")
        probability = dense_tensor(
            whose, "probability", state["probability"], needs_values=not self._probability.is_meta
        )
        if probability.ndim != 0 or not probability.is_floating_point():
            raise ValueError(f"state of an adaptive probability must hold a 0-d tensor, got {brief(probability)}")
        # Compared as tensors, in which the limit is rounded as the probability is.
        if values_are_readable(probability) and not bool((probability >= 0) & (probability <= self.limit)):
            raise ValueError(
                f"state of an adaptive probability must lie in 0..{self.limit:g}, got {float(probability):g}"
            )
        self._probability.copy_(probability.detach())

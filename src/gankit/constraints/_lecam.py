"""The LeCam penalty, which keeps scores near their own past, and the averages of scores that it compares with."""

from typing import Any

import torch

from gankit._core import (
    Scalar,
    Scores,
    brief,
    check_batch,
    check_floating,
    check_fraction,
    check_version,
    dense_tensor,
    mean_of_whole_batch,
    values_are_readable,
    widen,
)

VERSION = 1


class ScoreAverages:
    r"""Moving averages of the critic's scores of real and of generated samples, for `gankit.constraints.lecam_penalty`.

    .. math:: \text{average}_t = \frac{\sum_{i=0}^{t} d^i\, m_{t-i}}{\sum_{i=0}^{t} d^i}

    with the `decay` d and the mean score :math:`m_t` of the batch at update t, from 0.

    These exponential moving averages are corrected for their start by the sum of the weights, so that the first batch counts
    fully. Means are those of the whole batch: ranks share them, and gradient accumulation is refused (update after the step
    instead, from scores that were kept). An update with a score that is not finite is skipped. Nothing waits for the device.

    Args:
        decay: Share of the old average that is kept at each update, from 0 to below 1.

    Raises:
        ValueError: `decay` is not in 0..1 or is 1; or, at an update, a batch is empty, scores are not floating-point, or
            the call sees only a part of the batch; or an average is read before the first update.

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
        Tseng et al. 2021, "Regularizing Generative Adversarial Networks under Limited Data" (arXiv:2104.03310),
        section 3.2. The authors' TensorFlow program removes the bias in the same way (decay 0.99). Their PyTorch
        program and StudioGAN (both 0.9) start at 1000 and at 7777 and keep the bias, so that the averages are useless
        for about a hundred updates, unless an option copies the newest scores until a starting step.
    """

    def __init__(self, *, decay: float = 0.99) -> None:
        check_fraction("decay", decay)
        if decay == 1:
            raise ValueError("decay must be below 1, got 1: the averages would never move")
        self.decay = decay
        # Averages of real scores, of fake scores and of the number 1, all started at 0: the last removes the others' bias.
        self._biased: torch.Tensor | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(decay={self.decay})"

    @torch.no_grad()
    def update(self, real: Scores, fake: Scores) -> None:
        """Add the scores of one batch, of any shapes; their graphs are not kept.

        For several maps of scores, use one `ScoreAverages` for each map.
        """
        means = torch.stack([_mean("real", real), _mean("fake", fake)])
        newest = torch.cat([means, torch.ones_like(means[:1])])
        # Averages that were loaded may be on another device.
        self._biased = torch.zeros_like(newest) if self._biased is None else self._biased.to(newest.device)
        moved = torch.lerp(self._biased, newest.to(self._biased.dtype), 1 - self.decay)
        # In place, so that a captured graph keeps using the same memory.
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
        """Return the averages before the correction for their start, and the number that corrects them."""
        return {"version": VERSION, "biased": None if self._biased is None else self._biased.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state that `state_dict` returned.

        Raises:
            ValueError: The state has another version, or does not hold averages that are finite (checked on the CPU only).
        """
        check_version("score averages", state, VERSION, "biased")
        biased = state["biased"]
        if biased is not None:
            biased = dense_tensor("score averages", "biased", biased, needs_values=False)
            if biased.shape != (3,) or not biased.is_floating_point():
                raise ValueError(
                    f"state of score averages must hold a tensor of 3 numbers or None, got {brief(biased)}"
                )
            if values_are_readable(biased) and not bool(biased.isfinite().all() and biased[2] >= 0):
                raise ValueError(f"state of score averages must hold finite numbers, got {biased.tolist()}")
        self._biased = None if biased is None else biased.detach().clone()

    def _unbiased(self, position: int) -> Scalar:
        if self._biased is None:
            raise ValueError("averages must be updated before they are used: call update(real, fake) first")
        return self._biased[position] / self._biased[2]


def lecam_penalty(averages: ScoreAverages, real: Scores, fake: Scores) -> Scalar:
    r"""Mean squared distance of scores beyond the other side's average, for critics that are trained on few samples.

    .. math:: \mathbb{E}\,[\max(0, D(x) - a_{\text{fake}})^2] + \mathbb{E}\,[\max(0, a_{\text{real}} - D(G(z)))^2]

    with the averages :math:`a` of real and fake scores: real scores are pulled down towards the average of fake ones, and
    fake scores up towards the average of real ones. Update the averages first, as the authors do. Multiply the penalty by a
    weight and add it to the critic's loss. The authors' weights are 0.3 for BigGAN on a tenth of CIFAR-10, and 3e-7 for
    StyleGAN2 on 1000 faces. The penalty itself has no state, so it also works under gradient accumulation, where the averages
    are updated between the steps.

    Args:
        averages: Averages of the critic's scores. No gradient flows through them.
        real: Scores of real samples, with their graph.
        fake: Scores of generated samples, with their graph; detach the generator's output before the critic sees it.

    Shape:
        `real` and `fake` of any shapes with a batch axis, which may differ; the penalty is 0-d, 0 or more, in float32 or
        wider.

    Raises:
        ValueError: A batch is empty, scores are not floating-point, or the averages were never updated.

    Example:
        >>> import torch
        >>> from gankit.constraints import ScoreAverages, lecam_penalty
        >>> averages = ScoreAverages()
        >>> real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0])
        >>> averages.update(real, fake)  # averages 2 and -1
        >>> lecam_penalty(averages, real, fake)  # (2² + 4²) / 2 + 3²
        tensor(19.)

    Reference:
        Tseng et al. 2021, "Regularizing Generative Adversarial Networks under Limited Data" (arXiv:2104.03310),
        section 3.2. The paper squares the whole distance; both of its programs, StudioGAN and gankit square only the
        part beyond the average, so that a real score below the average of fake ones has no cost. `ScoreAverages`
        describes how the programs' averages differ.
    """
    return _hinge("real", real, averages.fake, 1) + _hinge("fake", fake, averages.real, -1)


def _mean(name: str, scores: Scores) -> Scalar:
    check_floating(name, scores)
    check_batch(name, scores)
    return mean_of_whole_batch(ScoreAverages.__name__, widen(scores))


def _hinge(name: str, scores: Scores, anchor: Scalar, sign: int) -> Scalar:
    check_floating(name, scores)
    check_batch(name, scores)
    return torch.relu(sign * (widen(scores) - anchor)).square().mean()

"""Generated samples put among the real ones."""

import torch

from gankit._core import check_batch, check_floating, check_same_shape
from gankit.augment._draws import check_chance, numbers_for


def mix_in_fakes(
    real: torch.Tensor,
    fake: torch.Tensor,
    probability: float | torch.Tensor,
    *,
    draw: torch.Tensor | None = None,
    rng: torch.Generator | None = None,
) -> torch.Tensor:
    """Replace each real sample by the fake of its place with a probability, so that the critic cannot be too sure.

    Score the result as real. The critic is deceived in that share of its real samples, which slows one that has learned its
    few images by heart; with a probability from `gankit.losses.AdaptiveProbability` this is adaptive pseudo augmentation. A
    fixed probability flips labels instead, on one side. Only the critic's step is changed; the generator's is not.

    A conditional critic scores the result with the conditions of the real samples, so make the fakes for those conditions:
    fakes of others would teach it that mismatched pairs are real. A penalty on the real batch sees what it is called on: pass
    it the mixed batch, as the authors do, or the real one. Class losses of real samples belong to samples that were kept;
    those are where ``draw >= probability``.

    Args:
        real: Real samples.
        fake: Generated samples of the same shape, cut from their graph here; the program takes those of the last generator
            step.
        probability: Chance of each sample to be replaced, in 0..1: a number, or a 0-d tensor that is never read on the host.
        draw: ``(n,)`` uniform numbers, 0 or more and below 1: samples below the probability are replaced. Drawn as
            ``torch.rand(n)`` where None.
        rng: Where `draw` is drawn from, on the samples' device; the default generator where None.

    Shape:
        `real` and `fake` ``(n, ...)`` of any rank, the result too, in the dtype of `real`.

    Raises:
        ValueError: Shapes differ, the batch is empty, `probability` is neither in 0..1 nor 0-d, or `draw` has another
            shape, leaves 0..1 or comes with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import mix_in_fakes
        >>> mix_in_fakes(torch.ones(4), torch.zeros(4), 0.5, draw=torch.tensor([0.1, 0.6, 0.4, 0.5]))
        tensor([0., 1., 0., 1.])

    Reference:
        Jiang et al. 2021, "Deceive D: Adaptive Pseudo Augmentation for GAN Training with Limited Data", section 3. Its program
        scores the fakes with the conditions of the real samples though they were made for others.
    """
    check_floating("real", real)
    check_floating("fake", fake)
    check_batch("real", real)
    check_same_shape("fake", fake, "real", real)
    check_chance("probability", probability)
    if isinstance(draw, torch.Tensor) and tuple(draw.shape) != real.shape[:1]:
        raise ValueError(
            f"draw must have shape ({real.shape[0]},), one number for each sample, got {tuple(draw.shape)}"
        )
    column = draw.unsqueeze(1) if isinstance(draw, torch.Tensor) else draw
    coins = numbers_for(real, 1, column, rng)
    return torch.where((coins < probability).reshape(-1, *(1,) * (real.ndim - 1)), fake.detach().to(real.dtype), real)

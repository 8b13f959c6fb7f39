"""Generated samples mixed into the batch of real samples."""

import torch

from gankit._core import check_batch, check_floating, check_same_shape
from gankit.augment._augmentation import check_chance, numbers_for


def mix_in_fakes(
    real: torch.Tensor,
    fake: torch.Tensor,
    probability: float | torch.Tensor,
    *,
    draw: torch.Tensor | None = None,
    rng: torch.Generator | None = None,
) -> torch.Tensor:
    """Adaptive pseudo augmentation (APA): replace each real sample, with a probability, by the fake at the same position.

    Score the result as real. The critic then accepts this share of fakes as real, which slows down a critic that has memorized
    a small data set. With a probability from `gankit.losses.AdaptiveProbability` this is adaptive pseudo augmentation; with a
    fixed probability it flips labels on one side. Only the critic's update changes, not the generator's.

    A conditional critic scores the result with the conditions of the real samples, so generate the fakes for those
    conditions: fakes of other conditions would teach the critic to accept mismatched pairs. A penalty on the real batch
    applies to the batch that it is given: the mixed one, as in the authors' program, or the real one. Class losses of real
    samples apply only to samples that were kept; those are the samples with ``draw >= probability``.

    Args:
        real: Real samples.
        fake: Generated samples of the same shape; this function detaches them. The authors' program takes those of the last
            generator step.
        probability: Probability per sample of being replaced, in 0..1: a number, or a 0-d tensor that is never read on the
            host.
        draw: ``(n,)`` uniform numbers, 0 or more and below 1: samples below the probability are replaced. Default:
            ``torch.rand(n)``.
        rng: Generator for `draw`, on the samples' device. Default: the device's default generator.

    Shape:
        `real` and `fake` ``(n, ...)`` of any rank, the result too, in the dtype of `real`.

    Raises:
        ValueError: Shapes differ, the batch is empty, `probability` is neither in 0..1 nor 0-d, or `draw` has another
            shape, has a number outside 0..1 or is given with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import mix_in_fakes
        >>> mix_in_fakes(torch.ones(4), torch.zeros(4), 0.5, draw=torch.tensor([0.1, 0.6, 0.4, 0.5]))
        tensor([0., 1., 0., 1.])

    Reference:
        Jiang et al. 2021, "Deceive D: Adaptive Pseudo Augmentation for GAN Training with Limited Data"
        (arXiv:2111.06849), section 3. Its program scores the fakes with the conditions of the real samples although
        they were generated for others.
    """
    check_floating("real", real)
    check_floating("fake", fake)
    check_batch("real", real)
    check_same_shape("fake", fake, "real", real)
    check_chance("probability", probability)
    if isinstance(draw, torch.Tensor) and tuple(draw.shape) != real.shape[:1]:
        raise ValueError(f"draw must have shape ({real.shape[0]},), one number per sample, got {tuple(draw.shape)}")
    column = draw.unsqueeze(1) if isinstance(draw, torch.Tensor) else draw
    coins = numbers_for(real, 1, column, rng)
    return torch.where((coins < probability).reshape(-1, *(1,) * (real.ndim - 1)), fake.detach().to(real.dtype), real)

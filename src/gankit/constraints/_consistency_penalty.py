"""The consistency penalty: what should not change a score, does not."""

from gankit._core import Scalar, ScoreMaps, as_maps, as_matching_maps, mean_over_maps, widen


def consistency_penalty(scores: ScoreMaps, other: ScoreMaps) -> Scalar:
    """Mean squared difference of the critic's scores of the same samples in two versions.

    With an augmentation T that keeps what a sample is, and multiplied by a weight (the paper's is 10)::

        consistency_penalty(critic(real), critic(T(real)))              # CR; with the next line: bCR
        consistency_penalty(critic(fake), critic(T(fake)))
        consistency_penalty(critic(G(z)), critic(G(z + small noise)))   # zCR, the critic's side

    On the generator's side zCR wants the opposite, samples that do follow their latents:
    ``-consistency_penalty(G(z), G(z + small noise))`` takes the images in place of scores. Gradients flow into both versions;
    detach one yourself where it is to be the target.

    Args:
        scores: Scores of the samples: a tensor or a sequence of them. Features, logits of classes and images serve as well.
        other: Scores of the other versions, of the same shapes.

    Shape:
        Any shapes with a batch axis; the penalty is 0-d, 0 or more, in float32 or wider. With several maps it is the mean
        within each map, then across maps.

    Raises:
        ValueError: Shapes or numbers of maps differ, a batch is empty, or scores are not floating-point.

    Example:
        >>> import torch
        >>> from gankit.constraints import consistency_penalty
        >>> consistency_penalty(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        tensor(2.)

    Reference:
        Zhang et al. 2020, "Consistency Regularization for Generative Adversarial Networks" (CR); Zhao et al. 2021,
        "Improved Consistency Regularization for GANs", algorithms 1 (bCR) and 2 (zCR). On images the paper's norm sums over
        pixels; StudioGAN takes the mean over all elements, as here: multiply by the pixels of an image for the former.
        StudioGAN also adds the difference of class logits or embeddings, which is a second call here.
    """
    maps = as_maps("scores", scores)
    others = as_matching_maps("other", other, "scores", maps)
    return mean_over_maps([(widen(one) - widen(two)).square() for one, two in zip(maps, others, strict=True)])

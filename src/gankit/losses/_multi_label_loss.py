"""What class heads pay for labels of which a sample may have any number."""

from collections.abc import Sequence

import torch
from torch.nn import functional

from gankit._core import Scalar, check_same_shape, values_are_at_hand
from gankit.losses._heads import Heads, as_heads, as_tuple, weighted_sum

UNKNOWN = -1


def multi_label_loss(logits: Heads, targets: Heads, *, weights: Sequence[float] | None = None) -> Scalar:
    """Sigmoid cross-entropy of independent labels, summed over labels and averaged over samples.

    For tags and other attributes that do not exclude one another. An entry of -1 is unknown: it costs 0 and gets no
    gradient.

    Args:
        logits: What the heads return: a tensor, or a sequence of them, one a head.
        targets: 1 where the sample has the label, 0 where it has not, anything between where one is unsure, -1 where it is
            unknown; a tensor, or a sequence of them, one a head. Floating-point, whole numbers or bools.
        weights: The weight of each head; None stands for 1 each.

    Shape:
        - logits, targets: ``(n, labels)`` each; the numbers of labels may differ between heads.
        - result: 0-d, in float32 or wider, 0 or more where no weight is negative.

    Raises:
        ValueError: Shapes or numbers of heads differ, the batch is empty, logits are not floating-point, a weight is not
            finite, or a target is neither in 0..1 nor -1 (checked on the CPU).

    Example:
        >>> import torch
        >>> from gankit.losses import multi_label_loss
        >>> multi_label_loss(torch.zeros(2, 3), torch.tensor([[1, 0, 1], [0, -1, -1]]))  # (3 log 2 + log 2) / 2
        tensor(1.3863)

    Reference:
        Choi et al. 2018, "StarGAN", equations 2 and 3; the published code also sums over attributes and averages over
        samples. Jin et al. 2017, "Towards the automatic anime characters creation with GANs" (MakeGirlsMoe), prices tags
        likewise. `torch.nn.functional.binary_cross_entropy_with_logits` averages over the labels too, which divides by their
        number.
    """
    heads = as_heads(logits)
    wanted = as_tuple("targets", targets)
    if len(wanted) != len(heads):
        raise ValueError(f"targets and logits must hold equally many heads, got {len(wanted)} and {len(heads)}")
    losses = [_cross_entropy(index, *pair) for index, pair in enumerate(zip(heads, wanted, strict=True))]
    return weighted_sum(losses, weights)


def _cross_entropy(head: int, logits: torch.Tensor, targets: torch.Tensor) -> Scalar:
    if not isinstance(targets, torch.Tensor) or targets.is_complex():
        raise ValueError(f"targets of head {head} must be a tensor of numbers, got {targets!r}")
    check_same_shape(f"targets of head {head}", targets, "its logits", logits)
    targets = targets.to(logits.dtype)
    known = targets != UNKNOWN
    if values_are_at_hand(targets):
        _check_targets(head, targets, known)
    prices = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    # An unknown entry costs nothing, but where its logit is NaN the loss says so.
    return torch.where(known, prices, 0 * logits).sum(dim=1).mean()


def _check_targets(head: int, targets: torch.Tensor, known: torch.Tensor) -> None:
    wrong = known & ((targets < 0) | (targets > 1))
    if wrong.any():
        row, label = (int(index) for index in wrong.nonzero()[0])
        raise ValueError(
            f"targets of head {head} must lie in 0..1, or be -1 where unknown, got {float(targets[row, label]):.3g} for "
            f"label {label} of sample {row}"
        )

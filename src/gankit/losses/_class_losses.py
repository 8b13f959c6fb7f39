"""Losses of class heads: softmax cross-entropy for classes, sigmoid cross-entropy for independent labels."""

import warnings
from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch.nn import functional

from gankit._core import (
    Labels,
    Scalar,
    check_batch,
    check_finite,
    check_floating,
    check_same_shape,
    values_are_readable,
    widen,
)

Heads: TypeAlias = torch.Tensor | Sequence[torch.Tensor]

UNLABELED = -1


def class_loss(logits: Heads, labels: Labels, *, weights: Sequence[float] | None = None) -> Scalar:
    r"""Softmax cross-entropy of each class head, averaged over samples and summed over heads.

    .. math:: L = \sum_h w_h\, \frac{1}{n} \sum_{i=1}^{n} -\log \frac{e^{a_{hi, y}}}{\sum_k e^{a_{hi, k}}}

    with the logits :math:`a_{hi}` of head h for sample i, its class y and the weight :math:`w_h` of the head.

    The auxiliary classifier's loss of AC-GAN, for real samples, generated ones, or both: add one call for each. A classifier
    that also learns from generated samples learns to accept the generator's mistakes; the original does so.

    A row with label -1 is unlabeled: its cost and its gradient are 0, but it counts in the mean. So the loss of a batch is
    the mean of the losses of its equal parts, also under accumulation and on several ranks. The loss of a batch without any
    label is 0. (`torch.nn.functional.cross_entropy` divides by the number of labeled rows, which differs between parts, and
    is NaN without any.)

    Args:
        logits: Output of the heads: a tensor, or a sequence with one tensor per head.
        labels: Class ids, or -1 for unlabeled.
        weights: One weight per head. Default: 1 each.

    Shape:
        - logits: ``(n, classes)`` each; the numbers of classes may differ.
        - labels: ``(n, heads)``, or ``(n,)`` with one head; int64, each in ``-1..classes - 1``.
        - result: 0-d, in float32 or wider, 0 or more if no weight is negative.

    Raises:
        ValueError: Shapes or numbers of heads differ, the batch is empty, logits are not floating-point, a weight is not
            finite, or a label is out of range (checked on the CPU only; on CUDA, where the check would wait for the device,
            such a label fails CUDA's own assertion).

    Example:
        >>> import torch
        >>> from gankit.losses import class_loss
        >>> hair, eyes = torch.zeros(2, 12), torch.zeros(2, 11)
        >>> labels = torch.tensor([[3, 10], [11, -1]])
        >>> class_loss([hair, eyes], labels)  # log 12 + (log 11 + 0) / 2
        tensor(3.6839)
        >>> class_loss([hair, eyes], labels, weights=(0.8, 0.8))
        tensor(2.9471)

    Reference:
        Odena, Olah and Shlens 2017, "Conditional image synthesis with auxiliary classifier GANs" (arXiv:1610.09585),
        equation 3. The paper trains the classifier on real and on generated samples; StudioGAN, by default, only on
        real ones. PyTorch-GAN halves each sum of score loss and class loss, and halves again.
    """
    heads = _as_heads(logits)
    columns = as_class_ids(labels, len(heads[0]), [head.shape[1] for head in heads])
    losses = []
    for index, head in enumerate(heads):
        costs = functional.cross_entropy(head, columns[:, index], ignore_index=UNLABELED, reduction="none")
        # An unlabeled row costs 0, but NaN in its logits still makes the loss NaN.
        losses.append(costs.mean() + 0 * head.detach().amax())
    return _weighted_sum(losses, weights)


def multi_label_loss(logits: Heads, targets: Heads, *, weights: Sequence[float] | None = None) -> Scalar:
    r"""Sigmoid cross-entropy of independent labels, summed over labels and averaged over samples.

    .. math::

        L = \sum_h w_h\, \frac{1}{n} \sum_{i=1}^{n} \sum_k \left[\operatorname{softplus}(a_{hik}) - t_{hik}\, a_{hik}\right]

    with the logit :math:`a_{hik}` and the target :math:`t_{hik}` of label k for sample i, in head h of weight :math:`w_h`.

    For tags and other attributes that do not exclude each other. An entry of -1 is unknown: its cost and its gradient are 0.

    Args:
        logits: Output of the heads: a tensor, or a sequence with one tensor per head.
        targets: 1 if the sample has the label, 0 if not, between 0 and 1 if uncertain, -1 if unknown; a tensor, or a sequence
            with one tensor per head. Floating-point, whole numbers or bools.
        weights: One weight per head. Default: 1 each.

    Shape:
        - logits, targets: ``(n, labels)`` each; the numbers of labels may differ between heads.
        - result: 0-d, in float32 or wider, 0 or more if no weight is negative.

    Raises:
        ValueError: Shapes or numbers of heads differ, the batch is empty, logits are not floating-point, a weight is not
            finite, or a target is neither in 0..1 nor -1 (checked on the CPU only).

    Warns:
        UserWarning: The targets of a head are -1 and 1 only (checked on the CPU only): many data sets mean 0 by -1.

    Example:
        >>> import torch
        >>> from gankit.losses import multi_label_loss
        >>> multi_label_loss(torch.zeros(2, 3), torch.tensor([[1, 0, 1], [0, -1, -1]]))  # (3 log 2 + log 2) / 2
        tensor(1.3863)

    Reference:
        Choi et al. 2018, "StarGAN" (arXiv:1711.09020), equations 2 and 3; the published code also sums over attributes
        and averages over samples. Jin et al. 2017, "Towards the automatic anime characters creation with GANs"
        (MakeGirlsMoe, arXiv:1708.05509), has the same loss for tags.
        `torch.nn.functional.binary_cross_entropy_with_logits` also averages over the labels, which divides by their
        number.
    """
    heads = _as_heads(logits)
    wanted = _as_tuple("targets", targets)
    if len(wanted) != len(heads):
        raise ValueError(f"targets and logits must hold equally many heads, got {len(wanted)} and {len(heads)}")
    losses = [_sigmoid_cross_entropy(index, *pair) for index, pair in enumerate(zip(heads, wanted, strict=True))]
    return _weighted_sum(losses, weights)


def as_class_ids(labels: Labels, samples: int, num_classes: Sequence[int]) -> torch.Tensor:
    """Return class ids as ``(n, heads)``, checked against each head's number of classes (values on the CPU only)."""
    if not isinstance(labels, torch.Tensor) or labels.dtype != torch.int64:
        kind = labels.dtype if isinstance(labels, torch.Tensor) else type(labels).__name__
        raise ValueError(f"labels must be an int64 tensor of class ids, got {kind}")
    columns = labels.unsqueeze(1) if labels.ndim == 1 else labels
    if columns.shape != (samples, len(num_classes)):
        wanted = f"({samples}, {len(num_classes)})" + (f" or ({samples},)" if len(num_classes) == 1 else "")
        raise ValueError(f"labels must have shape {wanted}, one per sample and head, got {tuple(labels.shape)}")
    if values_are_readable(labels):
        _check_range(columns, num_classes)
    return columns


def _check_range(columns: torch.Tensor, num_classes: Sequence[int]) -> None:
    least, most = (ends.tolist() for ends in columns.aminmax(dim=0))
    if min(least) >= UNLABELED and all(id_ < count for id_, count in zip(most, num_classes, strict=True)):
        return
    wrong = (columns < UNLABELED) | (columns >= columns.new_tensor(num_classes))
    row, head = (int(index) for index in wrong.nonzero()[0])
    raise ValueError(
        f"labels of head {head} must lie in 0..{num_classes[head] - 1} ({num_classes[head]} classes), or be -1 for "
        f"unlabeled, got {int(columns[row, head])} in sample {row}"
    )


def _sigmoid_cross_entropy(head: int, logits: torch.Tensor, targets: torch.Tensor) -> Scalar:
    if not isinstance(targets, torch.Tensor) or targets.is_complex():
        raise ValueError(f"targets of head {head} must be a tensor of numbers, got {targets!r}")
    check_same_shape(f"targets of head {head}", targets, "its logits", logits)
    targets = targets.to(logits.dtype)
    known = targets != UNLABELED
    if values_are_readable(targets):
        wrong = known & ((targets < 0) | (targets > 1))
        if wrong.any():
            row, label = (int(index) for index in wrong.nonzero()[0])
            raise ValueError(
                f"targets of head {head} must lie in 0..1, or be -1 for unknown, got {float(targets[row, label]):.3g} for "
                f"label {label} of sample {row}"
            )
        if not known.all() and bool((targets == 1).any()) and not bool((known & (targets < 1)).any()):
            warnings.warn(
                f"targets of head {head} hold -1 and 1 but no 0: -1 means unknown here and costs nothing; if it means that the "
                "sample does not have the label, give (targets + 1) / 2",
                stacklevel=3,
            )
    costs = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    # An unknown entry costs 0, but NaN in its logit still makes the loss NaN.
    return torch.where(known, costs, 0 * logits).sum(dim=1).mean()


def _as_heads(logits: Heads) -> tuple[torch.Tensor, ...]:
    """Return one tensor of logits, or a sequence of them, as a checked tuple in float32 or wider."""
    heads = _as_tuple("logits", logits)
    for index, one in enumerate(heads):
        name = "logits" if len(heads) == 1 else f"logits[{index}]"
        check_floating(name, one)
        check_batch(name, one)
        if one.ndim != 2:
            raise ValueError(f"{name} must have shape (n, classes), got {tuple(one.shape)}")
        if len(one) != len(heads[0]):
            raise ValueError(f"{name} must hold as many samples as the first head, {len(heads[0])}, got {len(one)}")
    return tuple(widen(one) for one in heads)


def _as_tuple(name: str, value: Heads) -> tuple[torch.Tensor, ...]:
    if isinstance(value, torch.Tensor):
        return (value,)
    if not isinstance(value, Sequence) or not value:
        raise ValueError(f"{name} must be a tensor or a sequence of tensors, one per head, got {value!r}")
    return tuple(value)


def _weighted_sum(losses: Sequence[Scalar], weights: Sequence[float] | None) -> Scalar:
    if weights is None:
        return torch.stack(list(losses)).sum()
    if not isinstance(weights, Sequence) or len(weights) != len(losses):
        raise ValueError(f"weights must hold one number per head, {len(losses)} in total, got {weights!r}")
    for index, weight in enumerate(weights):
        check_finite(f"weights[{index}]", weight)
    return torch.stack([weight * loss for weight, loss in zip(weights, losses, strict=True)]).sum()

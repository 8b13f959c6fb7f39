"""The data-to-data cross-entropy of ReACGAN: classes are learned from proxies and from the other samples."""

import torch

from gankit._core import (
    Labels,
    Scalar,
    check_batch,
    check_finite,
    check_floating,
    check_positive,
    gather_whole_batch,
    unit_rows,
    without_autocast,
)
from gankit.losses._class_losses import UNLABELED, as_class_ids


def data_to_data_loss(
    embeddings: torch.Tensor,
    proxies: torch.Tensor,
    labels: Labels,
    *,
    temperature: float = 0.5,
    positive_margin: float = 0.98,
    negative_margin: float | None = None,
) -> Scalar:
    r"""Raise the similarity of each sample to its class proxy and lower its similarity to samples of other classes.

    .. math::

        L = \frac{1}{n} \sum_{i=1}^{n} -\log \frac{p_i}{p_i + \sum_{j:\, y_j \ne y_i} q_{ij}}, \qquad
        p_i = e^{\min(s(e_i,\, v_{y_i}) - m_+,\, 0) / \tau}, \qquad q_{ij} = e^{\max(s(e_i,\, e_j) - m_-,\, 0) / \tau}

    A successor of `gankit.losses.class_loss` that stays stable where the gradients of `class_loss` explode: everything is
    compared on the unit sphere, and samples that are easy to classify have no gradient. Here s is the cosine similarity, e an
    embedding, v the proxy of a class, :math:`m_+` the `positive_margin`, :math:`m_-` the `negative_margin` and :math:`\tau`
    the `temperature`.

    The other samples are those of the whole batch: ranks gather them, and gradient accumulation, which would see only a part
    of them, is refused. A row with label -1 has cost 0 and no gradient, and is not among the other samples; it counts in the
    mean.

    Args:
        embeddings: Output of the critic's embedding layer.
        proxies: One vector per class, a trainable parameter.
        labels: Class ids, or -1 for unlabeled.
        temperature: Divisor of the similarities; above 0.
        positive_margin: Similarity to the proxy above which a sample is close enough; in -1..1.
        negative_margin: Similarity to another sample below which it is far enough; in -1..1. Default:
            ``1 - positive_margin``.

    Shape:
        - embeddings: ``(n, features)`` of any length: they are normalized here; a row of zeros has similarity 0 to all.
        - proxies: ``(classes, features)``, normalized here too.
        - labels: ``(n,)``, int64, in ``-1..classes - 1``.
        - result: 0-d, in float32 or wider, 0 or more. On several ranks, each with equally many samples, it is the mean over
          the rank's own samples; the mean of the ranks' values and gradients is that of the whole batch.

    Raises:
        ValueError: Shapes differ, the batch is empty, an argument is not floating-point, a number is out of its range, a
            label is out of range (checked on the CPU only), or only a part of the batch is given.

    Example:
        >>> import torch
        >>> from gankit.losses import data_to_data_loss
        >>> embeddings, labels = torch.tensor([[3.0, 0.0], [0.0, 2.0]]), torch.tensor([0, 1])
        >>> data_to_data_loss(embeddings, torch.eye(2), labels)  # the smallest value: log 2
        tensor(0.6931)
        >>> data_to_data_loss(embeddings, torch.eye(2), 1 - labels)
        tensor(2.0918)

    Reference:
        Kang, Shim, Cho and Park 2021, "Rebooting ACGAN: auxiliary classifier GANs with stable training"
        (arXiv:2111.01118), equation 9. Their program (StudioGAN) differs in two ways. For stability, it divides the
        other samples' part, but not the proxy's, by the exponential of the sample's largest margin-shifted similarity,
        so its value is smaller if that similarity is above 0 and larger if it is below. And on several ranks its
        gathering passes only a rank's own gradient back, which divides the loss's gradient by their number.
    """
    negative_margin = _check_numbers(temperature, positive_margin, negative_margin)
    _check_vectors(embeddings, proxies)
    if not isinstance(labels, torch.Tensor) or labels.ndim != 1:
        raise ValueError(
            f"labels must be a tensor of shape ({len(embeddings)},), got {getattr(labels, 'shape', labels)}"
        )
    ids = as_class_ids(labels, len(embeddings), [len(proxies)]).squeeze(1)
    name = data_to_data_loss.__name__
    # Under autocast a matrix product would round similarities to three digits.
    with without_autocast(embeddings.device.type):
        own = unit_rows(embeddings)
        goals = unit_rows(proxies)[ids]  # -1 selects the last one, which is masked below
        others, _ = gather_whole_batch(name, own)
        similarities = own @ others.T
    attraction = ((own * goals).sum(dim=1) - positive_margin).clamp(max=0) / temperature
    repulsion = (similarities - negative_margin).clamp(min=0) / temperature
    other_ids, _ = gather_whole_batch(name, ids)
    known = ids != UNLABELED
    differs = (ids.unsqueeze(1) != other_ids) & (other_ids != UNLABELED)
    logits = torch.cat([attraction.unsqueeze(1), repulsion.masked_fill(~differs, -torch.inf)], dim=1)
    return (known * (logits.logsumexp(dim=1) - attraction)).mean()


def _check_numbers(temperature: float, positive_margin: float, negative_margin: float | None) -> float:
    check_positive("temperature", temperature)
    check_finite("positive_margin", positive_margin)
    negative_margin = 1 - positive_margin if negative_margin is None else negative_margin
    check_finite("negative_margin", negative_margin)
    for name, margin in (("positive_margin", positive_margin), ("negative_margin", negative_margin)):
        if not -1 <= margin <= 1:
            raise ValueError(f"{name} must lie in -1..1, as cosine similarities do, got {margin!r}")
    return negative_margin


def _check_vectors(embeddings: torch.Tensor, proxies: torch.Tensor) -> None:
    for name, vectors in (("embeddings", embeddings), ("proxies", proxies)):
        check_floating(name, vectors)
        check_batch(name, vectors)
        if vectors.ndim != 2:
            raise ValueError(f"{name} must have shape (n, features), got {tuple(vectors.shape)}")
    if embeddings.shape[1] != proxies.shape[1]:
        raise ValueError(
            "embeddings and proxies must have equally many features, "
            f"got {tuple(embeddings.shape)} and {tuple(proxies.shape)}"
        )

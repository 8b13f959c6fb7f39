"""What class heads pay for classes of which each sample has one."""

from collections.abc import Sequence

import torch
from torch.nn import functional

from gankit._core import Labels, Scalar
from gankit.losses._class_ids import UNLABELED, as_class_ids
from gankit.losses._heads import Heads, as_heads, weighted_sum


def class_loss(logits: Heads, labels: Labels, *, weights: Sequence[float] | None = None) -> Scalar:
    """Softmax cross-entropy of each class head, averaged over samples and summed over heads.

    It is the auxiliary classifier's price of AC-GAN. Real samples, generated ones, or both: the caller adds one call for
    each. A classifier that also learns from generated samples learns to accept the generator's mistakes, and the original
    does so.

    A row whose label is -1 has none: it gets no gradient and costs 0, but it counts in the mean. A batch therefore costs
    the mean of its equal parts, under accumulation and on several ranks too, and a batch without any label costs 0.
    (`torch.nn.functional.cross_entropy` divides by the number of labeled rows, which differs between parts, and is NaN
    where there is none.)

    Args:
        logits: What the heads return: a tensor, or a sequence of them, one a head.
        labels: Class ids, or -1 where there is none.
        weights: The weight of each head; None stands for 1 each.

    Shape:
        - logits: ``(n, classes)`` each; the numbers of classes may differ.
        - labels: ``(n, heads)``, or ``(n,)`` where there is one head; int64, each in ``-1..classes - 1``.
        - result: 0-d, in float32 or wider, 0 or more where no weight is negative.

    Raises:
        ValueError: Shapes or numbers of heads differ, the batch is empty, logits are not floating-point, a weight is not
            finite, or a label is out of range. (Values are checked on the CPU. On CUDA, where reading one would wait for the
            device, such a label stops the program with CUDA's own error.)

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
        Odena, Olah and Shlens 2017, "Conditional image synthesis with auxiliary classifier GANs", equation 3. The paper
        trains the classifier on real and on generated samples; StudioGAN, by default, on real ones alone. PyTorch-GAN
        halves each sum of score and class loss, and halves again.
    """
    heads = as_heads(logits)
    columns = as_class_ids(labels, len(heads[0]), [head.shape[1] for head in heads])
    losses = [_cross_entropy(head, columns[:, index]) for index, head in enumerate(heads)]
    return weighted_sum(losses, weights)


def _cross_entropy(logits: torch.Tensor, ids: torch.Tensor) -> Scalar:
    prices = functional.cross_entropy(logits, ids, ignore_index=UNLABELED, reduction="none")
    # An unlabeled row costs nothing, but where its logits are NaN the loss says so.
    return prices.mean() + 0 * logits.detach().amax()

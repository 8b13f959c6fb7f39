"""Class ids as one-hot vectors."""

from collections.abc import Sequence

import torch
from torch import nn

from gankit._core import Condition, Labels, as_class_counts
from gankit.embedders._labels import as_columns


class OneHotEmbedder(nn.Module):
    """Turn class ids into one-hot vectors, joined over the attributes.

    Nothing is learned here: the first layer behind it learns one weight vector a class. It is the plain choice where
    the classes are few, such as hair and eye colours, and it cannot confuse two classes.

    Args:
        num_classes: the number of classes, or a sequence of them, one an attribute.

    Attributes:
        out_features: the length of the vector, the sum of `num_classes`.

    Shape:
        - labels: ``(n, attributes)`` int64, each id in ``0..num_classes[attribute] - 1``; with one attribute also
          ``(n,)``.
        - result: ``(n, out_features)`` of 0 and 1 in the module's dtype (``.double()`` changes it).

    Raises:
        ValueError: if `num_classes` is empty or has an entry below 1; if labels are not int64, have another shape or no
            sample; if an id is out of range. Ids are read on the CPU only; on CUDA an id out of range gives a row of
            zeros for its attribute, since reading it would make the host wait.

    Example:
        >>> import torch
        >>> from gankit.embedders import OneHotEmbedder
        >>> hair_and_eyes = OneHotEmbedder((3, 2))
        >>> hair_and_eyes(torch.tensor([[2, 0], [1, 1]]))
        tensor([[0., 0., 1., 1., 0.],
                [0., 1., 0., 0., 1.]])

    Reference:
        Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", section 4.1 (the label as a one-hot vector).
        ``torch.nn.functional.one_hot`` returns integers; these are floats, ready for a linear layer.
    """

    unit: torch.Tensor

    def __init__(self, num_classes: int | Sequence[int]) -> None:
        super().__init__()
        self.num_classes = as_class_counts(num_classes)
        self.out_features = sum(self.num_classes)
        # Labels are integers, so the dtype of the result comes from here and follows `.double()`, `.half()` and `.to()`.
        self.register_buffer("unit", torch.ones(()), persistent=False)

    def forward(self, labels: Labels) -> Condition:
        """Return the one-hot vectors of `labels`."""
        columns = as_columns(labels, self.num_classes)
        hot = [
            columns[:, attribute, None] == torch.arange(count, device=columns.device)
            for attribute, count in enumerate(self.num_classes)
        ]
        return torch.cat(hot, dim=1).to(self.unit.dtype)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"num_classes={self.num_classes}, out_features={self.out_features}"

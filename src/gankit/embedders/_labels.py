"""Labels as vectors of zeros and ones."""

from collections.abc import Sequence

import torch
from torch import nn

from gankit._core import Condition, Labels, as_class_counts, check_at_least, values_are_readable


def as_columns(labels: Labels, num_classes: Sequence[int]) -> torch.Tensor:
    """Return class ids as ``(n, attributes)``, checked against the number of classes of each attribute.

    The ids themselves are checked on the CPU only, and not while a graph is traced: on other devices the check would make
    the host wait.
    """
    if not isinstance(labels, torch.Tensor) or labels.dtype != torch.int64:
        kind = labels.dtype if isinstance(labels, torch.Tensor) else type(labels).__name__
        raise ValueError(f"labels must be an int64 tensor of class ids, got {kind}")
    columns = labels.unsqueeze(1) if labels.ndim == 1 else labels
    if columns.ndim != 2 or columns.shape[1] != len(num_classes):
        wanted = f"(n, {len(num_classes)})" + (" or (n,)" if len(num_classes) == 1 else "")
        raise ValueError(f"labels must have shape {wanted}, got {tuple(labels.shape)}")
    if columns.shape[0] == 0:
        raise ValueError(f"labels must hold at least one sample, got shape {tuple(labels.shape)}")
    if values_are_readable(labels):
        _check_range(columns, num_classes)
    return columns


def _check_range(columns: torch.Tensor, num_classes: Sequence[int]) -> None:
    wrong = (columns < 0) | (columns >= columns.new_tensor(num_classes))
    if wrong.any():
        row, attribute = (int(index) for index in wrong.nonzero()[0])
        raise ValueError(
            f"labels must lie in 0..{num_classes[attribute] - 1} for attribute {attribute}, "
            f"got {int(columns[row, attribute])} in sample {row}"
        )


class OneHotEmbedder(nn.Module):
    """Turn class ids into one-hot vectors, joined over the attributes, for a conditional GAN.

    Nothing is learned here: the first layer after it learns one weight vector per class. It is the simple choice for few
    classes, such as hair and eye colors, and all classes are equally far apart.

    Args:
        num_classes: Number of classes, or a sequence of such numbers, one per attribute.

    Attributes:
        out_features: Length of the vector, the sum of `num_classes`.

    Shape:
        - labels: ``(n, attributes)`` int64, each id in ``0..num_classes[attribute] - 1``; with one attribute also
          ``(n,)``.
        - result: ``(n, out_features)`` of 0 and 1 in the module's dtype (``.double()`` changes it).

    Raises:
        ValueError: `num_classes` is empty or has an entry below 1; labels are not int64, have another shape or no
            sample; an id is out of range. Ids are checked on the CPU only, since on other devices the check would make
            the host wait; there an id out of range gives zeros for its attribute.

    Example:
        >>> import torch
        >>> from gankit.embedders import OneHotEmbedder
        >>> hair_and_eyes = OneHotEmbedder((3, 2))
        >>> hair_and_eyes(torch.tensor([[2, 0], [1, 1]]))
        tensor([[0., 0., 1., 1., 0.],
                [0., 1., 0., 0., 1.]])

    Reference:
        Mirza and Osindero 2014, "Conditional Generative Adversarial Nets" (arXiv:1411.1784), section 4.1 (the label as
        a one-hot vector). ``torch.nn.functional.one_hot`` returns integers; these are floats, ready for a linear layer.
    """

    unit: torch.Tensor

    def __init__(self, num_classes: int | Sequence[int]) -> None:
        super().__init__()
        self.num_classes = as_class_counts(num_classes)
        self.out_features = sum(self.num_classes)
        # Labels are integers, so this buffer holds the dtype of the result; `.double()`, `.half()` and `.to()` change it.
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


class MultiHotEmbedder(nn.Module):
    """Turn rows of tags into floats; a sample may have any number of tags, also none.

    Use it for tags that do not exclude each other (two hair colors in one picture, for example). Tags may be stored as
    bytes or booleans.

    Args:
        num_classes: Number of tags.

    Attributes:
        out_features: Length of the vector, `num_classes`.

    Shape:
        - labels: ``(n, num_classes)`` of 0 and 1, of any dtype: boolean, integer or float.
        - result: the same numbers in the module's dtype (``.double()`` changes it).

    Raises:
        ValueError: `num_classes` is below 1; labels have another shape or no sample; a value is neither 0 nor 1. Values
            are checked on the CPU only, since on other devices the check would make the host wait.

    Example:
        >>> import torch
        >>> from gankit.embedders import MultiHotEmbedder
        >>> MultiHotEmbedder(3)(torch.tensor([[True, False, True], [False, False, False]]))
        tensor([[1., 0., 1.],
                [0., 0., 0.]])

    Reference:
        Mirza and Osindero 2014, "Conditional Generative Adversarial Nets" (arXiv:1411.1784), section 4.2 (conditions of
        many tags). Code often calls such a vector one-hot, which is wrong if two tags are set.
    """

    unit: torch.Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        check_at_least("num_classes", num_classes, 1)
        self.out_features = num_classes
        # Tags may be bytes or booleans, so this buffer holds the dtype of the result.
        self.register_buffer("unit", torch.ones(()), persistent=False)

    def forward(self, labels: torch.Tensor) -> Condition:
        """Return `labels` as floats."""
        if not isinstance(labels, torch.Tensor) or labels.ndim != 2 or labels.shape[1] != self.out_features:
            kind = tuple(labels.shape) if isinstance(labels, torch.Tensor) else type(labels).__name__
            raise ValueError(f"labels must have shape (n, {self.out_features}), got {kind}")
        if labels.shape[0] == 0:
            raise ValueError(f"labels must hold at least one sample, got shape {tuple(labels.shape)}")
        if values_are_readable(labels):
            _check_zero_or_one(labels)
        return labels.to(self.unit.dtype)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"num_classes={self.out_features}"


def _check_zero_or_one(labels: torch.Tensor) -> None:
    wrong = (labels != 0) & (labels != 1)
    if wrong.any():
        row, tag = (int(index) for index in wrong.nonzero()[0])
        raise ValueError(f"labels must be 0 or 1, got {labels[row, tag]:g} in sample {row}, tag {tag}")

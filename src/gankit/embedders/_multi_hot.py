"""Sets of tags as vectors of zeros and ones."""

import torch
from torch import nn

from gankit._core import Condition, check_at_least, values_are_at_hand


class MultiHotEmbedder(nn.Module):
    """Pass a table of tags on as floats: any number of tags may be set in a sample, none included.

    For data whose tags are no exclusive classes (two hair colours in one picture, say). Tags stored as bytes or
    booleans go in as they are.

    Args:
        num_classes: the number of tags.

    Attributes:
        out_features: the length of the vector, `num_classes`.

    Shape:
        - labels: ``(n, num_classes)`` of 0 and 1, of any dtype: boolean, integer or float.
        - result: the same numbers in the module's dtype (``.double()`` changes it).

    Raises:
        ValueError: if `num_classes` is below 1; if labels have another shape or no sample; if a value is neither 0 nor
            1. Values are read on the CPU only: elsewhere the reading would make the host wait.

    Example:
        >>> import torch
        >>> from gankit.embedders import MultiHotEmbedder
        >>> MultiHotEmbedder(3)(torch.tensor([[True, False, True], [False, False, False]]))
        tensor([[1., 0., 1.],
                [0., 0., 0.]])

    Reference:
        Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", section 4.2 (conditions of many tags). Often
        called one-hot in code; it is not, once two tags are set.
    """

    unit: torch.Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        check_at_least("num_classes", num_classes, 1)
        self.out_features = num_classes
        # Tags may be bytes or booleans, so the dtype of the result comes from here.
        self.register_buffer("unit", torch.ones(()), persistent=False)

    def forward(self, labels: torch.Tensor) -> Condition:
        """Return `labels` as floats."""
        if not isinstance(labels, torch.Tensor) or labels.ndim != 2 or labels.shape[1] != self.out_features:
            kind = tuple(labels.shape) if isinstance(labels, torch.Tensor) else type(labels).__name__
            raise ValueError(f"labels must have shape (n, {self.out_features}), got {kind}")
        if labels.shape[0] == 0:
            raise ValueError(f"labels must hold at least one sample, got shape {tuple(labels.shape)}")
        if values_are_at_hand(labels):
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

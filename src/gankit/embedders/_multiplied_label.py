"""Class ids as learned vectors, multiplied over the attributes."""

import math
from collections.abc import Sequence

import torch
from torch import nn

from gankit._core import Condition, Labels, as_class_counts, check_at_least
from gankit.embedders._labels import as_columns


class MultipliedLabelEmbedder(nn.Module):
    """Look class ids up in learned tables, one table an attribute, and multiply the vectors number by number.

    The vector has the length of one table however many attributes there are, and describes their combination: hair and
    eyes share every number of it. That is the trouble with it too. Vectors that are near the negatives of others cannot
    be told apart in a product of two (``-hair * -eyes`` is ``hair * eyes``), and a number near 0 in one table wipes out
    the other. Prefer `LabelEmbedder`, which joins them; this one is here to compare with. For a product with the
    latents as well see `MultipliedLatents`.

    Args:
        num_classes: the number of classes, or a sequence of them, one an attribute.
        features: the length of every attribute's vector, and of the product.

    Attributes:
        out_features: the length of the vector, `features`.

    Shape:
        - labels: ``(n, attributes)`` int64, each id in ``0..num_classes[attribute] - 1``; with one attribute also
          ``(n,)``.
        - result: ``(n, out_features)``.

    Raises:
        ValueError: if `num_classes` is empty or has an entry below 1; if `features` is below 1; if labels are not
            int64, have another shape or no sample; if an id is out of range. Ids are read on the CPU only; on CUDA
            torch's lookup of an id out of range is an assertion on the device, which ends the process's CUDA context.

    Example:
        >>> import torch
        >>> from gankit.embedders import MultipliedLabelEmbedder
        >>> embedder = MultipliedLabelEmbedder((12, 11), 8)
        >>> embedder(torch.tensor([[2, 0], [11, 10]])).shape
        torch.Size([2, 8])

    Reference:
        The Keras rendering of Odena, Olah and Shlens 2017 ("Conditional Image Synthesis with Auxiliary Classifier
        GANs"), which has one attribute, carried over to several. The tables start from N(0, 1), so that a product has
        mean 0 and variance 1 as well.
    """

    def __init__(self, num_classes: int | Sequence[int], features: int) -> None:
        super().__init__()
        check_at_least("features", features, 1)
        self.num_classes = as_class_counts(num_classes)
        self.out_features = features
        self.tables = nn.ModuleList(nn.Embedding(count, features) for count in self.num_classes)

    def forward(self, labels: Labels) -> Condition:
        """Return the products of the vectors of `labels`."""
        columns = as_columns(labels, self.num_classes)
        vectors: list[torch.Tensor] = [table(columns[:, attribute]) for attribute, table in enumerate(self.tables)]
        return math.prod(vectors[1:], start=vectors[0])

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"num_classes={self.num_classes}, out_features={self.out_features}"

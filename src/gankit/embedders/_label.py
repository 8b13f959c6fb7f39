"""Class ids as learned vectors."""

from collections.abc import Sequence

import torch
from torch import nn

from gankit._core import Condition, Labels, as_class_counts, check_at_least
from gankit.embedders._labels import as_columns


class LabelEmbedder(nn.Module):
    """Look class ids up in learned tables, one table an attribute, and join the vectors.

    A short table keeps the condition from drowning the latents: anime-face AC-GANs use 8 features for hair and 8 for
    eyes beside 100 latents. The tables start as ``nn.Embedding`` does, from N(0, 1), the law of the latents beside
    them.

    Args:
        num_classes: the number of classes, or a sequence of them, one an attribute.
        features: the length of each attribute's vector.

    Attributes:
        out_features: the length of the joined vector, `features` times the number of attributes.

    Shape:
        - labels: ``(n, attributes)`` int64, each id in ``0..num_classes[attribute] - 1``; with one attribute also
          ``(n,)``.
        - result: ``(n, out_features)``, the attributes in order.

    Raises:
        ValueError: if `num_classes` is empty or has an entry below 1; if `features` is below 1; if labels are not
            int64, have another shape or no sample; if an id is out of range. Ids are read on the CPU only; on CUDA
            torch's lookup of an id out of range is an assertion on the device, which ends the process's CUDA context.

    Example:
        >>> import torch
        >>> from gankit.embedders import LabelEmbedder
        >>> embedder = LabelEmbedder((12, 11), 8)
        >>> embedder(torch.tensor([[2, 0], [11, 10]])).shape
        torch.Size([2, 16])

    Reference:
        Odena, Olah and Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs" (ICML), whose Keras
        rendering embeds the class. That one multiplies the latents by the vector and starts from Glorot's law; here
        the vector is returned for a network to join, and a table can be initialized anew as ``embedder.tables[0]``.
    """

    def __init__(self, num_classes: int | Sequence[int], features: int) -> None:
        super().__init__()
        check_at_least("features", features, 1)
        self.num_classes = as_class_counts(num_classes)
        self.out_features = features * len(self.num_classes)
        self.tables = nn.ModuleList(nn.Embedding(count, features) for count in self.num_classes)

    def forward(self, labels: Labels) -> Condition:
        """Return the joined vectors of `labels`."""
        columns = as_columns(labels, self.num_classes)
        vectors = [table(columns[:, attribute]) for attribute, table in enumerate(self.tables)]
        return torch.cat(vectors, dim=1)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"num_classes={self.num_classes}, out_features={self.out_features}"

"""Class ids as learned vectors: joined, multiplied with each other, or multiplied with the latents."""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import nn

from gankit._core import Condition, Labels, Latents, as_class_counts, check_at_least
from gankit.embedders._labels import as_columns
from gankit.embedders._text_projections import check_vectors


class Embedder(Protocol):
    """Anything that turns labels into one vector per sample and has the length of that vector as `out_features`.

    Networks take any such object: the embedders of this folder or, if the conditions are vectors already (such as those of
    a text encoder), a plain ``nn.Linear``, which has `out_features` too.

    Example:
        >>> import torch
        >>> from gankit.networks import DCGANGenerator
        >>> generator = DCGANGenerator(resolution=8, width=2, embedder=torch.nn.Linear(2400, 128))
        >>> generator(torch.randn(3, 100), torch.randn(3, 2400)).shape
        torch.Size([3, 3, 8, 8])
    """

    out_features: int
    """Length of the vector."""

    def __call__(self, labels: Labels, /) -> Condition:
        """Return the vectors ``(n, out_features)`` of the labels."""
        ...


class LabelEmbedder(nn.Module):
    """Look class ids up in learned tables, one table per attribute, and join the vectors.

    Keep the vectors short beside the latents, or the generator ignores the latents: anime-face AC-GANs use 8 features for
    hair and 8 for eyes beside 100 latents. The tables are initialized from N(0, 1) as in ``nn.Embedding``, the usual
    distribution of the latents.

    Args:
        num_classes: Number of classes, or a sequence of such numbers, one per attribute.
        features: Length of each attribute's vector.

    Attributes:
        out_features: Length of the joined vector, `features` times the number of attributes.

    Shape:
        - labels: ``(n, attributes)`` int64, each id in ``0..num_classes[attribute] - 1``; with one attribute also
          ``(n,)``.
        - result: ``(n, out_features)``, the attributes in order.

    Raises:
        ValueError: `num_classes` is empty or has an entry below 1; `features` is below 1; labels are not int64, have
            another shape or no sample; an id is out of range. Ids are checked on the CPU only; on CUDA torch's lookup of
            an id out of range fails an assertion on the device, after which the process cannot use CUDA.

    Example:
        >>> import torch
        >>> from gankit.embedders import LabelEmbedder
        >>> embedder = LabelEmbedder((12, 11), 8)
        >>> embedder(torch.tensor([[2, 0], [11, 10]])).shape
        torch.Size([2, 16])

    Reference:
        Odena, Olah and Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs" (ICML,
        arXiv:1610.09585), whose Keras version embeds the class. It multiplies the latents by the vector and uses
        Glorot's initialization; here the vector is returned for a network to join. To initialize a table differently,
        take ``embedder.tables[0]``.
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


class MultipliedLabelEmbedder(nn.Module):
    """Look class ids up in learned tables, one table per attribute, and multiply the vectors elementwise.

    The result has the length of one table for any number of attributes, and every number of it depends on all of them,
    such as hair and eyes. This has disadvantages: in a product of two, changing the sign of both vectors changes nothing
    (``-hair * -eyes`` is ``hair * eyes``), and a number near 0 in one table removes the effect of the other. Prefer
    `LabelEmbedder`, which joins the vectors; this one is here for comparisons. To multiply the latents too, see
    `MultipliedLatents`.

    Args:
        num_classes: As in `LabelEmbedder`.
        features: Length of every attribute's vector, and of the product.

    Attributes:
        out_features: Length of the vector, `features`.

    Shape:
        - labels: as in `LabelEmbedder`.
        - result: ``(n, out_features)``.

    Raises:
        ValueError: As in `LabelEmbedder`.

    Example:
        >>> import torch
        >>> from gankit.embedders import MultipliedLabelEmbedder
        >>> embedder = MultipliedLabelEmbedder((12, 11), 8)
        >>> embedder(torch.tensor([[2, 0], [11, 10]])).shape
        torch.Size([2, 8])

    Reference:
        The Keras version of Odena, Olah and Shlens 2017 ("Conditional Image Synthesis with Auxiliary Classifier GANs",
        arXiv:1610.09585) has one attribute; here there may be several. The tables are initialized from N(0, 1), so that
        a product has mean 0 and variance 1 as well.
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


class MultipliedLatents(nn.Module):
    """Multiply latents by an embedder's vector elementwise; an unconditional generator takes the product.

    The generator needs no second input, and the condition acts on all latents. A vector of ones does not change them. Two
    conditions with opposite vectors give the same distribution of pictures, since latents are as likely as their
    negatives, and vectors with a small norm leave little of the latents. The presets join the vector to the latents
    instead, which separates colors better.

    Args:
        embedder: Turns labels into vectors of the length of the latents: a `LabelEmbedder` of one attribute, or a
            `MultipliedLabelEmbedder` of several.

    Attributes:
        out_features: Length of the product: the `out_features` of the embedder.

    Shape:
        - latents: ``(n, out_features)``.
        - labels: whatever the embedder takes, for n samples.
        - result: ``(n, out_features)``.

    Raises:
        ValueError: `embedder` has no integer `out_features` above 0; `latents` are not a floating-point tensor of that
            shape, or have no sample; labels are for another number of samples, or refused by the embedder.

    Example:
        >>> import torch
        >>> from gankit.embedders import MultipliedLabelEmbedder, MultipliedLatents
        >>> multiply = MultipliedLatents(MultipliedLabelEmbedder((12, 11), 100))
        >>> multiply(torch.randn(2, 100), torch.tensor([[2, 0], [11, 10]])).shape
        torch.Size([2, 100])

    Reference:
        The Keras version of Odena, Olah and Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs"
        (arXiv:1610.09585): ``latents * embedding(class)``.
    """

    def __init__(self, embedder: Embedder) -> None:
        super().__init__()
        features: Any = getattr(embedder, "out_features", None)
        check_at_least("embedder.out_features", features, 1)
        self.embedder = embedder
        self.out_features: int = features

    def forward(self, latents: Latents, labels: Labels) -> Latents:
        """Return `latents` times the vectors of `labels`."""
        check_vectors("latents", latents, self.out_features)
        vectors = self.embedder(labels)
        if vectors.shape != latents.shape:
            raise ValueError(
                f"labels must give vectors of shape {tuple(latents.shape)}, as latents are, got {tuple(vectors.shape)}"
            )
        return latents * vectors

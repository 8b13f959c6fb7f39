"""The protocol: what counts as an embedder."""

import torch
from torch import nn

from gankit.embedders import Embedder, LabelEmbedder, MultiHotEmbedder, OneHotEmbedder


def width(embedder: Embedder, labels: torch.Tensor) -> tuple[int, int]:
    return embedder.out_features, embedder(labels).shape[1]


def test_every_embedder_and_a_plain_linear_layer_fit() -> None:
    ids = torch.tensor([[1, 2]])
    assert width(OneHotEmbedder((2, 3)), ids) == (5, 5)
    assert width(LabelEmbedder((2, 3), 4), ids) == (8, 8)
    assert width(MultiHotEmbedder(2), torch.tensor([[1, 0]])) == (2, 2)
    assert width(nn.Linear(7, 3), torch.zeros(1, 7)) == (3, 3)

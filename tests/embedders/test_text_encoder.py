"""The protocol: what counts as a text encoder."""

from pathlib import Path

import torch
from embedders.published import write_model

from gankit.embedders import HashedNGrams, SentenceEncoder, SkipThoughts, TextEncoder, TextProjection, VectorTable
from gankit.networks import DCGANGenerator

TEXTS = ["blue hair red eyes", "green hair"]


class Lengths:
    """A stand-in for a pretrained model."""

    def encode(self, sentences: list[str]) -> torch.Tensor:
        return torch.tensor([[float(len(sentence)), 1.0] for sentence in sentences])


def draw(encoder: TextEncoder) -> torch.Tensor:
    """From texts to pictures, whatever the encoder."""
    vectors = encoder(TEXTS)
    assert vectors.shape == (2, encoder.out_features)
    assert torch.equal(encoder(TEXTS), vectors)
    embedder = TextProjection(encoder.out_features, 5)
    return DCGANGenerator(resolution=8, width=2, embedder=embedder)(torch.randn(2, 100), vectors)


def test_every_text_encoder_fits(tmp_path: Path) -> None:
    write_model(tmp_path)
    hashed = HashedNGrams(out_features=50)
    for encoder in (
        hashed,
        VectorTable(TEXTS, hashed(TEXTS)),
        SkipThoughts(tmp_path),
        SentenceEncoder(Lengths()),
    ):
        assert draw(encoder).shape == (2, 3, 8, 8)

"""Rows of `gankit.embedders`."""

import torch

from gankit import embedders
from support.contract.row import Row, module_row
from support.strategies import normal

# Embedders take whole numbers and give floats, text encoders take texts: their tests say what holds, so no row calls
# them with floats. SkipThoughts is built from files, a SentenceEncoder around a model of the user's.
EMBEDDERS: dict[str, Row] = {
    "ConditionDistribution": Row(
        make=lambda: embedders.ConditionDistribution,
        call=lambda distribution, x: distribution(x["mean"], x["log_variance"]).sample(noise=x["noise"]),
        inputs=lambda dtype: {
            name: normal(seed, 5, 3, dtype=dtype) for seed, name in enumerate(("mean", "log_variance", "noise"))
        },
        permutes="along",
    ),
    "ConditioningAugmentation": Row(
        make=lambda: _seeded(embedders.ConditioningAugmentation(7, 3)),
        call=lambda augmentation, x: augmentation(x["vectors"], noise=x["noise"]),
        inputs=lambda dtype: {"vectors": normal(0, 5, 7, dtype=dtype), "noise": normal(1, 5, 3, dtype=dtype)},
        batched=("vectors",),
        permutes="along",
    ),
    "Embedder": Row(make=lambda: embedders.Embedder),
    "HashedNGrams": Row(make=lambda: embedders.HashedNGrams(out_features=50)),
    "LabelEmbedder": Row(make=lambda: embedders.LabelEmbedder((12, 11), 8)),
    "MultiHotEmbedder": Row(make=lambda: embedders.MultiHotEmbedder(23)),
    "MultipliedLabelEmbedder": Row(make=lambda: embedders.MultipliedLabelEmbedder((12, 11), 8)),
    "MultipliedLatents": module_row(
        lambda: embedders.MultipliedLatents(embedders.TextProjection(7, 3)),
        lambda dtype: {"latents": normal(0, 5, 3, dtype=dtype), "vectors": normal(1, 5, 7, dtype=dtype)},
        "latents",
        "vectors",
        batched=("latents", "vectors"),
    ),
    "OneHotEmbedder": Row(make=lambda: embedders.OneHotEmbedder((12, 11))),
    "SentenceEncoder": Row(make=lambda: embedders.SentenceEncoder),
    "SentenceModel": Row(make=lambda: embedders.SentenceModel),
    "SkipThoughts": Row(make=lambda: embedders.SkipThoughts),
    "TextEncoder": Row(make=lambda: embedders.TextEncoder),
    "TextProjection": module_row(
        lambda: embedders.TextProjection(7, 3),
        lambda dtype: {"vectors": normal(0, 5, 7, dtype=dtype)},
        "vectors",
        batched=("vectors",),
    ),
    "VectorTable": Row(make=lambda: embedders.VectorTable(["blue hair", "red hair"], torch.eye(2))),
    "split_words": Row(make=lambda: embedders.split_words),
}


def _seeded(module: torch.nn.Module) -> torch.nn.Module:
    """The module with weights that are the same in every call."""
    with torch.no_grad():
        for seed, parameter in enumerate(module.parameters()):
            parameter.copy_(normal(seed, *parameter.shape, scale=0.3))
    return module

"""Rows of `gankit.blocks`."""

import torch

from gankit import blocks
from support.contract.row import Row, Tensors, module_row
from support.strategies import normal


def _maps(dtype: torch.dtype) -> Tensors:
    return {"x": normal(0, 5, 3, 4, 4, dtype=dtype), "condition": normal(1, 5, 7, dtype=dtype)}


def _features(dtype: torch.dtype) -> Tensors:
    return {"features": normal(0, 5, 11, dtype=dtype), "condition": normal(1, 5, 7, dtype=dtype)}


def _vectors(dtype: torch.dtype) -> Tensors:
    return {"vectors": normal(1, 5, 7, dtype=dtype)}


def _noisy_maps(dtype: torch.dtype) -> Tensors:
    return {"x": normal(0, 5, 3, 4, 2, dtype=dtype), "noise": normal(1, 5, 1, 4, 2, dtype=dtype)}


def _strong_noise() -> torch.nn.Module:
    injection = blocks.NoiseInjection(3)
    torch.nn.init.constant_(injection.strength, 0.5)
    return injection


def _data_to_data_head() -> torch.nn.Module:
    torch.manual_seed(5)
    return blocks.DataToDataHead(11, 3, 5)


def _cosines(embeddings: torch.Tensor, proxies: torch.Tensor) -> torch.Tensor:
    return embeddings @ proxies.T


def _open_attention() -> torch.nn.Module:
    attention = blocks.SelfAttention2d(3)
    torch.nn.init.constant_(attention.gate, 0.5)
    return attention


def _dropped(dtype: torch.dtype) -> Tensors:
    return {"x": normal(0, 5, 3, dtype=dtype), "draw": normal(1, 5, 3, dtype=dtype).sigmoid()}


def _open_bottleneck() -> torch.nn.Module:
    torch.manual_seed(5)
    block = blocks.BottleneckBlock(3, 2)
    torch.nn.init.normal_(block.conv3.weight)
    return block


BLOCKS: dict[str, Row] = {
    "Conditioned": Row(make=lambda: blocks.Conditioned),
    "ConditionedSequential": module_row(
        lambda: blocks.ConditionedSequential(torch.nn.Conv2d(3, 3, 1), blocks.ConditionalBatchNorm2d(3, 7)),
        _maps,
        "x",
        "condition",
    ),
    "ConditionalBatchNorm2d": module_row(
        lambda: blocks.ConditionalBatchNorm2d(3, 7), _maps, "x", "condition", batched=("x",)
    ),
    "ConditionalInstanceNorm2d": module_row(
        lambda: blocks.ConditionalInstanceNorm2d(3, 7), _maps, "x", "condition", batched=("x",)
    ),
    "FiLM": module_row(lambda: blocks.FiLM(3, 7), _maps, "x", "condition", batched=("x",)),
    "PreActivationBlock": module_row(
        lambda: blocks.PreActivationBlock(3, 5, down=blocks.MeanDownsample()), _maps, "x", batched=("x",)
    ),
    "PostActivationBlock": module_row(
        lambda: blocks.PostActivationBlock(3, 5, norm=torch.nn.BatchNorm2d, down=blocks.MeanDownsample()),
        _maps,
        "x",
        batched=("x",),
    ),
    "NormAfterAdditionBlock": module_row(
        lambda: blocks.NormAfterAdditionBlock(3, 5, norm=torch.nn.BatchNorm2d, down=blocks.MeanDownsample()),
        _maps,
        "x",
        batched=("x",),
    ),
    "ActivationBeforeAdditionBlock": module_row(
        lambda: blocks.ActivationBeforeAdditionBlock(3, 5, norm=torch.nn.BatchNorm2d, down=blocks.MeanDownsample()),
        _maps,
        "x",
        batched=("x",),
    ),
    "ActivationFirstBlock": module_row(
        lambda: blocks.ActivationFirstBlock(3, 5, norm=torch.nn.BatchNorm2d, down=blocks.MeanDownsample()),
        _maps,
        "x",
        batched=("x",),
    ),
    "SRResNetBlock": module_row(lambda: blocks.SRResNetBlock(3), _maps, "x", batched=("x",)),
    "BottleneckBlock": module_row(_open_bottleneck, _maps, "x", batched=("x",)),
    "ConvolutionBlock": module_row(
        lambda: blocks.ConvolutionBlock(3, 5, norm=torch.nn.BatchNorm2d), _maps, "x", batched=("x",)
    ),
    "Step": Row(make=lambda: blocks.Step),
    "AlwaysOnDropout": Row(
        make=blocks.AlwaysOnDropout,
        call=lambda layer, x: layer(x["x"], draw=x["draw"]),
        inputs=_dropped,
        permutes="along",
    ),
    "ReLU": module_row(blocks.ReLU, _maps, "x"),
    "LeakyReLU": module_row(blocks.LeakyReLU, _maps, "x"),
    "NearestUpsample": module_row(blocks.NearestUpsample, _maps, "x", batched=("x",)),
    "BilinearUpsample": module_row(blocks.BilinearUpsample, _maps, "x", batched=("x",)),
    "MeanDownsample": module_row(blocks.MeanDownsample, _maps, "x", batched=("x",)),
    "SelfAttention2d": module_row(_open_attention, _maps, "x", batched=("x",)),
    "MinibatchStandardDeviation": module_row(
        lambda: blocks.MinibatchStandardDeviation(5, 3), _maps, "x", batched=("x",)
    ),
    "MinibatchDiscrimination": module_row(
        lambda: blocks.MinibatchDiscrimination(11, 3), _features, "features", batched=("features",)
    ),
    "NoiseInjection": Row(
        make=_strong_noise,
        call=lambda layer, x: layer(x["x"], noise=x["noise"]),
        inputs=_noisy_maps,
        batched=("x", "noise"),
        permutes="along",
    ),
    "SpatialReplication": module_row(
        lambda: blocks.SpatialReplication(3, 2), _vectors, "vectors", batched=("vectors",)
    ),
    "DepthConcatenation": module_row(
        lambda: blocks.DepthConcatenation(7), _maps, "x", "condition", batched=("x", "condition")
    ),
    "BlurUpsample": module_row(blocks.BlurUpsample, _maps, "x", batched=("x",)),
    "BlurDownsample": module_row(blocks.BlurDownsample, _maps, "x", batched=("x",)),
    "TransposedUpsample": module_row(lambda: blocks.TransposedUpsample(3), _maps, "x", batched=("x",)),
    "SubPixelUpsample": module_row(lambda: blocks.SubPixelUpsample(3), _maps, "x", batched=("x",)),
    "StridedDownsample": module_row(lambda: blocks.StridedDownsample(3), _maps, "x", batched=("x",)),
    "UpsampledConv2d": module_row(lambda: blocks.UpsampledConv2d(3, 5), _maps, "x", batched=("x",)),
    "PooledConv2d": module_row(lambda: blocks.PooledConv2d(3, 5), _maps, "x", batched=("x",)),
    "ClassHead": module_row(lambda: blocks.ClassHead(11, (2, 3)), _features, "features", batched=("features",)),
    "DataToDataHead": Row(
        make=_data_to_data_head,
        call=lambda head, x: _cosines(*head(x["features"])),
        inputs=_features,
        batched=("features",),
        permutes="along",
    ),
    "PatchHead": module_row(lambda: blocks.PatchHead(3), _maps, "x", batched=("x",)),
    "MultiScale": module_row(
        lambda: blocks.MultiScale([blocks.PatchHead(3), blocks.PatchHead(3)], blocks.MeanDownsample()),
        lambda dtype: {"images": normal(0, 5, 3, 4, 8, dtype=dtype)},
        "images",
        batched=("images",),
    ),
    "ProjectionHead": module_row(
        lambda: blocks.ProjectionHead(11, 7), _features, "features", "condition", batched=("features",)
    ),
}

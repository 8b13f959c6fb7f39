"""Initialization: the distributions of the papers' code, the user's layers unchanged; and the result of a critic."""

from collections.abc import Callable
from functools import partial
from math import sqrt
from typing import Any

import pytest
import torch
from networks.cases import ALL, CLASSES, inputs_of
from torch import nn

from gankit.blocks import PreActivationBlock, ProjectionHead
from gankit.embedders import LabelEmbedder, OneHotEmbedder
from gankit.networks import DCGANCritic, DCGANGenerator, ResidualCritic, ResidualGenerator

BIG: dict[str, Any] = {"resolution": 32, "width": 32}


@pytest.mark.parametrize("make", [DCGANGenerator, partial(DCGANCritic, num_classes=(12, 11))])
def test_dcgan_weights_are_normal_of_deviation_two_hundredths(make: Callable[..., nn.Module]) -> None:
    network, seen = make(**BIG), 0
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            seen += 1
            error = 5 * 0.02 / sqrt(layer.weight.numel())
            assert abs(layer.weight.mean().item()) < error
            assert abs(layer.weight.std().item() - 0.02) < error
            # Tails distinguish a normal distribution from a uniform one of the same deviation, which ends at 0.0346.
            if layer.weight.numel() > 5000:
                assert layer.weight.abs().max() > 0.06
            assert layer.bias is None or (layer.bias == 0).all()
        if isinstance(layer, nn.BatchNorm2d):
            seen += 1
            assert abs(layer.weight.mean().item() - 1) < 5 * 0.02 / sqrt(layer.num_features)
            assert 0.01 < layer.weight.std().item() < 0.03
            assert (layer.bias == 0).all()
    assert seen > 5


def glorot(weight: torch.Tensor, gain: float) -> float:
    positions = weight[0, 0].numel() if weight.ndim == 4 else 1
    return gain * sqrt(6 / (positions * (weight.shape[0] + weight.shape[1])))


@pytest.mark.parametrize("make", [ResidualGenerator, partial(ResidualCritic, num_classes=(12, 11))])
def test_residual_weights_are_uniform(make: Callable[..., nn.Module]) -> None:
    network, inside = make(**BIG), {}
    for block in network.modules():
        if isinstance(block, PreActivationBlock):
            assert block.shortcut is not None
            inside |= {block.conv1: sqrt(2), block.conv2: sqrt(2), block.shortcut: 1.0}
    assert len(inside) == 9
    for name, layer in network.named_modules():
        if not isinstance(layer, nn.Linear | nn.Conv2d):
            continue
        last = isinstance(network, ResidualGenerator) and name == "body.5"
        bound = glorot(layer.weight, sqrt(2) if last else inside.get(layer, 1.0))
        assert layer.weight.abs().max() <= bound
        if layer.weight.numel() > 500:
            assert layer.weight.abs().max() > 0.98 * bound
        assert layer.bias is not None
        assert (layer.bias == 0).all()


def test_a_projection_starts_with_scores_as_large_as_the_flattened_layers() -> None:
    torch.manual_seed(1)
    critic = ResidualCritic(**BIG, embedder=OneHotEmbedder((12, 11)))
    head = critic.end.score
    assert isinstance(head, ProjectionHead)
    for layer in (head.linear, head.project):
        bound = glorot(layer.weight, 1 / 16)
        assert 0.9 * bound < layer.weight.abs().max() <= bound
    images = torch.randn(32, 3, 32, 32)
    labels = torch.stack((torch.randint(12, (32,)), torch.randint(11, (32,))), dim=1)
    with torch.no_grad():
        scores, plain = critic(images, labels), ResidualCritic(**BIG)(images)
    assert 1 / 16 < scores.square().mean() / plain.square().mean() < 16


def test_embedders_keep_their_own_start() -> None:
    for make in (DCGANGenerator, DCGANCritic, ResidualGenerator, ResidualCritic):
        embedder = LabelEmbedder((12, 11), 8)
        before = [table.detach().clone() for table in embedder.parameters()]
        make(resolution=8, width=2, embedder=embedder)
        assert all(torch.equal(table, old) for table, old in zip(embedder.parameters(), before, strict=True))


def test_fresh_networks_are_alive() -> None:
    torch.manual_seed(3)
    with torch.no_grad():
        for generator in (DCGANGenerator(**BIG), ResidualGenerator(**BIG)):
            images = generator(torch.randn(16, generator.latent_features))
            assert 0.02 < images.std().item() < 0.9
            assert (images.flatten(1).std(0) > 1e-3).float().mean() > 0.99
        for critic in (DCGANCritic(**BIG), ResidualCritic(**BIG)):
            scores = critic(torch.randn(16, 3, 32, 32))
            assert isinstance(scores, torch.Tensor)
            assert scores.std().item() > 1e-3


def test_class_heads_and_scores_have_names() -> None:
    result = ALL["dcgan_critic_classes"]()(inputs_of("dcgan_critic_classes")[0].float())
    assert result.scores.shape == (3,)
    assert tuple(logits.shape[1] for logits in result.classes) == CLASSES

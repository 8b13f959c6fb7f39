"""The critic that joins the condition to its last maps: the function, the form of report C, and mistakes."""

from functools import partial

import numpy as np
import pytest
import torch
from blocks import oracles as layers
from blocks.cases import fill_, numpy_state
from hypothesis import given, strategies as st
from networks import oracles
from networks.cases import build, inputs_of
from networks.published import LEAKY, RELU, convolution, doubling, lines_of, norm, parameters
from support.strategies import seeds
from torch import nn
from torch.testing import assert_close

from gankit.constraints import gradient_norm
from gankit.embedders import MultiHotEmbedder, OneHotEmbedder, TextProjection
from gankit.networks import DCGANGenerator, JoinedCritic, layer_table


def joined(maps: layers.Array, vectors: layers.Array) -> layers.Array:
    return np.concatenate((maps, np.broadcast_to(vectors[:, :, None, None], (*vectors.shape, *maps.shape[2:]))), axis=1)


@given(seed=seeds, training=st.booleans())
def test_report_cs_form_in_numpy(seed: int, training: bool) -> None:
    critic = build("joined_critic_report_c", seed).train(training)
    images, tags = inputs_of("joined_critic_report_c", seed)
    state = numpy_state(critic)
    maps = oracles.dcgan_maps(state, images.numpy(), training)
    wanted = oracles.dense(state, "score", joined(maps, tags.double().numpy()).reshape(len(images), -1))[:, 0]
    assert_close(critic(images, tags), torch.from_numpy(wanted), rtol=1e-9, atol=1e-9)


@given(seed=seeds)
def test_the_mixing_form_in_numpy(seed: int) -> None:
    critic = build("joined_critic", seed)
    images, labels = inputs_of("joined_critic", seed)
    state = numpy_state(critic)
    h = images.numpy()
    for place in (0, 2):
        h = layers.leaky_relu(layers.convolve(h, state[f"body.{place}.weight"], state[f"body.{place}.bias"], 2, 1))
    vectors = np.concatenate([np.eye(count)[labels[:, i].numpy()] for i, count in enumerate((3, 2))], axis=1)
    h = layers.leaky_relu(layers.convolve(joined(h, vectors), state["body.6.weight"], state["body.6.bias"]))
    wanted = oracles.dense(state, "score", h.reshape(len(images), -1))[:, 0]
    assert_close(critic(images, labels), torch.from_numpy(wanted), rtol=1e-9, atol=1e-9)


def test_report_cs_networks_layer_for_layer() -> None:
    """At 64 x 64 with 23 tags and 100 latents; the generator is DCGAN's of twice the width."""
    tags = MultiHotEmbedder(23)
    critic = JoinedCritic(embedder=tags, mixing=0)
    table = layer_table(critic, torch.empty(2, 3, 64, 64), torch.empty(2, 23))
    shapes = {row.name: row.output[1:] for row in table.rows if row.kind in {"Conv2d", "DepthConcatenation"}}
    assert list(shapes.values()) == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (535, 4, 4)]
    assert critic.score.in_features == 535 * 16
    generator = DCGANGenerator(width=128, embedder=tags)
    table = layer_table(generator, torch.empty(2, 100), torch.empty(2, 23))
    assert generator.stem.in_features == 123
    maps = [row.output[1:] for row in table.rows if row.kind == "ConvTranspose2d"]
    assert maps == [(512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)]
    assert generator.stem.out_features == 4 * 4 * 1024
    assert table.rows[-1].kind == "Tanh"


def test_without_mixing_the_picture_and_the_vector_are_only_added() -> None:
    """The reason for the 1x1 convolution: what a change of tags does to the score is the same for every picture."""

    def effect(mixing: int) -> torch.Tensor:
        critic = JoinedCritic(embedder=OneHotEmbedder(3), resolution=8, width=2, mixing=mixing, norm=nn.Identity)
        fill_(critic.double(), 1)
        images = torch.randn(5, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
        return critic(images, torch.full((5,), 1)) - critic(images, torch.full((5,), 2))

    assert effect(0).std() < 1e-12
    assert effect(0).abs().min() > 1e-3
    assert effect(7).std() > 1e-3


def test_a_penalty_reaches_every_convolution() -> None:
    critic = JoinedCritic(
        embedder=OneHotEmbedder(3), resolution=8, base=2, width=2, mixing=5, norm=partial(nn.GroupNorm, 1)
    )
    labels = torch.tensor([0, 2])
    gradient_norm(lambda x: critic(x, labels), torch.randn(2, 3, 8, 8)).square().sum().backward()
    convolutions = [layer for layer in critic.modules() if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == 3
    assert all(layer.weight.grad is not None and layer.weight.grad.abs().sum() > 0 for layer in convolutions)


def test_mistakes() -> None:
    embedder = OneHotEmbedder(3)
    with pytest.raises(ValueError, match="mixing must be at least 0, got -1"):
        JoinedCritic(embedder=embedder, mixing=-1)
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        JoinedCritic(embedder=embedder, width=0)
    with pytest.raises(ValueError, match="norm must be a callable"):
        JoinedCritic(embedder=embedder, norm=nn.BatchNorm2d(3))
    critic = JoinedCritic(embedder=embedder, resolution=8, width=2)
    with pytest.raises(ValueError, match=r"images must have shape \(n, 3, 8, 8\), got \(2, 3, 8, 6\)"):
        critic(torch.zeros(2, 3, 8, 6), torch.tensor([0, 2]))
    with pytest.raises(ValueError, match="labels must give one vector per sample"):
        critic(torch.zeros(2, 3, 8, 8), torch.tensor([0]))


def test_report_a_s_critic_joins_the_text_at_6_by_6() -> None:
    critic = JoinedCritic(resolution=96, base=6, embedder=TextProjection(2400, 128))
    assert lines_of(critic, torch.empty(2, 3, 96, 96), torch.empty(2, 2400)) == [
        ("Linear", 2400, 128, True),
        LEAKY,
        *(convolution(3, 64, 4, 2, 48), LEAKY),
        *(convolution(64, 128, 4, 2, 24, bias=False), norm(128), LEAKY),
        *(convolution(128, 256, 4, 2, 12, bias=False), norm(256), LEAKY),
        *(convolution(256, 512, 4, 2, 6, bias=False), norm(512), LEAKY),
        *(convolution(640, 512, 1, 1, 6, bias=False), norm(512), LEAKY),
        ("Linear", 512 * 6 * 6, 1, True),
    ]
    assert parameters(critic) == 3_411_905


def test_report_c_s_pair_as_presets() -> None:
    """Report C's program has, beside these: no gains in its norms, an epsilon of 1e-3, and a bias in every layer."""
    tags = MultiHotEmbedder(23)
    generator = DCGANGenerator(width=128, embedder=tags)
    assert lines_of(generator, torch.empty(2, 100), torch.empty(2, 23)) == [
        ("Linear", 123, 1024 * 4 * 4, False),
        *(norm(1024), RELU, doubling(1024, 512, 8, bias=False)),
        *(norm(512), RELU, doubling(512, 256, 16, bias=False)),
        *(norm(256), RELU, doubling(256, 128, 32, bias=False)),
        *(norm(128), RELU, doubling(128, 3, 64)),
        ("Tanh",),
    ]
    critic = JoinedCritic(embedder=tags, mixing=0)
    assert lines_of(critic, torch.empty(2, 3, 64, 64), torch.empty(2, 23)) == [
        *(convolution(3, 64, 4, 2, 32), LEAKY),
        *(convolution(64, 128, 4, 2, 16, bias=False), norm(128), LEAKY),
        *(convolution(128, 256, 4, 2, 8, bias=False), norm(256), LEAKY),
        *(convolution(256, 512, 4, 2, 4, bias=False), norm(512), LEAKY),
        ("Linear", (512 + 23) * 4 * 4, 1, True),
    ]

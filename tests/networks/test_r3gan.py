"""R3GAN's pair: the functions, the published sizes, the initialization, the penalty, and mistakes."""

import numpy as np
import pytest
import torch
from blocks import oracles as layers
from blocks.cases import fill_, numpy_state
from hypothesis import given
from networks import oracles
from networks.cases import CLASSES, build, inputs_of
from support.strategies import normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.constraints import zero_centered_penalty
from gankit.embedders import LabelEmbedder
from gankit.networks import (
    R3GANCritic,
    R3GANGenerator,
    layer_table,
)


def grouped(x: layers.Array, weight: layers.Array, bias: layers.Array | None, padding: int) -> layers.Array:
    """A convolution whose groups see only their own channels."""
    own = weight.shape[1]
    groups = x.shape[1] // own
    out = weight.shape[0] // groups
    pieces = [
        layers.convolve(x[:, own * i : own * (i + 1)], weight[out * i : out * (i + 1)], None, padding=padding)
        for i in range(groups)
    ]
    joined = np.concatenate(pieces, axis=1)
    return joined if bias is None else joined + bias[None, :, None, None]


def block(state: layers.State, name: str, x: layers.Array) -> layers.Array:
    h = layers.leaky_relu(layers.convolve(x, state[f"{name}.conv1.weight"], state[f"{name}.conv1.bias"]))
    h = layers.leaky_relu(grouped(h, state[f"{name}.conv2.weight"], state[f"{name}.conv2.bias"], 1))
    return x + layers.convolve(h, state[f"{name}.conv3.weight"], None)


def blurred_half(x: layers.Array) -> layers.Array:
    """[1, 2, 1] / 4 over the mirrored picture in both directions, then means."""
    for axis in (2, 3):
        pad = [(0, 0)] * 4
        pad[axis] = (1, 1)
        wide = np.pad(x, pad, mode="symmetric")
        size = x.shape[axis]
        before, middle, after = (np.take(wide, range(i, i + size), axis) for i in range(3))
        x = (before + 2 * middle + after) / 4
    return layers.mean_of_pixels(x)


@given(seed=seeds)
def test_the_generator_in_numpy(seed: int) -> None:
    generator = build("r3gan_generator", seed)
    (latents,) = inputs_of("r3gan_generator", seed)
    state = numpy_state(generator)
    h = oracles.dense(state, "stem", latents.numpy())[:, :, None, None] * state["basis"][None]
    h = block(state, "body.0", h)
    h = layers.interpolate_pixels(layers.convolve(h, state["body.1.weight"], None))
    h = layers.interpolate_pixels(block(state, "body.3", h))
    wanted = layers.convolve(block(state, "body.5", h), state["body.6.weight"], None)
    assert_close(generator(latents), torch.from_numpy(wanted), rtol=1e-9, atol=1e-9)


@given(seed=seeds)
def test_the_critic_in_numpy(seed: int) -> None:
    critic = build("r3gan_critic", seed)
    images, labels = inputs_of("r3gan_critic", seed)
    state = numpy_state(critic)
    h = block(state, "body.1", layers.convolve(images.numpy(), state["body.0.weight"], None))
    h = layers.convolve(blurred_half(h), state["body.3.weight"], None)
    h = block(state, "body.6", blurred_half(block(state, "body.4", h)))
    features = np.einsum("nchw,chw->nc", h, state["body.7.weight"][:, 0])
    tables = [state[f"embedder.tables.{i}.weight"][labels[:, i].numpy()] for i in range(len(CLASSES))]
    wanted = np.sum(oracles.dense(state, "score", features) * np.concatenate(tables, axis=1), axis=1) / np.sqrt(14)
    assert_close(critic(images, labels), torch.from_numpy(wanted), rtol=1e-9, atol=1e-9)


def test_the_published_sizes_at_64() -> None:
    """Ten bottlenecks with 16 channels per group: 96 groups at 768 channels, 48 at 384."""

    def bottleneck(width: int) -> int:
        return 2 * (width * 2 * width) + 2 * width * 16 * 9 + 2 * 2 * width

    inside = 8 * bottleneck(768) + 2 * bottleneck(384) + 768 * 384
    with torch.device("meta"):
        generator, critic = R3GANGenerator(), R3GANCritic()
    table = layer_table(generator, torch.empty(2, 64))
    assert table.parameters == 64 * 768 + 768 * 16 + inside + 384 * 3
    assert table.rows[-1].output == (2, 3, 64, 64)
    table = layer_table(critic, torch.empty(2, 3, 64, 64))
    assert table.parameters == 3 * 384 + inside + 768 * 16 + 768
    groups = [
        layer.groups for layer in generator.modules() if isinstance(layer, nn.Conv2d) and layer.kernel_size[0] == 3
    ]
    assert groups == [96] * 8 + [48] * 2


def test_a_fresh_generator_is_linear_and_its_blocks_do_nothing() -> None:
    torch.manual_seed(0)
    generator = R3GANGenerator(widths=(24, 16), group_channels=8, latent_features=5).double()
    a, b = normal(0, 3, 5), normal(1, 3, 5)
    assert_close(generator(2 * a - b), 2 * generator(a) - generator(b))
    assert generator(a).std() > 0.1


def test_the_start_keeps_the_variance() -> None:
    torch.manual_seed(0)
    critic = R3GANCritic(widths=(128, 128), blocks=3, group_channels=32)
    convolutions = [layer for layer in critic.modules() if isinstance(layer, nn.Conv2d)]
    expand, spread, reduce = convolutions[1:4]
    gain = (2 / 1.04) ** 0.5 / 6**0.25
    assert expand.weight.std().item() == pytest.approx(gain / 128**0.5, rel=0.05)
    assert spread.weight.std().item() == pytest.approx(gain / (32 * 9) ** 0.5, rel=0.05)
    assert (reduce.weight == 0).all()
    assert reduce.bias is None
    assert expand.bias is not None
    assert (expand.bias == 0).all()


def test_a_score_without_labels_is_one_number() -> None:
    critic = R3GANCritic(widths=(4, 6), group_channels=4, blocks=1)
    fill_(critic, 1)
    images = torch.randn(3, 3, 8, 8)
    scores = critic(images)
    assert scores.shape == (3,)
    assert_close(scores, critic.score(critic.body(images))[:, 0])


def test_r1_reaches_every_weight_that_does_not_start_at_zero() -> None:
    critic = R3GANCritic(widths=(4, 6), group_channels=4, blocks=1, embedder=LabelEmbedder((3, 2), 7)).double()
    fill_(critic, 1)
    labels = torch.tensor([[0, 1], [2, 0]])
    zero_centered_penalty(lambda x: critic(x, labels), normal(0, 2, 3, 8, 8)).backward()
    for name, parameter in critic.named_parameters():
        if name.endswith("weight"):
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all()
            assert parameter.grad.abs().sum() > 0, name


def test_mistakes() -> None:
    for make in (R3GANGenerator, R3GANCritic):
        with pytest.raises(ValueError, match=r"group_channels=16 divides 2 \* width, got width 12 in \(16, 12\)"):
            make(widths=(16, 12))
        with pytest.raises(ValueError, match="widths must have at least one entry"):
            make(widths=())
        with pytest.raises(ValueError, match="blocks must be at least 1, got 0"):
            make(blocks=0)
        with pytest.raises(ValueError, match="widths must be at least 1, got 0"):
            make(widths=(0,))
    with pytest.raises(ValueError, match=r"latents must have shape \(n, 64\), got \(2, 5\)"):
        R3GANGenerator(widths=(8,))(torch.zeros(2, 5))
    with pytest.raises(ValueError, match=r"images must have shape \(n, 3, 4, 4\), got \(2, 3, 8, 8\)"):
        R3GANCritic(widths=(8,))(torch.zeros(2, 3, 8, 8))
    with pytest.raises(ValueError, match="labels must be left out"):
        R3GANCritic(widths=(8,))(torch.zeros(2, 3, 4, 4), torch.tensor([0, 1]))


def test_r3gan_s_settings_for_32_pixels_with_classes() -> None:
    """Four stages of 768, labels as 64 numbers into the generator, and 768 that the critic multiplies with."""
    widths = (768,) * 4
    with torch.device("meta"):
        generator = R3GANGenerator(widths=widths, embedder=nn.Linear(10, 64, bias=False))
        critic = R3GANCritic(widths=widths, embedder=nn.Linear(10, 768, bias=False))
    table = layer_table(generator, torch.empty(2, 64), torch.empty(2, 10))
    assert table.rows[-1].output == (2, 3, 32, 32)
    bottlenecks = 8 * (2 * 2 * 768 * 768 + 1536 * 16 * 9 + 2 * 1536)
    assert table.parameters == 10 * 64 + 128 * 768 + 768 * 16 + bottlenecks + 768 * 3
    table = layer_table(critic, torch.empty(2, 3, 32, 32), torch.empty(2, 10))
    assert table.parameters == 10 * 768 + 3 * 768 + bottlenecks + 768 * 16 + 768 * 768

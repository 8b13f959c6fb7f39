"""MakeGirlsMoe's pair: the functions, the published layers, the penalty, and mistakes."""

import numpy as np
import pytest
import torch
from blocks import oracles as layers
from blocks.cases import numpy_state
from hypothesis import given, strategies as st
from networks import oracles
from networks.cases import CLASSES, build, inputs_of, tensors_of
from networks.published import LEAKY, convolution, lines_of, parameters
from support.strategies import normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.constraints import gradient_norm
from gankit.embedders import MultiHotEmbedder
from gankit.networks import CriticOutput, MakeGirlsMoeCritic, MakeGirlsMoeGenerator, layer_table


def shuffle(x: layers.Array) -> layers.Array:
    """Channel 4 c + 2 i + j becomes pixel (i, j) of channel c."""
    result = np.zeros((x.shape[0], x.shape[1] // 4, 2 * x.shape[2], 2 * x.shape[3]))
    for i in range(2):
        for j in range(2):
            result[:, :, i::2, j::2] = x[:, 2 * i + j :: 4]
    return result


@given(seed=seeds, training=st.booleans())
def test_the_generator_in_numpy(seed: int, training: bool) -> None:
    generator = build("make_girls_moe_generator", seed).train(training)
    latents, labels = inputs_of("make_girls_moe_generator", seed)
    state = numpy_state(generator)
    norm = layers.batch_norm(state, training=training)
    one_hot = [np.eye(count)[labels[:, i].numpy()] for i, count in enumerate(CLASSES)]
    h = oracles.dense(state, "stem.0", np.concatenate([latents.numpy(), *one_hot], axis=1)).reshape(3, 2, 3, 3)
    first = h = layers.relu(norm(h, "stem.2"))
    for block in ("blocks.0", "blocks.1"):
        inner = layers.convolve(h, state[f"{block}.conv1.weight"], state[f"{block}.conv1.bias"], padding=1)
        inner = layers.relu(norm(inner, f"{block}.norm1"))
        inner = layers.convolve(inner, state[f"{block}.conv2.weight"], state[f"{block}.conv2.bias"], padding=1)
        h = h + norm(inner, f"{block}.norm2")
    h = first + layers.relu(norm(h, "blocks.2"))
    for place in (0, 4):
        h = layers.convolve(h, state[f"up.{place}.weight"], state[f"up.{place}.bias"], padding=1)
        h = layers.relu(norm(shuffle(h), f"up.{place + 2}"))
    wanted = np.tanh(layers.convolve(h, state["end.0.weight"], state["end.0.bias"], padding=4))
    assert_close(generator(latents, labels), torch.from_numpy(wanted), rtol=1e-9, atol=1e-9)


@given(seed=seeds, training=st.booleans())
def test_the_generator_with_activations_before_convolutions(seed: int, training: bool) -> None:
    generator = build("make_girls_moe_generator_pre_activation", seed).train(training)
    (latents,) = inputs_of("make_girls_moe_generator_pre_activation", seed)
    state = numpy_state(generator)
    norm = layers.batch_norm(state, training=training)
    first = h = layers.relu(norm(oracles.dense(state, "stem.0", latents.numpy()).reshape(3, 2, 3, 3), "stem.2"))
    for block in ("blocks.0", "blocks.1"):
        inner = h
        for number in (1, 2):
            inner = layers.relu(norm(inner, f"{block}.norm{number}"))
            weight, bias = state[f"{block}.conv{number}.weight"], state[f"{block}.conv{number}.bias"]
            inner = layers.convolve(inner, weight, bias, padding=1)
        h = h + inner
    h = first + layers.relu(norm(h, "blocks.2"))
    for place in (0, 4):
        h = layers.convolve(h, state[f"up.{place}.weight"], state[f"up.{place}.bias"], padding=1)
        h = layers.relu(norm(shuffle(h), f"up.{place + 2}"))
    wanted = np.tanh(layers.convolve(h, state["end.0.weight"], state["end.0.bias"], padding=4))
    assert_close(generator(latents), torch.from_numpy(wanted), rtol=1e-9, atol=1e-9)


@given(seed=seeds)
def test_the_critic_with_activations_before_convolutions(seed: int) -> None:
    critic = build("make_girls_moe_critic_pre_activation", seed)
    (images,) = inputs_of("make_girls_moe_critic_pre_activation", seed)
    state = numpy_state(critic)

    def convolve(x: layers.Array, name: str, stride: int) -> layers.Array:
        return layers.convolve(x, state[f"{name}.weight"], state[f"{name}.bias"], stride, 1)

    h = convolve(images.numpy(), "body.0", 2)
    for block in ("body.1", "body.2"):
        inner = convolve(layers.leaky_relu(h), f"{block}.conv1", 1)
        h = h + convolve(layers.leaky_relu(inner), f"{block}.conv2", 1)
    h = layers.leaky_relu(convolve(layers.leaky_relu(h), "body.4", 2))
    wanted = [oracles.scores(state, h, None), *oracles.classes(state, h, CLASSES)]
    for got, value in zip(tensors_of(critic(images)), wanted, strict=True):
        assert_close(got, torch.from_numpy(value), rtol=1e-9, atol=1e-9)


@given(seed=seeds)
def test_the_critic_in_numpy(seed: int) -> None:
    critic = build("make_girls_moe_critic", seed)
    (images,) = inputs_of("make_girls_moe_critic", seed)
    state = numpy_state(critic)

    def convolve(x: layers.Array, name: str, stride: int) -> layers.Array:
        return layers.convolve(x, state[f"{name}.weight"], state[f"{name}.bias"], stride, 1)

    h = layers.leaky_relu(convolve(images.numpy(), "body.0", 2))
    for block in ("body.2", "body.3"):
        h = layers.leaky_relu(h + convolve(layers.leaky_relu(convolve(h, f"{block}.conv1", 1)), f"{block}.conv2", 1))
    h = layers.leaky_relu(convolve(h, "body.4", 2))
    wanted = [oracles.scores(state, h, None), *oracles.classes(state, h, CLASSES)]
    for got, value in zip(tensors_of(critic(images)), wanted, strict=True):
        assert_close(got, torch.from_numpy(value), rtol=1e-9, atol=1e-9)


def test_the_published_layers_at_128() -> None:
    """Sixteen blocks of 64 channels, three sub-pixel doublings; ten blocks in five stages, 2 x 2 x 1024 at the end."""
    with torch.device("meta"):
        generator = MakeGirlsMoeGenerator(embedder=MultiHotEmbedder(34))
        critic = MakeGirlsMoeCritic(num_classes=34)
    table = layer_table(generator, torch.empty(2, 128), torch.empty(2, 34))
    maps = [row.output[1:] for row in table.rows if row.kind == "Conv2d"]
    assert maps == [(64, 16, 16)] * 32 + [(256, 16, 16), (256, 32, 32), (256, 64, 64), (3, 128, 128)]
    stem, norms = 162 * 64 * 256 + 64 * 256, (1 + 32 + 1 + 3) * 128
    assert table.parameters == stem + norms + 32 * (9 * 64 * 64 + 64) + 3 * (9 * 64 * 256 + 256) + 81 * 64 * 3 + 3
    table = layer_table(critic, torch.empty(2, 3, 128, 128))
    strided = [row.output[1:] for row in table.rows if row.kind == "Conv2d" and "conv" not in row.name]
    assert strided == [(32, 64, 64), (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (1024, 2, 2)]
    inside = [row.output[1] for row in table.rows if row.kind == "Conv2d" and "conv" in row.name]
    assert inside == [channels for channels in (32, 64, 128, 256, 512) for _ in range(4)]
    assert {row.name: row.output for row in table.rows if row.kind == "Linear"}["end.classes.logits"] == (2, 34)
    assert not any("Norm" in row.kind for row in table.rows)


@pytest.mark.parametrize(("resolution", "halvings", "side"), [(64, 5, 2), (64, 6, 1), (96, 5, 3), (128, 6, 2)])
def test_resolutions_of_the_critic(resolution: int, halvings: int, side: int) -> None:
    critic = MakeGirlsMoeCritic(resolution=resolution, halvings=halvings, width=1, num_classes=(12, 11))
    assert critic.end.score.in_features == 2 ** (halvings - 1) * side * side
    scores, (hair, eyes) = critic(torch.zeros(2, 3, resolution, resolution))
    assert (scores.shape, hair.shape, eyes.shape) == ((2,), (2, 12), (2, 11))


@pytest.mark.parametrize(("resolution", "base"), [(64, 8), (96, 12), (96, 6), (128, 16)])
def test_resolutions(resolution: int, base: int) -> None:
    with torch.device("meta"):
        generator = MakeGirlsMoeGenerator(resolution=resolution, base=base, width=1, blocks=1)
        assert generator(torch.empty(2, 128)).shape == (2, 3, resolution, resolution)


def test_a_penalty_reaches_every_convolution() -> None:
    critic = MakeGirlsMoeCritic(resolution=8, halvings=2, width=2, num_classes=2)
    images = normal(0, 2, 3, 8, 8, dtype=torch.float32)

    def scores(x: torch.Tensor) -> torch.Tensor:
        result = critic(x)
        assert isinstance(result, CriticOutput)
        return result.scores

    gradient_norm(scores, images).square().sum().backward()
    convolutions = [layer for layer in critic.modules() if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == 6
    assert all(layer.weight.grad is not None and layer.weight.grad.abs().sum() > 0 for layer in convolutions)


def test_how_the_weights_start() -> None:
    torch.manual_seed(2)
    generator = MakeGirlsMoeGenerator(resolution=16, base=4, width=32, blocks=1)
    for layer in generator.modules():
        if isinstance(layer, nn.Conv2d):
            assert 0.018 < layer.weight.std().item() < 0.022
        if isinstance(layer, nn.BatchNorm2d):
            assert 0.01 < layer.weight.std().item() < 0.03
    (linear,) = (layer for layer in generator.modules() if isinstance(layer, nn.Linear))
    assert 0.99 < linear.weight.abs().max().item() * 128**0.5 <= 1


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="resolution must be base"):
        MakeGirlsMoeGenerator(resolution=96)
    with pytest.raises(ValueError, match="blocks must be at least 1, got 0"):
        MakeGirlsMoeGenerator(blocks=0)
    with pytest.raises(ValueError, match="output must be a callable"):
        MakeGirlsMoeGenerator(output=nn.Tanh())
    with pytest.raises(ValueError, match=r"latents must have shape \(n, 128\), got \(2, 5\)"):
        MakeGirlsMoeGenerator(width=1, blocks=1)(torch.zeros(2, 5))
    with pytest.raises(ValueError, match=r"resolution must be divisible by .* got 96 .* it can be halved 5 times$"):
        MakeGirlsMoeCritic(resolution=96)
    with pytest.raises(ValueError, match=r"got 75 with halvings=6: it can be halved 0 times$"):
        MakeGirlsMoeCritic(resolution=75)
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        MakeGirlsMoeCritic(width=0)
    with pytest.raises(ValueError, match="images must have shape"):
        MakeGirlsMoeCritic(resolution=8, halvings=2, width=1)(torch.zeros(2, 3, 8, 6))


def test_make_girls_moe_s_critic() -> None:
    """Ten blocks in five stages, a 4x4 convolution of stride 2 before each and after the last."""
    with torch.device("meta"):
        critic = MakeGirlsMoeCritic(num_classes=34)
    strided = sum(16 * a * b + b for a, b in ((3, 32), (32, 64), (64, 128), (128, 256), (256, 512), (512, 1024)))
    blocks = sum(4 * (9 * width * width + width) for width in (32, 64, 128, 256, 512))
    assert parameters(critic) == strided + blocks + 35 * (1024 * 2 * 2 + 1) == 23_895_427
    lines = lines_of(critic, torch.empty(2, 3, 128, 128))
    assert lines[:6] == [
        *(convolution(3, 32, 4, 2, 64), LEAKY),
        *(convolution(32, 32, 3, 1, 64), LEAKY, convolution(32, 32, 3, 1, 64), LEAKY),
    ]
    assert lines[-2:] == [("Linear", 4096, 1, True), ("Linear", 4096, 34, True)]
    assert not any("Norm" in str(line[0]) for line in lines)

"""DCGAN's pair: the functions, and the reports' networks, layer for layer at their own sizes."""

from functools import partial

import numpy as np
import pytest
import torch
from blocks.cases import numpy_state
from hypothesis import given, strategies as st
from networks import oracles
from networks.cases import CRITICS, GENERATORS, build, inputs_of, tensors_of
from networks.published import LEAKY, RELU, convolution, doubling, lines_of, norm, parameters
from support.strategies import seeds
from torch import nn
from torch.testing import assert_close

from gankit.embedders import TextProjection
from gankit.networks import CriticOutput, DCGANCritic, DCGANGenerator


@pytest.mark.parametrize("name", [name for name in GENERATORS if name.startswith("dcgan")])
@given(seed=seeds, training=st.booleans())
def test_the_generator_in_numpy(name: str, seed: int, training: bool) -> None:
    network = build(name, seed).train(training)
    latents, *labels = inputs_of(name, seed)
    vectors = np.concatenate([latents.numpy(), *map(oracles.one_hot, labels)], axis=1)
    wanted = oracles.dcgan_generator(numpy_state(network), vectors, training)
    assert_close(network(latents, *labels), torch.from_numpy(wanted), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", [name for name in CRITICS if name.startswith("dcgan")])
@given(seed=seeds, training=st.booleans())
def test_the_critic_in_numpy(name: str, seed: int, training: bool) -> None:
    network = build(name, seed).train(training)
    images, *labels = inputs_of(name, seed)
    state = numpy_state(network)
    wanted = oracles.critic_output(name, state, oracles.dcgan_maps(state, images.numpy(), training), labels)
    result = network(images, *labels)
    assert isinstance(result, CriticOutput) == (len(wanted) > 1)
    for got, value in zip(tensors_of(result), wanted, strict=True):
        assert_close(got, torch.from_numpy(value), rtol=1e-9, atol=1e-9)


def test_report_a_s_generator_of_96_pixels_in_0_to_1() -> None:
    generator = DCGANGenerator(resolution=96, base=6, embedder=TextProjection(2400, 128), output=nn.Sigmoid)
    assert lines_of(generator, torch.empty(2, 100), torch.empty(2, 2400)) == [
        ("Linear", 2400, 128, True),
        LEAKY,
        ("Linear", 228, 512 * 6 * 6, False),
        *(norm(512), RELU, doubling(512, 256, 12, bias=False)),
        *(norm(256), RELU, doubling(256, 128, 24, bias=False)),
        *(norm(128), RELU, doubling(128, 64, 48, bias=False)),
        *(norm(64), RELU, doubling(64, 3, 96)),
        ("Sigmoid",),
    ]
    text, stem = 2400 * 128 + 128, 228 * 18432
    convolutions = 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 3
    assert parameters(generator) == text + stem + convolutions + 2 * (512 + 256 + 128 + 64) == 7_267_331


def test_the_condition_may_come_first() -> None:
    usual, first = (
        DCGANGenerator(resolution=8, width=2, latent_features=5, embedder=TextProjection(7, 3), condition_first=first)
        for first in (False, True)
    )
    state = usual.state_dict()
    noise, text = state["stem.weight"].split([5, 3], dim=1)
    first.load_state_dict({**state, "stem.weight": torch.cat([text, noise], dim=1)})
    latents, texts = torch.randn(2, 5), torch.randn(2, 7)
    assert_close(first(latents, texts), usual(latents, texts))
    first.load_state_dict(state)
    assert float((first(latents, texts) - usual(latents, texts)).detach().abs().max()) > 1e-3


def test_report_b_s_dcgan() -> None:
    leaky = partial(nn.LeakyReLU, 0.2)
    assert lines_of(DCGANGenerator(activation=leaky), torch.empty(2, 100)) == [
        ("Linear", 100, 512 * 4 * 4, False),
        *(norm(512), LEAKY, doubling(512, 256, 8, bias=False)),
        *(norm(256), LEAKY, doubling(256, 128, 16, bias=False)),
        *(norm(128), LEAKY, doubling(128, 64, 32, bias=False)),
        *(norm(64), LEAKY, doubling(64, 3, 64)),
        ("Tanh",),
    ]
    assert lines_of(DCGANCritic(), torch.empty(2, 3, 64, 64)) == [
        *(convolution(3, 64, 4, 2, 32), LEAKY),
        *(convolution(64, 128, 4, 2, 16, bias=False), norm(128), LEAKY),
        *(convolution(128, 256, 4, 2, 8, bias=False), norm(256), LEAKY),
        *(convolution(256, 512, 4, 2, 4, bias=False), norm(512), LEAKY),
        ("Linear", 8192, 1, True),
    ]

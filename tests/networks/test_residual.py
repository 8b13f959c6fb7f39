"""The residual pair: both functions in numpy, in training and evaluation mode, and scores differentiated twice."""

import pytest
import torch
from blocks import oracles as layers
from blocks.cases import numpy_state
from hypothesis import given, strategies as st
from networks import oracles
from networks.cases import CRITICS, GENERATORS, build, inputs_of, tensors_of
from support.strategies import seeds
from torch.testing import assert_close

from gankit.networks import CriticOutput


@pytest.mark.parametrize("name", [name for name in GENERATORS if name.startswith("residual")])
@given(seed=seeds, training=st.booleans())
def test_the_generator_in_numpy(name: str, seed: int, training: bool) -> None:
    network = build(name, seed).train(training)
    latents, *labels = inputs_of(name, seed)
    state = numpy_state(network)
    norm = layers.batch_norm(state, training=training)
    if labels:
        norm = layers.conditional_batch_norm(state, oracles.looked_up(state, labels[0]), training=training)
    wanted = oracles.residual_generator(state, latents.numpy(), norm)
    assert_close(network(latents, *labels), torch.from_numpy(wanted), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", [name for name in CRITICS if name.startswith("residual")])
@given(seed=seeds, training=st.booleans())
def test_the_critic_in_numpy(name: str, seed: int, training: bool) -> None:
    network = build(name, seed).train(training)
    images, *labels = inputs_of(name, seed)
    state = numpy_state(network)
    wanted = oracles.critic_output(name, state, oracles.residual_maps(state, images.numpy()), labels)
    result = network(images, *labels)
    assert isinstance(result, CriticOutput) == (len(wanted) > 1)
    for got, value in zip(tensors_of(result), wanted, strict=True):
        assert_close(got, torch.from_numpy(value), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["residual_critic_both", "residual_critic_embedder"])
def test_critics_scores_can_be_differentiated_twice(name: str) -> None:
    network, (images, labels) = build(name), inputs_of(name)
    images.requires_grad_()
    result = network(images, labels)
    scores = result.scores if isinstance(result, CriticOutput) else result
    (slope,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    slope.square().sum().backward()
    assert all(
        parameter.grad is not None and torch.isfinite(parameter.grad).all()
        for key, parameter in network.named_parameters()
        if key.startswith("body") and key.endswith("conv1.weight")
    )

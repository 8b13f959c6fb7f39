"""Every preset equals its stages in numpy, in train and eval mode."""

import numpy as np
import pytest
import torch
from blocks import oracles as layers
from blocks.cases import numpy_state
from hypothesis import given, strategies as st
from networks import oracles
from networks.cases import CLASSES, CRITICS, GENERATORS, build, inputs_of, tensors_of
from support.strategies import seeds
from torch.testing import assert_close

from gankit.networks import CriticOutput


def one_hot(labels: torch.Tensor) -> np.ndarray:
    return np.concatenate([np.eye(count)[labels[:, i].numpy()] for i, count in enumerate(CLASSES)], axis=1)


def looked_up(state: layers.State, labels: torch.Tensor) -> np.ndarray:
    pieces = [state[f"embedder.tables.{i}.weight"][labels[:, i].numpy()] for i in range(len(CLASSES))]
    return np.concatenate(pieces, axis=1)


@pytest.mark.parametrize("name", GENERATORS)
@given(seed=seeds, training=st.booleans())
def test_generators(name: str, seed: int, training: bool) -> None:
    network = build(name, seed).train(training)
    latents, *labels = inputs_of(name, seed)
    state = numpy_state(network)
    if name.startswith("dcgan"):
        vectors = np.concatenate([latents.numpy(), *map(one_hot, labels)], axis=1)
        wanted = oracles.dcgan_generator(state, vectors, training)
    else:
        norm = layers.batch_norm(state, training=training)
        if labels:
            norm = layers.conditional_batch_norm(state, looked_up(state, labels[0]), training=training)
        wanted = oracles.residual_generator(state, latents.numpy(), norm)
    assert_close(network(latents, *labels), torch.from_numpy(wanted), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", CRITICS)
@given(seed=seeds, training=st.booleans())
def test_critics(name: str, seed: int, training: bool) -> None:
    network = build(name, seed).train(training)
    images, *labels = inputs_of(name, seed)
    state = numpy_state(network)
    if name.startswith("dcgan"):
        maps = oracles.dcgan_maps(state, images.numpy(), training)
    else:
        maps = oracles.residual_maps(state, images.numpy())
    condition = None
    if labels:
        condition = one_hot(labels[0]) if name.endswith("embedder") else looked_up(state, labels[0])
    wanted = [oracles.scores(state, maps, condition)]
    if name.endswith(("classes", "both")):
        wanted += oracles.classes(state, maps, CLASSES)
    result = network(images, *labels)
    assert isinstance(result, CriticOutput) == (len(wanted) > 1)
    for got, value in zip(tensors_of(result), wanted, strict=True):
        assert_close(got, torch.from_numpy(value), rtol=1e-9, atol=1e-9)

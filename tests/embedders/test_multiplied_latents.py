"""Latents times the vectors of their labels."""

import copy
import pickle

import pytest
import torch
from embedders.cases import labeled
from hypothesis import given, strategies as st
from support.strategies import PRIMES, normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.embedders import LabelEmbedder, MultipliedLabelEmbedder, MultipliedLatents
from gankit.networks import DCGANGenerator

Case = tuple[list[int], torch.Tensor]
lengths = st.sampled_from(PRIMES)


@given(case=labeled(), features=lengths, seed=seeds)
def test_equals_its_definition(case: Case, features: int, seed: int) -> None:
    num_classes, labels = case
    multiply = MultipliedLatents(MultipliedLabelEmbedder(num_classes, features)).double()
    latents = normal(seed, len(labels), features)
    before, version = latents.clone(), latents._version
    tables = [table.detach() for table in multiply.parameters()]
    wanted = latents.clone()
    for attribute, table in enumerate(tables):
        wanted = wanted * table[labels[:, attribute]]
    assert_close(multiply(latents, labels), wanted, rtol=1e-12, atol=0)
    assert torch.equal(latents, before)
    assert latents._version == version


@given(case=labeled(), features=lengths, seed=seeds)
def test_vectors_of_ones_change_nothing(case: Case, features: int, seed: int) -> None:
    num_classes, labels = case
    embedder = MultipliedLabelEmbedder(num_classes, features)
    for table in embedder.parameters():
        nn.init.ones_(table)
    latents = normal(seed, len(labels), features, dtype=torch.float32)
    assert torch.equal(MultipliedLatents(embedder)(latents, labels), latents)


def test_opposite_vectors_meet_in_opposite_latents() -> None:
    """The weakness that the documentation warns of."""
    embedder = LabelEmbedder(2, 5)
    (table,) = embedder.parameters()
    with torch.no_grad():
        table[1] = -table[0]
    multiply, latents = MultipliedLatents(embedder), normal(3, 1, 5, dtype=torch.float32)
    assert torch.equal(multiply(latents, torch.tensor([0])), multiply(-latents, torch.tensor([1])))


def test_feeds_an_unconditional_generator_and_learns() -> None:
    multiply = MultipliedLatents(MultipliedLabelEmbedder((2, 3), 7))
    generator = DCGANGenerator(resolution=8, latent_features=7, width=2)
    latents = normal(0, 3, 7, dtype=torch.float32).requires_grad_()
    generator(multiply(latents, torch.tensor([[1, 2], [0, 0], [1, 0]]))).square().mean().backward()
    for table in multiply.parameters():
        assert table.grad is not None
        assert table.grad.abs().sum() > 0
    assert latents.grad is not None


def test_gradients_of_both_orders() -> None:
    multiply = MultipliedLatents(MultipliedLabelEmbedder((2, 3), 5)).double()
    labels = torch.tensor([[1, 2], [0, 1]])
    latents = normal(1, 2, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: multiply(x, labels), latents)
    assert torch.autograd.gradgradcheck(lambda x: multiply(x, labels), latents)


def test_keys_copies_and_repr() -> None:
    multiply = MultipliedLatents(LabelEmbedder(3, 5))
    assert multiply.out_features == 5
    assert list(multiply.state_dict()) == ["embedder.tables.0.weight"]
    latents, labels = torch.ones(1, 5), torch.tensor([2])
    for other in (copy.deepcopy(multiply), pickle.loads(pickle.dumps(multiply))):
        assert torch.equal(other(latents, labels), multiply(latents, labels))
        assert repr(other) == repr(multiply)


def test_mistakes_are_named() -> None:
    multiply = MultipliedLatents(LabelEmbedder(3, 5))
    labels = torch.tensor([2, 0])
    cases = {
        "embedder.out_features must be a whole number, got None": lambda: MultipliedLatents(nn.Identity()),  # type: ignore[arg-type]
        r"latents must have shape \(n, 5\), got \(2, 7\)": lambda: multiply(torch.ones(2, 7), labels),
        r"latents must have shape \(n, 5\), got \(5,\)": lambda: multiply(torch.ones(5), labels),
        "latents must be a tensor, got list": lambda: multiply([[1.0] * 5], labels),
        "latents must be a floating-point tensor": lambda: multiply(torch.ones(2, 5).long(), labels),
        "latents must not be empty": lambda: multiply(torch.ones(0, 5), labels),
        r"labels must give vectors of shape \(3, 5\), as latents are, got \(2, 5\)": (
            lambda: multiply(torch.ones(3, 5), labels)
        ),
        r"labels must give vectors of shape \(2, 5\), as latents are, got \(1, 5\)": (
            lambda: multiply(torch.ones(2, 5), labels[:1])
        ),
        "labels must lie in 0..2": lambda: multiply(torch.ones(2, 5), labels + 1),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


def test_one_number_is_the_shortest_vector() -> None:
    multiply = MultipliedLatents(MultipliedLabelEmbedder(3, 1))
    assert multiply.out_features == 1
    assert multiply(torch.ones(2, 1), torch.tensor([0, 2])).shape == (2, 1)

"""Learned vectors of class ids: joined, multiplied, and multiplied with the latents."""

import copy
import pickle

import numpy as np
import pytest
import torch
from embedders.cases import labeled
from hypothesis import given, strategies as st
from support.strategies import PRIMES, normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.embedders import (
    Embedder,
    LabelEmbedder,
    MultiHotEmbedder,
    MultipliedLabelEmbedder,
    MultipliedLatents,
    OneHotEmbedder,
)
from gankit.networks import DCGANGenerator


def width(embedder: Embedder, labels: torch.Tensor) -> tuple[int, int]:
    return embedder.out_features, embedder(labels).shape[1]


def test_every_embedder_and_a_plain_linear_layer_fit() -> None:
    ids = torch.tensor([[1, 2]])
    assert width(OneHotEmbedder((2, 3)), ids) == (5, 5)
    assert width(LabelEmbedder((2, 3), 4), ids) == (8, 8)
    assert width(MultiHotEmbedder(2), torch.tensor([[1, 0]])) == (2, 2)
    assert width(nn.Linear(7, 3), torch.zeros(1, 7)) == (3, 3)


Case = tuple[list[int], torch.Tensor]

lengths = st.sampled_from(PRIMES)


@given(case=labeled(), features=lengths)
def test_label_equals_its_definition(case: Case, features: int) -> None:
    num_classes, labels = case
    embedder = LabelEmbedder(num_classes, features)
    tables = [table.detach().numpy() for table in embedder.parameters()]
    wanted = np.array(
        [np.concatenate([table[i] for table, i in zip(tables, ids, strict=True)]) for ids in labels.tolist()]
    )
    result = embedder(labels)
    assert result.shape == (len(labels), embedder.out_features)
    assert np.array_equal(result.detach().numpy(), wanted)


@given(case=labeled(), features=lengths)
def test_only_the_rows_that_were_asked_for_learn(case: Case, features: int) -> None:
    num_classes, labels = case
    embedder = LabelEmbedder(num_classes, features)
    embedder(labels).sum().backward()
    for attribute, table in enumerate(embedder.parameters()):
        counts = torch.bincount(labels[:, attribute], minlength=num_classes[attribute])
        assert table.grad is not None
        assert_close(table.grad, counts[:, None].float().expand(-1, features))


@given(case=labeled(), features=lengths)
def test_samples_stay_apart(case: Case, features: int) -> None:
    num_classes, labels = case
    embedder = LabelEmbedder(num_classes, features)
    order = torch.arange(len(labels)).flip(0)
    assert torch.equal(embedder(labels[order]), embedder(labels)[order])
    assert torch.equal(embedder(labels[:1]), embedder(labels)[:1])


def test_one_attribute_takes_both_shapes() -> None:
    embedder = LabelEmbedder(5, 3)
    labels = torch.tensor([4, 0])
    assert torch.equal(embedder(labels), embedder(labels[:, None]))


def test_starts_as_torchs_embedding_does() -> None:
    (weight,) = LabelEmbedder(100, 100).parameters()
    assert abs(weight.mean().item()) < 0.05
    assert abs(weight.std().item() - 1) < 0.05


def test_double_precision_keys_and_copies() -> None:
    embedder = LabelEmbedder((2, 3), 5).double()
    labels = torch.tensor([[1, 2]])
    assert embedder(labels).dtype == torch.float64
    assert list(embedder.state_dict()) == ["tables.0.weight", "tables.1.weight"]
    for other in (copy.deepcopy(embedder), pickle.loads(pickle.dumps(embedder))):
        assert torch.equal(other(labels), embedder(labels))
    assert repr(embedder).startswith("LabelEmbedder(\n  num_classes=(2, 3), out_features=10\n")


def test_label_mistakes_are_named() -> None:
    embedder = LabelEmbedder((12, 11), 8)
    cases = {
        "features must be at least 1, got 0": lambda: LabelEmbedder(3, 0),
        "num_classes must name at least one attribute": lambda: LabelEmbedder((), 8),
        "num_classes must be at least 1, got -2": lambda: LabelEmbedder((3, -2), 8),
        "labels must lie in 0..11 for attribute 0, got 12 in sample 1": (
            lambda: embedder(torch.tensor([[11, 10], [12, 10]]))
        ),
        "labels must be an int64 tensor of class ids, got torch.int32": lambda: embedder(torch.zeros(2, 2).int()),
        r"labels must have shape \(n, 2\), got \(2, 1\)": lambda: embedder(torch.zeros(2, 1).long()),
        "labels must hold at least one sample": lambda: embedder(torch.zeros(0, 2).long()),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


@given(case=labeled(), features=lengths)
def test_multiplied_equals_its_definition(case: Case, features: int) -> None:
    num_classes, labels = case
    embedder = MultipliedLabelEmbedder(num_classes, features).double()
    tables = [table.detach().numpy() for table in embedder.parameters()]
    wanted = np.ones((len(labels), features))
    for sample, ids in enumerate(labels.tolist()):
        for table, class_id in zip(tables, ids, strict=True):
            wanted[sample] *= table[class_id]
    result = embedder(labels)
    assert result.shape == (len(labels), embedder.out_features)
    assert_close(result.detach().numpy(), wanted, rtol=1e-12, atol=0)


@given(case=labeled(), features=lengths)
def test_a_vector_of_ones_changes_nothing(case: Case, features: int) -> None:
    num_classes, labels = case
    embedder = MultipliedLabelEmbedder([*num_classes, 2], features)
    torch.nn.init.ones_(list(embedder.parameters())[-1])
    alone = MultipliedLabelEmbedder(num_classes, features)
    alone.load_state_dict({key: value for key, value in embedder.state_dict().items() if key in alone.state_dict()})
    both = torch.cat((labels, torch.ones(len(labels), 1, dtype=torch.int64)), dim=1)
    assert torch.equal(embedder(both), alone(labels))


@given(case=labeled(), features=lengths)
def test_samples_stay_apart_and_labels_stay(case: Case, features: int) -> None:
    num_classes, labels = case
    before, version = labels.clone(), labels._version
    embedder = MultipliedLabelEmbedder(num_classes, features)
    order = torch.arange(len(labels)).flip(0)
    assert torch.equal(embedder(labels[order]), embedder(labels)[order])
    assert torch.equal(embedder(labels[:1]), embedder(labels)[:1])
    assert torch.equal(labels, before)
    assert labels._version == version


def test_each_table_learns_by_the_others() -> None:
    embedder = MultipliedLabelEmbedder((2, 3), 5)
    hair, eyes = embedder.parameters()
    embedder(torch.tensor([[1, 2]])).sum().backward()
    assert hair.grad is not None
    assert eyes.grad is not None
    assert_close(hair.grad, torch.stack((torch.zeros(5), eyes[2].detach())))
    assert_close(eyes.grad, torch.stack((torch.zeros(5), torch.zeros(5), hair[1].detach())))


def test_one_attribute_is_a_label_embedder() -> None:
    embedder, plain = MultipliedLabelEmbedder(5, 3), LabelEmbedder(5, 3)
    plain.load_state_dict(embedder.state_dict())
    labels = torch.tensor([4, 0])
    assert torch.equal(embedder(labels), plain(labels))
    assert torch.equal(embedder(labels), embedder(labels[:, None]))


def test_products_start_with_variance_one() -> None:
    embedder = MultipliedLabelEmbedder((200, 200), 200)
    ids = torch.arange(200)
    products = embedder(torch.stack((ids, ids), dim=1))
    assert abs(products.mean().item()) < 0.05
    assert abs(products.var().item() - 1) < 0.1


def test_double_precision_keys_copies_and_gradients() -> None:
    embedder = MultipliedLabelEmbedder((2, 3), 5).double()
    labels = torch.tensor([[1, 2]])
    assert embedder(labels).dtype == torch.float64
    assert list(embedder.state_dict()) == ["tables.0.weight", "tables.1.weight"]
    for other in (copy.deepcopy(embedder), pickle.loads(pickle.dumps(embedder))):
        assert torch.equal(other(labels), embedder(labels))
    assert repr(embedder).startswith("MultipliedLabelEmbedder(\n  num_classes=(2, 3), out_features=5\n")
    tables = tuple(table.detach().requires_grad_() for table in embedder.parameters())

    def run(hair: torch.Tensor, eyes: torch.Tensor) -> torch.Tensor:
        state = {"tables.0.weight": hair, "tables.1.weight": eyes}
        return torch.func.functional_call(embedder, state, (labels,))

    assert torch.autograd.gradcheck(run, tables)
    assert torch.autograd.gradgradcheck(run, tables)


def test_multiplied_mistakes_are_named() -> None:
    embedder = MultipliedLabelEmbedder((12, 11), 8)
    cases = {
        "features must be at least 1, got 0": lambda: MultipliedLabelEmbedder(3, 0),
        "num_classes must name at least one attribute": lambda: MultipliedLabelEmbedder((), 8),
        "num_classes must be at least 1, got -2": lambda: MultipliedLabelEmbedder((3, -2), 8),
        "labels must lie in 0..10 for attribute 1, got 11 in sample 1": (
            lambda: embedder(torch.tensor([[11, 10], [1, 11]]))
        ),
        "labels must be an int64 tensor of class ids, got torch.int32": lambda: embedder(torch.zeros(2, 2).int()),
        r"labels must have shape \(n, 2\), got \(2, 1\)": lambda: embedder(torch.zeros(2, 1).long()),
        "labels must hold at least one sample": lambda: embedder(torch.zeros(0, 2).long()),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


def test_traces_into_one_graph() -> None:
    embedder = MultipliedLabelEmbedder((2, 3), 5)
    labels = torch.tensor([[1, 2], [0, 0]])
    compiled = torch.compile(embedder, backend="eager", fullgraph=True)
    assert torch.equal(compiled(labels), embedder(labels))


@given(case=labeled(), features=lengths, seed=seeds)
def test_latents_equals_its_definition(case: Case, features: int, seed: int) -> None:
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


def test_opposite_vectors_give_the_same_product_with_opposite_latents() -> None:
    """The weakness that the documentation warns of."""
    embedder = LabelEmbedder(2, 5)
    (table,) = embedder.parameters()
    with torch.no_grad():
        table[1] = -table[0]
    multiply, latents = MultipliedLatents(embedder), normal(3, 1, 5, dtype=torch.float32)
    assert torch.equal(multiply(latents, torch.tensor([0])), multiply(-latents, torch.tensor([1])))


def test_gives_latents_to_an_unconditional_generator_and_learns() -> None:
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


def test_latents_mistakes_are_named() -> None:
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

"""Learned vectors multiplied over the attributes."""

import copy
import pickle

import numpy as np
import pytest
import torch
from embedders.cases import labeled
from hypothesis import given, strategies as st
from support.strategies import PRIMES
from torch.testing import assert_close

from gankit.embedders import LabelEmbedder, MultipliedLabelEmbedder

Case = tuple[list[int], torch.Tensor]
lengths = st.sampled_from(PRIMES)


@given(case=labeled(), features=lengths)
def test_equals_its_definition(case: Case, features: int) -> None:
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


def test_mistakes_are_named() -> None:
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

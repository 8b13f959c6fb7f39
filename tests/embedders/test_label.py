"""Learned vectors: one table an attribute, joined in order."""

import copy
import pickle

import numpy as np
import pytest
import torch
from embedders.cases import labeled
from hypothesis import given, strategies as st
from support.strategies import PRIMES
from torch.testing import assert_close

from gankit.embedders import LabelEmbedder

Case = tuple[list[int], torch.Tensor]
lengths = st.sampled_from(PRIMES)


@given(case=labeled(), features=lengths)
def test_equals_its_definition(case: Case, features: int) -> None:
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


def test_mistakes_are_named() -> None:
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

"""Multi-hot vectors: the tags as floats, checked."""

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import PRIMES, batch_sizes, seeds

from gankit.embedders import MultiHotEmbedder

DTYPES = (torch.bool, torch.uint8, torch.int64, torch.float32, torch.float64)


@st.composite
def tags(draw: st.DrawFn) -> torch.Tensor:
    """A table of 0 and 1 in some dtype."""
    rng = torch.Generator().manual_seed(draw(seeds))
    table = torch.randint(2, (draw(batch_sizes), draw(st.sampled_from(PRIMES))), generator=rng)
    return table.to(draw(st.sampled_from(DTYPES)))


@given(labels=tags())
def test_passes_the_tags_on(labels: torch.Tensor) -> None:
    before, version = labels.clone(), labels._version
    embedder = MultiHotEmbedder(labels.shape[1])
    result = embedder(labels)
    assert embedder.out_features == labels.shape[1]
    assert result.dtype == torch.float32
    assert np.array_equal(result.numpy(), before.numpy().astype(np.float64))
    assert torch.equal(labels, before)
    assert labels._version == version


@given(labels=tags())
def test_rows_sum_to_the_number_of_tags(labels: torch.Tensor) -> None:
    wanted = [sum(bool(tag) for tag in row) for row in labels.tolist()]
    assert MultiHotEmbedder(labels.shape[1])(labels).sum(1).tolist() == wanted


def test_double_precision_copies_and_repr() -> None:
    embedder = MultiHotEmbedder(3).double()
    labels = torch.tensor([[True, False, True]])
    assert embedder(labels).dtype == torch.float64
    assert not embedder.state_dict()
    for other in (copy.deepcopy(embedder), pickle.loads(pickle.dumps(embedder))):
        assert torch.equal(other(labels), embedder(labels))
    assert repr(embedder) == "MultiHotEmbedder(num_classes=3)"


def test_mistakes_are_named() -> None:
    embedder = MultiHotEmbedder(3)
    cases = {
        "num_classes must be at least 1, got 0": lambda: MultiHotEmbedder(0),
        "labels must be 0 or 1, got 2 in sample 1, tag 0": lambda: embedder(torch.tensor([[0, 1, 1], [2, 0, 0]])),
        "labels must be 0 or 1, got 0.5 in sample 0, tag 2": lambda: embedder(torch.tensor([[0, 1, 0.5]])),
        "labels must be 0 or 1, got nan": lambda: embedder(torch.tensor([[0, 1, float("nan")]])),
        r"labels must have shape \(n, 3\), got \(2, 4\)": lambda: embedder(torch.zeros(2, 4)),
        r"labels must have shape \(n, 3\), got \(3,\)": lambda: embedder(torch.zeros(3)),
        r"labels must have shape \(n, 3\), got list": lambda: embedder([[0, 1, 1]]),
        "labels must hold at least one sample": lambda: embedder(torch.zeros(0, 3)),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()

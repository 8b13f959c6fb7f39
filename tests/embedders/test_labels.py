"""One-hot and multi-hot vectors: where their ones are, and which labels are refused."""

import copy
import pickle

import numpy as np
import pytest
import torch
from embedders.cases import labeled
from hypothesis import given, strategies as st
from support.strategies import PRIMES, batch_sizes, seeds

from gankit.embedders import MultiHotEmbedder, OneHotEmbedder


@given(case=labeled())
def test_equals_its_definition(case: tuple[list[int], torch.Tensor]) -> None:
    num_classes, labels = case
    wanted = np.zeros((len(labels), sum(num_classes)))
    for sample, ids in enumerate(labels.tolist()):
        start = 0
        for count, class_id in zip(num_classes, ids, strict=True):
            wanted[sample, start + class_id] = 1
            start += count
    result = OneHotEmbedder(num_classes)(labels)
    assert result.dtype == torch.float32
    assert np.array_equal(result.numpy(), wanted)


@given(case=labeled())
def test_rows_sum_to_the_attributes_and_give_the_ids_back(case: tuple[list[int], torch.Tensor]) -> None:
    num_classes, labels = case
    embedder = OneHotEmbedder(num_classes)
    result = embedder(labels)
    assert result.shape == (len(labels), embedder.out_features)
    assert (result.sum(1) == len(num_classes)).all()
    back = torch.stack([piece.argmax(1) for piece in result.split(num_classes, 1)], dim=1)
    assert torch.equal(back, labels)


@given(case=labeled())
def test_samples_stay_apart(case: tuple[list[int], torch.Tensor]) -> None:
    num_classes, labels = case
    embedder = OneHotEmbedder(num_classes)
    order = torch.arange(len(labels)).flip(0)
    assert torch.equal(embedder(labels[order]), embedder(labels)[order])
    assert torch.equal(embedder(labels[:1]), embedder(labels)[:1])


@given(case=labeled())
def test_never_changes_the_labels(case: tuple[list[int], torch.Tensor]) -> None:
    num_classes, labels = case
    before, version = labels.clone(), labels._version
    OneHotEmbedder(num_classes)(labels)
    assert torch.equal(labels, before)
    assert labels._version == version


def test_one_attribute_takes_both_shapes() -> None:
    embedder = OneHotEmbedder(5)
    labels = torch.tensor([4, 0, 2])
    assert torch.equal(embedder(labels), torch.eye(5)[labels])
    assert torch.equal(embedder(labels[:, None]), embedder(labels))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_dtype_follows_the_module(dtype: torch.dtype) -> None:
    assert OneHotEmbedder(5).to(dtype)(torch.tensor([1])).dtype == dtype


def test_the_device_is_the_labels() -> None:
    hot = OneHotEmbedder((3, 2)).to("meta")(torch.zeros(7, 2, dtype=torch.long, device="meta"))
    assert hot.device.type == "meta"
    assert hot.shape == (7, 5)


def test_has_no_state_and_can_be_copied() -> None:
    embedder = OneHotEmbedder((2, 3))
    assert not embedder.state_dict()
    labels = torch.tensor([[1, 2]])
    for other in (copy.deepcopy(embedder), pickle.loads(pickle.dumps(embedder))):
        assert torch.equal(other(labels), embedder(labels))
    assert repr(embedder) == "OneHotEmbedder(num_classes=(2, 3), out_features=5)"


def test_ids_may_be_on_another_device_than_the_default_one() -> None:
    embedder = OneHotEmbedder((3, 2))
    with torch.device("meta"):
        hot = embedder(torch.tensor([[2, 0]], device="cpu"))
    assert hot.tolist() == [[0.0, 0.0, 1.0, 1.0, 0.0]]


def test_one_hot_mistakes_are_named() -> None:
    embedder = OneHotEmbedder((12, 11))
    cases = {
        "num_classes must name at least one attribute": lambda: OneHotEmbedder(()),
        "num_classes must be at least 1, got 0": lambda: OneHotEmbedder(0),
        "num_classes must be a whole number, got True": lambda: OneHotEmbedder(True),
        "num_classes must be a whole number, got 2.5": lambda: OneHotEmbedder((2, 2.5)),  # type: ignore[arg-type]
        "labels must lie in 0..10 for attribute 1, got 11 in sample 1": (
            lambda: embedder(torch.tensor([[11, 10], [11, 11]]))
        ),
        "labels must lie in 0..11 for attribute 0, got -1 in sample 0": lambda: embedder(torch.tensor([[-1, 3]])),
        "labels must be an int64 tensor of class ids, got torch.float32": lambda: embedder(torch.zeros(2, 2)),
        "labels must be an int64 tensor of class ids, got torch.uint8": lambda: embedder(torch.zeros(2, 2).byte()),
        "labels must be an int64 tensor of class ids, got list": lambda: embedder([[1, 2]]),
        r"labels must have shape \(n, 2\), got \(2,\)": lambda: embedder(torch.zeros(2).long()),
        r"labels must have shape \(n, 2\), got \(2, 3\)": lambda: embedder(torch.zeros(2, 3).long()),
        r"labels must have shape \(n, 1\) or \(n,\), got \(1, 1, 1\)": (
            lambda: OneHotEmbedder(3)(torch.zeros(1, 1, 1).long())
        ),
        "labels must hold at least one sample": lambda: embedder(torch.zeros(0, 2).long()),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


def test_traces_into_one_graph() -> None:
    embedder = OneHotEmbedder((2, 3))
    labels = torch.tensor([[1, 2], [0, 0]])
    compiled = torch.compile(embedder, backend="eager", fullgraph=True)
    assert torch.equal(compiled(labels), embedder(labels))


@pytest.mark.cuda
def test_never_waits_for_the_device() -> None:
    embedder, labels = OneHotEmbedder((2, 3)).cuda(), torch.tensor([[1, 2], [0, 0]]).cuda()
    torch.cuda.set_sync_debug_mode("error")
    try:
        result = embedder(labels)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert result.sum().item() == 4


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


def test_multi_hot_mistakes_are_named() -> None:
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

"""The data-to-data head: embeddings and proxies on the sphere, and what the loss makes of them."""

import numpy as np
import pytest
import torch
from blocks.cases import fill_, numpy_state
from blocks.promises import check_copies, check_derivatives, check_inputs_stay
from hypothesis import given, strategies as st
from support.strategies import PRIMES, batch_sizes, normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import DataToDataHead
from gankit.constraints import gradient_penalty
from gankit.losses import data_to_data_loss

primes = st.sampled_from(PRIMES)


def filled(in_features: int, num_classes: int, embedding_features: int, seed: int = 4) -> DataToDataHead:
    head = DataToDataHead(in_features, num_classes, embedding_features).double()
    fill_(head, seed)
    return head


@given(seed=seeds, samples=batch_sizes, in_features=primes, num_classes=st.integers(1, 5), embedding_features=primes)
def test_equals_its_definition(
    seed: int, samples: int, in_features: int, num_classes: int, embedding_features: int
) -> None:
    head, features = filled(in_features, num_classes, embedding_features, seed), normal(seed + 9, samples, in_features)
    state = numpy_state(head)
    raw = [state["embed.weight"] @ x + state["embed.bias"] for x in features.numpy()]
    embeddings, proxies = head(features)
    wanted = np.stack([vector / np.sqrt(np.sum(vector**2)) for vector in raw])
    assert_close(embeddings, torch.from_numpy(wanted), rtol=1e-10, atol=1e-12)
    wanted = np.stack([vector / np.sqrt(np.sum(vector**2)) for vector in state["proxies"]])
    assert_close(proxies, torch.from_numpy(wanted), rtol=1e-12, atol=1e-13)


@given(seed=seeds)
def test_lengths_do_not_count(seed: int) -> None:
    head, features = filled(3, 5, 7, seed), normal(seed, 4, 3)
    head.embed.bias.data.zero_()
    before = head(features)
    head.proxies.data.mul_(3)
    assert_close(head(1e3 * features), before, rtol=1e-11, atol=1e-12)


@given(seed=seeds)
def test_the_loss_takes_it_as_it_is(seed: int) -> None:
    head, features, labels = filled(3, 5, 7, seed), normal(seed, 4, 3), torch.tensor([0, 4, 2, 0])
    wanted = data_to_data_loss(head.embed(features), head.proxies, labels)
    embeddings, proxies = head(features)
    assert_close(data_to_data_loss(embeddings, proxies, labels), wanted, rtol=1e-10, atol=1e-12)


def test_learns_classes() -> None:
    torch.manual_seed(1)
    head, labels = DataToDataHead(8, 3, 16), torch.arange(12) % 3
    features = torch.randn(3, 8)[labels] + 0.1 * torch.randn(12, 8)
    optimizer = torch.optim.Adam(head.parameters(), 0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        embeddings, proxies = head(features)
        loss = data_to_data_loss(embeddings, proxies, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    embeddings, proxies = head(features)
    assert losses[-1] < losses[0]
    assert torch.equal((embeddings @ proxies.T).argmax(dim=1), labels)


@pytest.mark.parametrize("result", [0, 1])
def test_first_and_second_derivatives(result: int) -> None:
    check_derivatives(filled(3, 2, 5), normal(1, 4, 3), call=lambda head, features: head(features)[result])


def test_a_penalty_runs_through_the_embeddings() -> None:
    head = filled(3, 2, 5)
    real, fake = normal(3, 4, 3), normal(4, 4, 3)
    gradient_penalty(lambda x: head(x)[0].pow(3).sum(dim=1), real, fake).backward()
    assert head.embed.weight.grad is not None
    assert head.embed.weight.grad.abs().min() > 0


def test_a_row_of_zeros_stays_and_gets_a_finite_slope() -> None:
    head = filled(3, 2, 5)
    head.embed.bias.data.zero_()
    features = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    embeddings, _ = head(features)
    assert torch.equal(embeddings, torch.zeros(2, 5, dtype=torch.float64))
    (slope,) = torch.autograd.grad(embeddings.sum(), features)
    assert slope.isfinite().all()
    assert slope.abs().max() < 10


def test_is_wide_under_autocast_and_in_half_precision() -> None:
    head, features = filled(3, 2, 5).float(), torch.randn(4, 3)
    with torch.autocast("cpu", torch.bfloat16):
        assert [part.dtype for part in head(features)] == [torch.float32] * 2
    assert [part.dtype for part in head.bfloat16()(features.bfloat16())] == [torch.float32] * 2


def test_keeps_its_inputs_copies_and_keys() -> None:
    head, features = filled(3, 2, 5), normal(1, 4, 3)
    check_inputs_stay(head, features)
    check_copies(head, features, keys=["proxies", "embed.weight", "embed.bias"])
    assert "num_classes=2" in repr(head)
    assert isinstance(DataToDataHead(3, 2).embed, nn.Linear)
    assert DataToDataHead(3, 2).proxies.shape == (2, 512)


def test_mistakes_are_named() -> None:
    head = DataToDataHead(3, 2)
    cases = {
        "in_features must be at least 1, got 0": lambda: DataToDataHead(0, 2),
        "num_classes must be at least 1, got 0": lambda: DataToDataHead(3, 0),
        "embedding_features must be at least 1, got 0": lambda: DataToDataHead(3, 2, 0),
        r"num_classes must be a whole number, got \(12, 11\)": lambda: DataToDataHead(3, (12, 11)),  # type: ignore[arg-type]
        r"features must have shape \(n, 3\), got \(4, 5\)": lambda: head(torch.zeros(4, 5)),
        "features must not be empty": lambda: head(torch.zeros(0, 3)),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()

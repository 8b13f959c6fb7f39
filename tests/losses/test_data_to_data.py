"""The data-to-data cross-entropy: oracle, rows without labels, the sphere, margins, mistakes."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, seeds

from gankit.losses import data_to_data_loss

CLASSES = 3
margins = st.floats(-1, 1)
temperatures = st.sampled_from((0.05, 0.5, 2.0))


def _case(seed: int, n: int, features: int = 5) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    labels = torch.randint(-1, CLASSES, (n,), generator=torch.Generator().manual_seed(seed))
    return normal(seed, n, features), normal(seed + 1, CLASSES, features), labels


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / math.sqrt(one @ one) / math.sqrt(other @ other))


def _oracle(
    embeddings: torch.Tensor,
    proxies: torch.Tensor,
    labels: torch.Tensor,
    *,
    temperature: float,
    near: float,
    far: float,
) -> float:
    """Sample by sample, as the equation is printed: minus the logarithm of one exponential over a sum of them."""
    rows, goals, ids = embeddings.numpy(), proxies.numpy(), labels.tolist()
    total = 0.0
    for i, own in enumerate(ids):
        if own < 0:
            continue
        pull = math.exp(min(_cosine(rows[i], goals[own]) - near, 0.0) / temperature)
        pushes = [
            math.exp(max(_cosine(rows[i], rows[j]) - far, 0.0) / temperature)
            for j, other in enumerate(ids)
            if other >= 0 and other != own
        ]
        total -= math.log(pull / (pull + sum(pushes)))
    return total / len(ids)


@given(seed=seeds, n=st.integers(1, 11), temperature=temperatures, near=margins, far=margins)
def test_it_equals_the_oracle(seed: int, n: int, temperature: float, near: float, far: float) -> None:
    case = _case(seed, n)
    loss = data_to_data_loss(*case, temperature=temperature, positive_margin=near, negative_margin=far)
    assert loss.item() == pytest.approx(_oracle(*case, temperature=temperature, near=near, far=far), rel=1e-9, abs=1e-9)
    assert loss.shape == ()


@given(seed=seeds)
def test_margins_and_temperature_default_to_the_papers(seed: int) -> None:
    case = _case(seed, 7)
    assert data_to_data_loss(*case).item() == pytest.approx(
        _oracle(*case, temperature=0.5, near=0.98, far=0.02), rel=1e-9, abs=1e-9
    )
    shifted = data_to_data_loss(*case, positive_margin=0.75)
    assert shifted.item() == pytest.approx(_oracle(*case, temperature=0.5, near=0.75, far=0.25), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("near", "far"), [(1.0, -1.0), (-1.0, 1.0)])
def test_margins_may_be_as_far_out_as_similarities(near: float, far: float) -> None:
    case = _case(0, 7)
    loss = data_to_data_loss(*case, positive_margin=near, negative_margin=far)
    assert loss.item() == pytest.approx(_oracle(*case, temperature=0.5, near=near, far=far), rel=1e-9, abs=1e-9)


@given(seed=seeds, n=st.integers(1, 7))
def test_lengths_do_not_matter(seed: int, n: int) -> None:
    embeddings, proxies, labels = _case(seed, n)
    lengths, other_lengths = normal(seed + 2, n, 1).exp(), normal(seed + 3, CLASSES, 1).exp()
    torch.testing.assert_close(
        data_to_data_loss(embeddings * lengths, proxies * other_lengths, labels),
        data_to_data_loss(embeddings, proxies, labels),
        rtol=1e-9,
        atol=1e-9,
    )


@given(seed=seeds)
def test_renaming_the_classes_changes_nothing(seed: int) -> None:
    embeddings, proxies, labels = _case(seed, 7)
    names = torch.randperm(CLASSES, generator=torch.Generator().manual_seed(seed))
    shuffled = torch.empty_like(proxies)
    shuffled[names] = proxies
    renamed = torch.where(labels < 0, labels, names[labels])
    torch.testing.assert_close(
        data_to_data_loss(embeddings, shuffled, renamed),
        data_to_data_loss(embeddings, proxies, labels),
        rtol=1e-9,
        atol=1e-9,
    )


@given(seed=seeds, n=st.integers(2, 9))
def test_a_row_without_a_label_is_nobodys_other_and_counts(seed: int, n: int) -> None:
    embeddings, proxies, labels = _case(seed, n)
    embeddings.requires_grad_()
    loss = data_to_data_loss(embeddings, proxies, labels)
    known = labels >= 0
    (gradient,) = torch.autograd.grad(loss, embeddings)
    assert torch.equal(gradient[~known], torch.zeros_like(gradient[~known]))
    if known.any():
        labeled = data_to_data_loss(embeddings[known], proxies, labels[known])
        torch.testing.assert_close(loss, labeled * known.sum() / n, rtol=1e-9, atol=1e-9)
    else:
        assert loss.item() == 0.0


def test_without_any_label_it_is_zero_with_zero_gradient() -> None:
    embeddings, proxies = normal(0, 5, 3).requires_grad_(), normal(1, 2, 3).requires_grad_()
    loss = data_to_data_loss(embeddings, proxies, torch.full((5,), -1))
    assert loss.item() == 0.0
    gradients = torch.autograd.grad(loss, [embeddings, proxies])
    assert all(torch.equal(gradient, torch.zeros_like(gradient)) for gradient in gradients)


def test_samples_that_are_easy_give_no_gradient() -> None:
    embeddings = torch.eye(3, dtype=torch.float64).requires_grad_()
    proxies = torch.eye(3, dtype=torch.float64).requires_grad_()
    loss = data_to_data_loss(embeddings, proxies, torch.tensor([0, 1, 2]), negative_margin=0.1)
    assert loss.item() == pytest.approx(math.log(3))
    for gradient in torch.autograd.grad(loss, [embeddings, proxies]):
        assert gradient.abs().max() < 1e-12


def test_a_batch_of_one_class_has_no_others_and_costs_nothing() -> None:
    loss = data_to_data_loss(normal(0, 5, 3), normal(1, 2, 3), torch.ones(5, dtype=torch.int64))
    assert loss.item() == pytest.approx(0.0, abs=1e-12)


def test_it_pulls_to_the_own_proxy_and_pushes_off_the_other_classes() -> None:
    embeddings = torch.tensor([[1.0, 0.5], [1.0, -0.5], [-1.0, 0.2]], dtype=torch.float64).requires_grad_()
    proxies, labels = torch.tensor([[0.0, 1.0], [0.0, -1.0]], dtype=torch.float64), torch.tensor([0, 1, -1])
    (gradient,) = torch.autograd.grad(data_to_data_loss(embeddings, proxies, labels), embeddings)
    assert gradient[0, 1] < 0 < gradient[1, 1]  # a step down the gradient moves each toward its proxy
    assert torch.equal(gradient[2], torch.zeros(2, dtype=torch.float64))


def test_a_vector_of_zeros_is_similar_to_nothing_and_has_a_gradient_of_ordinary_size() -> None:
    embeddings, proxies, labels = _case(0, 3)
    labels = torch.tensor([0, 1, 2])
    embeddings[1] = 0
    embeddings.requires_grad_()
    loss = data_to_data_loss(embeddings, proxies, labels)
    (gradient,) = torch.autograd.grad(loss, embeddings)
    assert loss.isfinite()
    assert gradient.abs().max() < 10


def test_extreme_lengths_and_temperatures_are_finite() -> None:
    embeddings, proxies, labels = _case(1, 7)
    expected = data_to_data_loss(embeddings, proxies, labels, temperature=1e-3)
    for scale in (1e-30, 1e15, 1e30):
        points = (embeddings * scale).float().requires_grad_()
        loss = data_to_data_loss(points, proxies.float(), labels, temperature=1e-3)
        (gradient,) = torch.autograd.grad(loss, points)
        torch.testing.assert_close(loss, expected.float(), rtol=1e-4, atol=0)
        assert gradient.isfinite().all()


@given(seed=seeds, row=st.integers(0, 4), column=st.integers(0, 2), value=st.sampled_from((torch.nan, torch.inf)))
def test_what_is_not_finite_never_becomes_finite(seed: int, row: int, column: int, value: float) -> None:
    embeddings, proxies, labels = _case(seed, 5)
    embeddings[row, column] = value
    assert data_to_data_loss(embeddings, proxies, labels).isnan()


def test_half_precision_and_autocast_give_a_loss_in_float32() -> None:
    embeddings, proxies, labels = _case(3, 7)
    plain = data_to_data_loss(embeddings.float(), proxies.float(), labels)
    assert plain.dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert data_to_data_loss(embeddings.float(), proxies.float(), labels) == plain
    narrow = embeddings.bfloat16(), proxies.bfloat16()
    loss = data_to_data_loss(*narrow, labels)
    assert loss.dtype == torch.float32
    assert loss == data_to_data_loss(narrow[0].float(), narrow[1].float(), labels)


def test_gradients_are_those_of_finite_differences() -> None:
    embeddings, proxies, _ = _case(0, 5)
    labels = torch.tensor([0, 1, 2, -1, 0])
    assert torch.autograd.gradcheck(
        lambda embeddings, proxies: data_to_data_loss(embeddings, proxies, labels, temperature=0.7),
        (embeddings.requires_grad_(), proxies.requires_grad_()),
    )


ROWS, GOALS, IDS = torch.ones(2, 5), torch.ones(3, 5), torch.tensor([0, 2])


@pytest.mark.parametrize(
    ("embeddings", "proxies", "labels", "options", "match"),
    [
        (
            ROWS,
            GOALS,
            torch.tensor([0, 3]),
            {},
            r"labels of head 0 must lie in 0\.\.2 \(3 classes\).* got 3 in sample 1",
        ),
        (ROWS, GOALS, torch.tensor([-2, 0]), {}, "labels of head 0 .* got -2 in sample 0"),
        (ROWS, GOALS, IDS.float(), {}, "labels must be an int64 tensor"),
        (ROWS, GOALS, IDS.unsqueeze(1), {}, r"labels must be a tensor of shape \(2,\), got torch\.Size\(\[2, 1\]\)"),
        (ROWS, GOALS, [0, 2], {}, r"labels must be a tensor of shape \(2,\), got \[0, 2\]"),
        (ROWS, GOALS, IDS[:1], {}, r"labels must have shape .* got \(1,\)"),
        (ROWS[:0], GOALS, IDS[:0], {}, "embeddings must not be empty"),
        (ROWS, GOALS[:0], IDS, {}, "proxies must not be empty"),
        (torch.ones(2), GOALS, IDS, {}, r"embeddings must have shape \(n, features\), got \(2,\)"),
        (ROWS, torch.ones(5), IDS, {}, r"proxies must have shape \(n, features\), got \(5,\)"),
        (ROWS, torch.ones(3, 7), IDS, {}, r"equally many features, got \(2, 5\) and \(3, 7\)"),
        (ROWS.long(), GOALS, IDS, {}, "embeddings must be a floating-point tensor"),
        (ROWS, GOALS.long(), IDS, {}, "proxies must be a floating-point tensor"),
        (ROWS, GOALS, IDS, {"temperature": 0.0}, r"temperature must be above 0, got 0\.0"),
        (ROWS, GOALS, IDS, {"positive_margin": 1.5}, r"positive_margin must lie in -1\.\.1, .* got 1\.5"),
        (ROWS, GOALS, IDS, {"negative_margin": -1.5}, r"negative_margin must lie in -1\.\.1, .* got -1\.5"),
        (ROWS, GOALS, IDS, {"positive_margin": -0.5}, r"negative_margin must lie in -1\.\.1, .* got 1\.5"),
        (ROWS, GOALS, IDS, {"positive_margin": math.nan}, "positive_margin must be a finite number, got nan"),
        (ROWS, GOALS, IDS, {"negative_margin": math.nan}, "negative_margin must be a finite number, got nan"),
    ],
)
def test_mistakes_are_named(embeddings: Any, proxies: Any, labels: Any, options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        data_to_data_loss(embeddings, proxies, labels, **options)


@pytest.mark.cuda
def test_on_cuda_nothing_is_read_back() -> None:
    case = [tensor.cuda() for tensor in _case(0, 7)]
    torch.cuda.set_sync_debug_mode("error")
    try:
        loss = data_to_data_loss(case[0], case[1], case[2])
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(loss.cpu(), data_to_data_loss(*_case(0, 7)))

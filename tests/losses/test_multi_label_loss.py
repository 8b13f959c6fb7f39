"""The loss of independent labels: oracle, unknown entries, weights, mistakes."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.oracles import log_sigmoid
from support.strategies import normal, seeds

from gankit.losses import multi_label_loss

sizes = st.tuples(st.integers(1, 11), st.sampled_from((1, 2, 3, 5)))
scales = st.sampled_from((1e-3, 1.0, 30.0))


def _targets(seed: int, n: int, labels: int) -> torch.Tensor:
    """Sure, unsure and unknown entries."""
    rng = torch.Generator().manual_seed(seed)
    soft = torch.rand(n, labels, generator=rng, dtype=torch.float64)
    kind = torch.randint(4, (n, labels), generator=rng)
    return torch.where(kind == 0, -1.0, torch.where(kind == 1, 0.0, torch.where(kind == 2, 1.0, soft)))


def _oracle(logits: torch.Tensor, targets: torch.Tensor) -> float:
    s, t = logits.detach().numpy(), targets.numpy()
    prices = -t * log_sigmoid(s) - (1 - t) * log_sigmoid(-s)
    return float(np.sum(prices[t >= 0]) / len(s))


@given(seed=seeds, size=sizes, scale=scales)
def test_it_equals_the_oracle(seed: int, size: tuple[int, int], scale: float) -> None:
    logits, targets = normal(seed, *size, scale=scale), _targets(seed, *size)
    loss = multi_label_loss(logits, targets)
    assert loss.item() == pytest.approx(_oracle(logits, targets), rel=1e-9, abs=1e-12)
    assert loss.shape == ()


@given(seed=seeds, n=st.integers(1, 11), factors=st.lists(st.floats(0, 5), min_size=2, max_size=2))
def test_several_heads_are_summed_with_their_weights(seed: int, n: int, factors: list[float]) -> None:
    heads, targets = [normal(seed, n, 3), normal(seed + 1, n, 5)], [_targets(seed, n, 3), _targets(seed + 1, n, 5)]
    alone = [multi_label_loss(*pair) for pair in zip(heads, targets, strict=True)]
    torch.testing.assert_close(
        multi_label_loss(heads, targets, weights=factors), factors[0] * alone[0] + factors[1] * alone[1]
    )
    assert multi_label_loss(heads, targets) == alone[0] + alone[1]
    assert multi_label_loss(heads, targets, weights=(1.0, 0.0)) == alone[0]
    torch.testing.assert_close(
        multi_label_loss(torch.cat(heads, dim=1), torch.cat(targets, dim=1)), alone[0] + alone[1]
    )


@given(seed=seeds, size=sizes)
def test_an_unknown_entry_costs_nothing_gets_nothing_and_its_sample_counts(seed: int, size: tuple[int, int]) -> None:
    logits, targets = normal(seed, *size).requires_grad_(), _targets(seed, *size)
    (gradient,) = torch.autograd.grad(multi_label_loss(logits, targets), logits)
    expected = torch.where(targets < 0, 0.0, (logits.detach().sigmoid() - targets) / size[0])
    torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-12)
    assert torch.equal(gradient[targets < 0], torch.zeros_like(gradient[targets < 0]))


@given(seed=seeds, size=sizes)
def test_where_nothing_is_known_it_is_zero(seed: int, size: tuple[int, int]) -> None:
    logits = normal(seed, *size).requires_grad_()
    loss = multi_label_loss(logits, torch.full(size, -1))
    assert loss.item() == 0.0
    (gradient,) = torch.autograd.grad(loss, logits)
    assert torch.equal(gradient, torch.zeros_like(logits))


@given(seed=seeds, cut=st.integers(1, 10))
def test_a_batch_costs_the_weighted_mean_of_its_parts(seed: int, cut: int) -> None:
    logits, targets = normal(seed, 11, 3), _targets(seed, 11, 3)
    parts = cut * multi_label_loss(logits[:cut], targets[:cut]) + (11 - cut) * multi_label_loss(
        logits[cut:], targets[cut:]
    )
    torch.testing.assert_close(multi_label_loss(logits, targets), parts / 11)


@given(seed=seeds, target=st.floats(0.01, 0.99))
def test_it_is_least_where_the_logit_says_the_target(seed: int, target: float) -> None:
    targets = torch.full((5, 3), target, dtype=torch.float64)
    best = torch.logit(targets).requires_grad_()
    loss = multi_label_loss(best, targets)
    entropy = -(target * np.log(target) + (1 - target) * np.log(1 - target))
    assert loss.item() == pytest.approx(3 * entropy, rel=1e-9)
    (gradient,) = torch.autograd.grad(loss, best)
    torch.testing.assert_close(gradient, torch.zeros_like(best), rtol=0, atol=1e-12)
    assert multi_label_loss(best.detach() + normal(seed, 5, 3), targets) > loss


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool, torch.float32])
def test_targets_of_any_kind_of_number_agree(dtype: torch.dtype) -> None:
    logits, targets = normal(0, 5, 3), torch.tensor([[0, 1, 1]]).expand(5, 3)
    assert multi_label_loss(logits, targets.to(dtype)) == multi_label_loss(logits, targets.double())


@given(
    seed=seeds,
    row=st.integers(0, 4),
    column=st.integers(0, 2),
    value=st.sampled_from((torch.nan, torch.inf, -torch.inf)),
)
def test_what_is_not_finite_never_becomes_finite(seed: int, row: int, column: int, value: float) -> None:
    logits, targets = normal(seed, 5, 3), _targets(seed, 5, 3)
    logits[row, column] = value
    assert not multi_label_loss(logits, targets).isfinite()


def test_a_target_that_is_nan_makes_the_loss_nan() -> None:
    targets = torch.tensor([[0.0, torch.nan]])
    assert multi_label_loss(torch.zeros(1, 2), targets).isnan()


def test_extreme_logits_have_finite_prices() -> None:
    logits = torch.tensor([[1e4, -1e4]], requires_grad=True)
    loss = multi_label_loss(logits, torch.tensor([[0.0, 1.0]]))
    assert loss.item() == 2e4
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.tolist() == [[1.0, -1.0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_priced_in_float32(dtype: torch.dtype) -> None:
    logits, targets = normal(0, 7, 5).to(dtype), torch.ones(7, 5)
    loss = multi_label_loss(logits, targets)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, multi_label_loss(logits.float(), targets), rtol=0, atol=0)


def test_gradients_are_those_of_finite_differences() -> None:
    targets = torch.tensor([[0.0, 1.0, -1.0], [0.3, -1.0, 1.0]])
    logits = normal(0, 2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda logits: multi_label_loss(logits, targets), logits)
    assert torch.autograd.gradgradcheck(lambda logits: multi_label_loss(logits, targets), logits)


def test_inputs_stay_as_they_are() -> None:
    logits, targets = normal(0, 5, 3), _targets(0, 5, 3)
    before = logits.clone(), targets.clone()
    multi_label_loss(logits, targets)
    assert torch.equal(logits, before[0])
    assert torch.equal(targets, before[1])
    assert logits._version == targets._version == 0


ZEROS = torch.zeros(2, 3)


@pytest.mark.parametrize(
    ("logits", "targets", "options", "match"),
    [
        (
            ZEROS,
            ZEROS + 1.2,
            {},
            r"targets of head 0 must lie in 0\.\.1, or be -1 where unknown, got 1\.2 for label 0 of sample 0",
        ),
        (ZEROS, torch.tensor([[0, 1, 0], [0, 0, 2]]), {}, "targets of head 0 .* got 2 for label 2 of sample 1"),
        (ZEROS, ZEROS - 0.5, {}, r"targets of head 0 .* got -0\.5 for"),
        ([ZEROS, ZEROS], [ZEROS, ZEROS + 3], {}, "targets of head 1 .* got 3 for"),
        (
            ZEROS,
            torch.zeros(2),
            {},
            r"targets of head 0 and its logits must have the same shape, got \(2,\) and \(2, 3\)",
        ),
        (ZEROS, ZEROS.T, {}, r"targets of head 0 and its logits must have the same shape, got \(3, 2\) and \(2, 3\)"),
        (ZEROS, [ZEROS, ZEROS], {}, "targets and logits must hold equally many heads, got 2 and 1"),
        (ZEROS, None, {}, "targets must be a tensor or a sequence of tensors, one a head, got None"),
        ([ZEROS], [1], {}, "targets of head 0 must be a tensor of numbers, got 1"),
        (ZEROS, ZEROS.to(torch.complex64), {}, "targets of head 0 must be a tensor of numbers"),
        (ZEROS[:0], ZEROS[:0], {}, "logits must not be empty"),
        (ZEROS.bool(), ZEROS, {}, "logits must be a floating-point tensor, got dtype torch.bool"),
        (torch.zeros(2), torch.zeros(2), {}, r"logits must have shape \(n, classes\), got \(2,\)"),
        (ZEROS, ZEROS, {"weights": (True,)}, r"weights\[0\] must be a finite number, got True"),
    ],
)
def test_mistakes_are_named(logits: Any, targets: Any, options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        multi_label_loss(logits, targets, **options)


@pytest.mark.cuda
def test_on_cuda_nothing_is_read_back() -> None:
    logits, targets = normal(0, 5, 3).cuda(), _targets(0, 5, 3).cuda()
    torch.cuda.set_sync_debug_mode("error")
    try:
        loss = multi_label_loss(logits, targets)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(loss.cpu(), multi_label_loss(logits.cpu(), targets.cpu()))

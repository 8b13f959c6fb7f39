"""Losses of class heads: oracles, missing labels, weights, slopes, mistakes."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.oracles import log_sigmoid
from support.strategies import normal, seeds

from gankit.losses import class_loss, multi_label_loss

CLASSES = (3, 5)
weights = st.lists(st.floats(0, 5), min_size=2, max_size=2)
scales = st.sampled_from((1e-3, 1.0, 30.0))


def _heads(seed: int, n: int, scale: float = 1.0) -> list[torch.Tensor]:
    return [normal(seed + index, n, classes, scale=scale) for index, classes in enumerate(CLASSES)]


def _labels(seed: int, n: int, least: int = -1) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randint(least, classes, (n,), generator=rng) for classes in CLASSES], dim=1)


def _oracle(heads: list[torch.Tensor], labels: torch.Tensor, factors: list[float]) -> float:
    """Row by row: the logarithm of a sum of exponentials, less the label's own logit, over the number of all rows."""
    total = 0.0
    for index, head in enumerate(heads):
        for row, label in zip(head.detach().numpy(), labels[:, index].tolist(), strict=True):
            if label >= 0:
                top = row.max()
                total += factors[index] * (top + np.log(np.exp(row - top).sum()) - row[label]) / len(labels)
    return total


@given(seed=seeds, n=st.integers(1, 11), scale=scales, factors=weights)
def test_it_equals_the_oracle(seed: int, n: int, scale: float, factors: list[float]) -> None:
    heads, labels = _heads(seed, n, scale), _labels(seed, n)
    loss = class_loss(heads, labels, weights=factors)
    assert loss.item() == pytest.approx(_oracle(heads, labels, factors), rel=1e-9, abs=1e-12)
    assert loss.shape == ()


@given(seed=seeds, n=st.integers(1, 11), factors=weights)
def test_it_is_linear_in_the_weights_and_a_weight_of_one_changes_nothing(
    seed: int, n: int, factors: list[float]
) -> None:
    heads, labels = _heads(seed, n), _labels(seed, n)
    alone = [class_loss(head, labels[:, index]) for index, head in enumerate(heads)]
    torch.testing.assert_close(
        class_loss(heads, labels, weights=factors), factors[0] * alone[0] + factors[1] * alone[1]
    )
    assert class_loss(heads, labels, weights=(1.0, 0.0)) == alone[0]
    assert class_loss(heads, labels) == class_loss(heads, labels, weights=(1.0, 1.0)) == alone[0] + alone[1]


@given(seed=seeds, n=st.integers(1, 11))
def test_renaming_the_classes_changes_nothing(seed: int, n: int) -> None:
    logits, labels = _heads(seed, n)[1], _labels(seed, n)[:, 1]
    names = torch.randperm(5, generator=torch.Generator().manual_seed(seed))
    renamed = torch.where(labels < 0, labels, names[labels])
    shuffled = torch.empty_like(logits)
    shuffled[:, names] = logits
    torch.testing.assert_close(class_loss(shuffled, renamed), class_loss(logits, labels), rtol=1e-9, atol=1e-12)


@given(seed=seeds, n=st.integers(1, 11), shift=st.floats(-1e3, 1e3))
def test_a_shift_of_a_rows_logits_changes_nothing(seed: int, n: int, shift: float) -> None:
    heads, labels = _heads(seed, n), _labels(seed, n)
    shifted = [head + shift for head in heads]
    torch.testing.assert_close(class_loss(shifted, labels), class_loss(heads, labels), rtol=1e-9, atol=1e-9)


@given(seed=seeds, n=st.integers(1, 11))
def test_a_row_without_a_label_costs_nothing_gets_nothing_and_counts(seed: int, n: int) -> None:
    heads, labels = [head.requires_grad_() for head in _heads(seed, n)], _labels(seed, n)
    loss = class_loss(heads, labels)
    gradients = torch.autograd.grad(loss, heads)
    for index, (head, gradient) in enumerate(zip(heads, gradients, strict=True)):
        missing = labels[:, index] < 0
        assert torch.equal(gradient[missing], torch.zeros_like(gradient[missing]))
        expected = (head.detach().softmax(dim=1) - torch.eye(head.shape[1])[labels[:, index]]) / n
        torch.testing.assert_close(gradient[~missing], expected[~missing], rtol=1e-9, atol=1e-12)


@given(seed=seeds, n=st.integers(1, 11))
def test_without_any_label_it_is_zero_with_zero_gradient(seed: int, n: int) -> None:
    heads = [head.requires_grad_() for head in _heads(seed, n)]
    loss = class_loss(heads, torch.full((n, 2), -1))
    assert loss.item() == 0.0
    assert all(torch.equal(gradient, torch.zeros_like(gradient)) for gradient in torch.autograd.grad(loss, heads))


@given(seed=seeds, cut=st.integers(1, 10))
def test_a_batch_costs_the_weighted_mean_of_its_parts(seed: int, cut: int) -> None:
    heads, labels = _heads(seed, 11), _labels(seed, 11)
    first = class_loss([head[:cut] for head in heads], labels[:cut])
    rest = class_loss([head[cut:] for head in heads], labels[cut:])
    torch.testing.assert_close(class_loss(heads, labels), (cut * first + (11 - cut) * rest) / 11)


@given(seed=seeds, n=st.integers(2, 7))
def test_a_row_costs_the_same_alone_or_among_others(seed: int, n: int) -> None:
    heads, labels = _heads(seed, n), _labels(seed, n)
    alone = [class_loss([head[i : i + 1] for head in heads], labels[i : i + 1]) for i in range(n)]
    torch.testing.assert_close(class_loss(heads, labels), torch.stack(alone).mean())


@given(seed=seeds, row=st.integers(0, 4), column=st.integers(0, 2), value=st.sampled_from((torch.nan, torch.inf)))
def test_what_is_not_finite_never_becomes_finite(seed: int, row: int, column: int, value: float) -> None:
    # Minus infinity is left out: it is the logit of a class that is ruled out.
    heads, labels = _heads(seed, 5), _labels(seed, 5)
    heads[0][row, column] = value
    assert not class_loss(heads, labels).isfinite()


def test_an_unlabeled_row_that_is_nan_makes_the_loss_nan_and_no_other_rows_gradient() -> None:
    logits = normal(0, 3, 5)
    logits[1] = torch.nan
    logits.requires_grad_()
    labels = torch.tensor([0, -1, 2])
    loss = class_loss(logits, labels)
    (gradient,) = torch.autograd.grad(loss, logits)
    (expected,) = torch.autograd.grad(class_loss(logits.nan_to_num(), labels), logits)
    assert loss.isnan()
    assert torch.equal(gradient[[0, 2]], expected[[0, 2]])


def test_classes_that_are_ruled_out_cost_nothing() -> None:
    logits = torch.tensor([[0.0, -torch.inf, 0.0], [-torch.inf, 1.0, 1.0]])
    torch.testing.assert_close(class_loss(logits, torch.tensor([2, -1])), torch.tensor(2.0).log() / 2)


def test_extreme_logits_have_an_exact_loss() -> None:
    logits = torch.tensor([[1e4, 0.0], [0.0, 1e4]], requires_grad=True)
    loss = class_loss(logits, torch.tensor([0, 0]))
    assert loss.item() == 5e3
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.tolist() == [[0.0, 0.0], [-0.5, 0.5]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_a_loss_in_float32(dtype: torch.dtype) -> None:
    logits = normal(0, 7, 5, dtype=torch.float32).to(dtype)
    labels = torch.tensor([0, 1, 2, 3, 4, -1, 0])
    loss = class_loss(logits, labels)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, class_loss(logits.float(), labels), rtol=0, atol=0)


def test_gradients_are_those_of_finite_differences() -> None:
    labels = torch.tensor([[0, 4], [2, -1], [-1, 1]])
    heads = [head.requires_grad_() for head in _heads(0, 3)]
    assert torch.autograd.gradcheck(lambda *heads: class_loss(heads, labels, weights=(0.8, 1.4)), heads)


def test_one_head_takes_labels_of_both_shapes() -> None:
    logits, labels = normal(0, 7, 5), torch.tensor([0, 1, 2, 3, 4, -1, 0])
    assert class_loss(logits, labels) == class_loss([logits], labels.unsqueeze(1)) == class_loss((logits,), labels)


def test_inputs_stay_as_they_are() -> None:
    heads, labels = _heads(0, 5), _labels(0, 5)
    before = [tensor.clone() for tensor in (*heads, labels)]
    class_loss(heads, labels, weights=(0.5, 2.0))
    assert all(torch.equal(one, other) for one, other in zip((*heads, labels), before, strict=True))
    assert all(tensor._version == 0 for tensor in (heads[0], heads[1], labels))


ZEROS, IDS = torch.zeros(2, 3), torch.tensor([0, 2])


@pytest.mark.parametrize(
    ("logits", "labels", "options", "match"),
    [
        (
            ZEROS,
            torch.tensor([0, 3]),
            {},
            r"labels of head 0 must lie in 0\.\.2 \(3 classes\), or be -1 .* got 3 in sample 1",
        ),
        (ZEROS, torch.tensor([-2, 0]), {}, "labels of head 0 .* got -2 in sample 0"),
        ([ZEROS, ZEROS], torch.tensor([[0, -1], [0, -2]]), {}, "labels of head 1 .* got -2 in sample 1"),
        ([ZEROS, ZEROS], torch.tensor([[-1, 2], [-2, 0]]), {}, "labels of head 0 .* got -2 in sample 1"),
        (
            [ZEROS, torch.zeros(2, 5)],
            torch.tensor([[0, 4], [2, 5]]),
            {},
            r"labels of head 1 .* \(5 classes\).* got 5 in sample 1",
        ),
        (ZEROS, IDS.float(), {}, r"labels must be an int64 tensor of class ids, got torch\.float32"),
        (ZEROS, [0, 2], {}, "labels must be an int64 tensor of class ids, got list"),
        (ZEROS, IDS[:1], {}, r"labels must have shape \(2, 1\) or \(2,\), one per sample and head, got \(1,\)"),
        ([ZEROS, ZEROS], IDS, {}, r"labels must have shape \(2, 2\), .* got \(2,\)"),
        (ZEROS, torch.tensor([[0, 1], [1, 2]]), {}, r"labels must have shape \(2, 1\) or \(2,\), .* got \(2, 2\)"),
        (ZEROS[:0], IDS[:0], {}, r"logits must not be empty, got shape \(0, 3\)"),
        (ZEROS[:, :0], IDS, {}, "logits must not be empty"),
        (ZEROS, IDS[:0], {}, "labels must have shape"),
        (torch.zeros(2), IDS, {}, r"logits must have shape \(n, classes\), got \(2,\)"),
        (torch.zeros(2, 3, 4), IDS, {}, r"logits must have shape \(n, classes\), got \(2, 3, 4\)"),
        ([ZEROS, torch.zeros(3, 3)], IDS, {}, r"logits\[1\] must hold as many samples as the first head, 2, got 3"),
        ([ZEROS, IDS], IDS, {}, r"logits\[1\] must be a floating-point tensor"),
        (ZEROS.long(), IDS, {}, "logits must be a floating-point tensor, got dtype torch.int64"),
        ([], IDS, {}, "logits must be a tensor or a sequence of tensors, one per head, got"),
        (3.0, IDS, {}, r"logits must be a tensor or a sequence of tensors, one per head, got 3\.0"),
        (ZEROS, IDS, {"weights": (1.0, 1.0)}, r"weights must hold one number per head, 1 in total, got \(1\.0, 1\.0\)"),
        (ZEROS, IDS, {"weights": 2.0}, r"weights must hold one number per head, 1 in total, got 2\.0"),
        (ZEROS, IDS, {"weights": [torch.inf]}, r"weights\[0\] must be a finite number, got inf"),
    ],
)
def test_mistakes_are_named(logits: Any, labels: Any, options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        class_loss(logits, labels, **options)


@pytest.mark.cuda
def test_on_cuda_nothing_is_read_back() -> None:
    heads, labels = [head.cuda() for head in _heads(0, 5)], _labels(0, 5).cuda()
    torch.cuda.set_sync_debug_mode("error")
    try:
        loss = class_loss(heads, labels)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(loss.cpu(), class_loss([head.cpu() for head in heads], labels.cpu()))


sizes = st.tuples(st.integers(1, 11), st.sampled_from((1, 2, 3, 5)))


def _targets(seed: int, n: int, labels: int) -> torch.Tensor:
    """Sure, unsure and unknown entries."""
    rng = torch.Generator().manual_seed(seed)
    soft = torch.rand(n, labels, generator=rng, dtype=torch.float64)
    kind = torch.randint(4, (n, labels), generator=rng)
    return torch.where(kind == 0, -1.0, torch.where(kind == 1, 0.0, torch.where(kind == 2, 1.0, soft)))


def _multi_label_oracle(logits: torch.Tensor, targets: torch.Tensor) -> float:
    s, t = logits.detach().numpy(), targets.numpy()
    costs = -t * log_sigmoid(s) - (1 - t) * log_sigmoid(-s)
    return float(np.sum(costs[t >= 0]) / len(s))


@pytest.mark.filterwarnings("ignore:targets of head")  # a drawn batch may hold no 0
@given(seed=seeds, size=sizes, scale=scales)
def test_multi_label_loss_equals_the_oracle(seed: int, size: tuple[int, int], scale: float) -> None:
    logits, targets = normal(seed, *size, scale=scale), _targets(seed, *size)
    loss = multi_label_loss(logits, targets)
    assert loss.item() == pytest.approx(_multi_label_oracle(logits, targets), rel=1e-9, abs=1e-12)
    assert loss.shape == ()


@pytest.mark.filterwarnings("ignore:targets of head")  # a drawn batch may hold no 0
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


@pytest.mark.filterwarnings("ignore:targets of head")  # a drawn batch may hold no 0
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


@pytest.mark.filterwarnings("ignore:targets of head")  # a drawn batch may hold no 0
@given(seed=seeds, cut=st.integers(1, 10))
def test_a_multi_label_batch_costs_the_weighted_mean_of_its_parts(seed: int, cut: int) -> None:
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
def test_multi_label_loss_of_what_is_not_finite_is_not_finite(seed: int, row: int, column: int, value: float) -> None:
    logits, targets = normal(seed, 5, 3), _targets(seed, 5, 3)
    logits[row, column] = value
    assert not multi_label_loss(logits, targets).isfinite()


def test_a_target_that_is_nan_makes_the_loss_nan() -> None:
    targets = torch.tensor([[0.0, torch.nan]])
    assert multi_label_loss(torch.zeros(1, 2), targets).isnan()


def test_extreme_logits_have_finite_costs() -> None:
    logits = torch.tensor([[1e4, -1e4]], requires_grad=True)
    loss = multi_label_loss(logits, torch.tensor([[0.0, 1.0]]))
    assert loss.item() == 2e4
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.tolist() == [[1.0, -1.0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_multi_label_loss_of_half_precision_is_in_float32(dtype: torch.dtype) -> None:
    logits, targets = normal(0, 7, 5).to(dtype), torch.ones(7, 5)
    loss = multi_label_loss(logits, targets)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, multi_label_loss(logits.float(), targets), rtol=0, atol=0)


def test_multi_label_gradients_are_those_of_finite_differences() -> None:
    targets = torch.tensor([[0.0, 1.0, -1.0], [0.3, -1.0, 1.0]])
    logits = normal(0, 2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda logits: multi_label_loss(logits, targets), logits)
    assert torch.autograd.gradgradcheck(lambda logits: multi_label_loss(logits, targets), logits)


def test_multi_label_inputs_stay_as_they_are() -> None:
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
            r"targets of head 0 must lie in 0\.\.1, or be -1 for unknown, got 1\.2 for label 0 of sample 0",
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
        (ZEROS, None, {}, "targets must be a tensor or a sequence of tensors, one per head, got None"),
        ([ZEROS], [1], {}, "targets of head 0 must be a tensor of numbers, got 1"),
        (ZEROS, ZEROS.to(torch.complex64), {}, "targets of head 0 must be a tensor of numbers"),
        (ZEROS[:0], ZEROS[:0], {}, "logits must not be empty"),
        (ZEROS.bool(), ZEROS, {}, "logits must be a floating-point tensor, got dtype torch.bool"),
        (torch.zeros(2), torch.zeros(2), {}, r"logits must have shape \(n, classes\), got \(2,\)"),
        (ZEROS, ZEROS, {"weights": (True,)}, r"weights\[0\] must be a finite number, got True"),
    ],
)
def test_mistakes_with_several_labels_are_named(logits: Any, targets: Any, options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        multi_label_loss(logits, targets, **options)


@pytest.mark.cuda
def test_on_cuda_no_target_is_read_back() -> None:
    logits, targets = normal(0, 5, 3).cuda(), _targets(0, 5, 3).cuda()
    torch.cuda.set_sync_debug_mode("error")
    try:
        loss = multi_label_loss(logits, targets)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(loss.cpu(), multi_label_loss(logits.cpu(), targets.cpu()))


@pytest.mark.parametrize("targets", [[[1, -1], [-1, -1]], [[1.0, -1.0], [1.0, 1.0]]])
def test_targets_of_minus_one_and_one_alone_deserve_a_note(targets: list[list[float]]) -> None:
    with pytest.warns(UserWarning, match=r"targets of head 0 hold -1 and 1 but no 0: .* give \(targets \+ 1\) / 2"):
        multi_label_loss(torch.zeros(2, 2), torch.tensor(targets))


@pytest.mark.parametrize("targets", [[[1, -1], [-1, 0]], [[1, 1], [1, 1]], [[-1, -1], [-1, -1]], [[1, -1], [-1, 0.5]]])
def test_other_targets_give_no_note(targets: list[list[float]]) -> None:
    multi_label_loss(torch.zeros(2, 2), torch.tensor(targets))

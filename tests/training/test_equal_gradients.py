"""The comparison of gradients between ranks, in one process: the other rank's numbers are put in where both reduce."""

from collections.abc import Callable

import pytest
import torch
from torch import distributed, nn

from gankit.training._ranks import check_equal_gradients

Another = Callable[[list[torch.Tensor | None]], None]


@pytest.fixture
def another_rank(monkeypatch: pytest.MonkeyPatch) -> Another:
    """Reduce over this rank and one whose gradients are given: what two processes would do, in one."""

    def with_gradients(gradients: list[torch.Tensor | None]) -> None:
        rows = [(0, 0, 0) if one is None else (1, one.double().sum(), one.double().norm()) for one in gradients]
        other = torch.tensor(rows, dtype=torch.float64)

        def all_reduce(tensor: torch.Tensor, operation: object) -> None:
            assert not tensor.requires_grad
            smaller = operation == distributed.ReduceOp.MIN
            tensor.copy_(torch.minimum(tensor, other) if smaller else torch.maximum(tensor, other))

        monkeypatch.setattr(distributed, "all_reduce", all_reduce)

    return with_gradients


def _parameters(gradients: list[torch.Tensor | None]) -> list[nn.Parameter]:
    parameters = [nn.Parameter(torch.zeros(2) if one is None else torch.zeros_like(one)) for one in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    return parameters


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ([3.0, -4.0], [3.0, -4.0]),
        ([3.0, -4.0], [3.0, -4.00001]),  # the order of a sum may differ
        ([0.0, 0.0], [0.0, 0.0]),
        (None, None),
    ],
)
def test_gradients_that_agree_pass(another_rank: Another, own: list[float] | None, other: list[float] | None) -> None:
    mine, theirs = (None if values is None else torch.tensor(values) for values in (own, other))
    another_rank([theirs, torch.ones(3)])
    check_equal_gradients(_parameters([mine, torch.ones(3)]))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
@pytest.mark.parametrize(
    ("own", "other"),
    [
        ([3.0, 4.0], [3.0, -4.0]),  # of one norm
        ([3.0, -3.0], [4.0, -4.0]),  # of one sum
        ([3.0, 4.0], [3.0, 4.01]),
        ([6e4, 6e4], [6e4, 3e4]),  # their sums leave the range of float16
        ([3.0, 4.0], None),
        (None, [3.0, 4.0]),
    ],
)
def test_gradients_that_differ_are_refused(
    another_rank: Another, own: list[float] | None, other: list[float] | None, dtype: torch.dtype
) -> None:
    mine, theirs = (None if values is None else torch.tensor(values, dtype=dtype) for values in (own, other))
    same = torch.ones(3, dtype=dtype)
    for first, second in ((mine, theirs), (theirs, mine)):
        another_rank([same, second, same])
        with pytest.raises(ValueError, match=r"got 1 of 3 that differ \(shapes \(2,\)\): every forward pass must go"):
            check_equal_gradients(_parameters([same, first, same]))


@pytest.mark.parametrize(
    ("count", "listed"),
    [(2, r"\(1,\), \(2,\)\): "), (3, r"\(1,\), \(2,\), \(3,\)\): "), (4, r"\(1,\), \(2,\), \(3,\), \.\.\.\): ")],
)
def test_three_shapes_of_gradients_that_differ_are_listed(another_rank: Another, count: int, listed: str) -> None:
    another_rank([torch.zeros(size + 1) for size in range(count)])
    with pytest.raises(ValueError, match=f"got {count} of {count} that differ " + r"\(shapes " + listed):
        check_equal_gradients(_parameters([torch.ones(size + 1) for size in range(count)]))


@pytest.mark.parametrize("gradient", [True, False])
def test_gradients_are_compared_where_they_are(monkeypatch: pytest.MonkeyPatch, gradient: bool) -> None:
    devices: list[str] = []

    class _ReducedError(Exception):
        """No more can be asked of a device that holds no numbers."""

    def all_reduce(tensor: torch.Tensor, _: object) -> None:
        devices.append(tensor.device.type)
        assert tensor.dtype == torch.float64
        raise _ReducedError

    monkeypatch.setattr(distributed, "all_reduce", all_reduce)
    parameter = nn.Parameter(torch.zeros(3, device="meta"))
    parameter.grad = torch.zeros(3, device="meta") if gradient else None
    with pytest.raises(_ReducedError):
        check_equal_gradients([parameter])
    assert devices == ["meta"]


def test_gradients_that_can_be_differentiated_and_shards_are_compared_as_they_should(
    another_rank: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameter = nn.Parameter(torch.ones(2))
    (parameter.grad,) = torch.autograd.grad(parameter.square().sum(), parameter, create_graph=True)
    another_rank([torch.full((2,), 2.0)])
    check_equal_gradients([parameter])
    another_rank([torch.zeros(2)])  # ranks hold different shards, and none is compared
    monkeypatch.setattr("gankit.training._ranks.is_sharded", lambda gradient: gradient is parameter.grad)
    check_equal_gradients([parameter])
    parameter.grad = None


def test_a_gradient_that_no_rank_has_anywhere_is_refused(another_rank: Another) -> None:
    another_rank([None, None])
    with pytest.raises(ValueError, match="terms must leave a gradient in a parameter of the optimizer, got none"):
        check_equal_gradients(_parameters([None, None]))

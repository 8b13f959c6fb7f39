"""What a step touches outside itself is seen, and what a recording would freeze is refused."""

import gc
import warnings
import weakref
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gankit.training._graphs import memory_of
from gankit.training._observer import Observer

CPU, META = torch.device("cpu"), torch.device("meta")


def _memories(tensors: list[torch.Tensor]) -> set[int]:
    return {memory_of(tensor) for tensor in tensors}


def test_called_modules_and_those_inside_them_are_seen_in_order_and_once() -> None:
    block = nn.Sequential(nn.Linear(3, 5), spectral_norm(nn.Linear(5, 2)))
    other = nn.Linear(3, 3)
    with Observer(CPU) as observer:
        block(torch.ones(2, 3))
        block(torch.ones(2, 3))
    other(torch.ones(2, 3))
    assert set(observer.modules) == set(block.modules())
    assert len(observer.modules) == len(set(observer.modules))
    assert observer.modules[0] is block


def test_tensors_from_outside_are_seen_and_those_made_inside_are_not() -> None:
    weight, unused, closed = torch.ones(3, requires_grad=True), torch.ones(3), torch.full((3,), 2.0)
    x = torch.ones(5, 3)
    with Observer(CPU) as observer:
        made = (x[1:] * weight).sum() + torch.rand(3).mul_(closed).sum()
        made.backward()
    assert _memories(observer.outside) == _memories([weight, closed, x])
    assert memory_of(unused) not in _memories(observer.outside)
    assert observer.written == []


def test_what_is_written_to_is_seen_once_for_each_memory() -> None:
    total, pair = torch.zeros(2), torch.zeros(2, 2)
    with Observer(CPU) as observer:
        total[0].add_(1.0)
        total[1].add_(1.0)
        torch.add(torch.ones(2), 1.0, out=pair[0])
        torch._foreach_add_([total, torch.ones(3)], 1.0)
        torch.zeros(3).fill_(5.0)
    assert _memories(observer.written) == _memories([total, pair])
    assert len(observer.written) == 2
    assert total.tolist() == [2.0, 2.0]


def _moved() -> None:
    torch.ones(3, device="meta").to("cpu", copy=True)


def _copied() -> None:
    torch.ones(3, device="meta").copy_(torch.zeros(3))


def _read() -> None:
    torch.ones((), device="meta").item()


def _drawn() -> None:
    torch.empty(3, device="meta").normal_(generator=torch.Generator())


ELSEWHERE = torch.tensor(2.0)


def _mixed() -> None:
    torch.mul(torch.ones(3, device="meta"), ELSEWHERE)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (_moved, r"must not move tensors between devices .* with \['cpu', 'meta'\]: give the update inputs on meta"),
        (_copied, "must not move tensors between devices"),
        (
            _read,
            r"must not read values on the host .* got aten._local_scalar_dense.default: keep numbers in 0-d tensors",
        ),
        (_drawn, "must draw from the device's own generator"),
        (_mixed, r"must use tensors on meta only .* shape \(\) on cpu in aten.mul.Tensor: a recording would freeze"),
    ],
)
def test_what_a_recording_would_freeze_is_refused(step: Callable[[], None], message: str) -> None:
    with pytest.raises(ValueError, match=message), Observer(META):
        step()
    hooks = nn.modules.module._global_forward_pre_hooks
    assert not hooks


def test_without_a_device_nothing_is_refused_and_nothing_is_kept_unless_asked() -> None:
    total, rng = torch.zeros(2), torch.Generator().manual_seed(1)
    before = rng.get_state()
    with Observer() as observer:
        total.add_(torch.rand(2, generator=rng))
        torch.rand(1)
    state = torch.get_rng_state()
    observer.restore()
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(rng.get_state(), before)
    assert bool((total > 0).all())


def test_a_leaf_that_only_the_step_held_is_gone_afterwards() -> None:
    """`real.data` is an alias that no operation has made."""
    real = torch.ones(3)
    with Observer() as observer:
        points = real.data.requires_grad_()
        (points * 2).sum().backward()
    leaf = weakref.ref(points)
    del points
    gc.collect()
    assert leaf() is None
    assert _memories(observer.outside) == _memories([real])


def test_filters_of_warnings_are_those_from_before() -> None:
    before = list(warnings.filters)
    with Observer(CPU):
        assert list(warnings.filters) != before
        warnings.warn("Using `torch.compile(module)` when there are global hooks on modules", stacklevel=1)
    assert list(warnings.filters) == before


def test_statistics_of_a_batch_are_written() -> None:
    norm = nn.BatchNorm1d(2)
    with Observer() as observer:
        norm(torch.randn(5, 2))
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    expected = [norm.running_mean, norm.running_var, norm.num_batches_tracked]
    assert _memories(observer.written) == _memories(expected)


def test_numbers_of_python_and_values_on_the_cpu_are_no_fault() -> None:
    with Observer(META):
        (torch.ones(3, device="meta") * 2.0 + 1).sum()
    with Observer(CPU):
        torch.ones(3).sum().item()


def test_the_lowest_precision_of_any_result_is_known() -> None:
    for dtypes in ((torch.float64,), (torch.float64, torch.float32), (torch.float32, torch.bfloat16, torch.float64)):
        with Observer(CPU) as observer:
            for dtype in dtypes:
                torch.ones(2, dtype=dtype)
            torch.ones(2, dtype=torch.int8)
        assert observer.lowest == min(dtypes, key=lambda dtype: -torch.finfo(dtype).eps)

"""The comparison of gradients between ranks, in one process: the other rank's numbers are put in where both reduce."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.ranks import run_ranks
from torch import distributed, nn

from gankit._core import world_size
from gankit.training import Update, load_checkpoint, network_state
from gankit.training._ranks import audited_forwards, check_equal_gradients, check_wrapper

WORKER = Path(__file__).with_name("ranks_worker.py")


def _run(folder: Path, form: str, world: int = 2) -> list[Any]:
    outs = [folder / f"rank-{rank}.pt" for rank in range(world)]
    run_ranks([[str(WORKER), form, str(r), str(world), str(folder / "meet"), str(outs[r])] for r in range(world)])
    return [load_checkpoint(out) for out in outs]


def _one_process() -> dict[str, Any]:
    specification = importlib.util.spec_from_file_location("ranks_worker", WORKER)
    assert specification is not None
    assert specification.loader is not None
    worker = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(worker)
    critic, generator = worker.networks()
    worker.train("plain", critic, generator, slice(None))
    return {"critic": network_state(critic), "generator": network_state(generator)}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["plain", "accumulated"])
def test_two_ranks_equal_one_process_with_the_whole_batch(tmp_path: Path, form: str) -> None:
    expected = _one_process()
    for state in _run(tmp_path, form):
        torch.testing.assert_close(state, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("missing", "network must be given where 2 ranks train together"),
        ("static", "network must not use static_graph=True"),
        ("inner", "got 0 through the wrapper and 3 through its inner module"),
        ("mixed", "got 2 through the wrapper and 3 through its inner module"),
        ("bare", "gradients must be equal on all ranks, got 3 of 4 that differ"),
    ],
)
def test_forms_that_would_be_silently_wrong_raise_on_every_rank(tmp_path: Path, form: str, message: str) -> None:
    for error in _run(tmp_path, form):
        assert isinstance(error, str)
        assert message in error


def test_without_a_process_group_there_is_one_rank() -> None:
    assert world_size() == 1


def test_a_network_is_required_where_there_are_several_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gankit.training._ranks.world_size", lambda: 2)
    monkeypatch.setattr("gankit.training._update.world_size", lambda: 2)
    monkeypatch.setattr("gankit.training._update.may_be_sharded", lambda: True)
    critic = nn.Linear(2, 1)
    update = Update(torch.optim.SGD(critic.parameters(), lr=0.1), lambda x: {"loss": critic(x).mean()})
    with pytest.raises(ValueError, match="network must be given where 2 ranks train together"):
        update(torch.ones(1, 2))


def test_local_batch_normalization_warns() -> None:
    with pytest.warns(UserWarning, match="batch normalization '1' uses the statistics of its own rank"):
        check_wrapper(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))
    check_wrapper(nn.Sequential(nn.Linear(2, 3), nn.SyncBatchNorm(3), nn.GroupNorm(1, 3)))


def test_the_warning_of_local_statistics_names_the_line_of_the_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gankit.training._update.world_size", lambda: 2)
    monkeypatch.setattr("gankit.training._update.may_be_sharded", lambda: True)
    monkeypatch.setattr("gankit.training._update.check_equal_gradients", lambda parameters: None)
    wrapper = nn.DataParallel(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))
    update = Update(
        torch.optim.SGD(wrapper.parameters(), lr=0.1), lambda x: {"loss": wrapper(x).mean()}, network=wrapper
    )
    with pytest.warns(UserWarning, match="uses the statistics of its own rank") as seen:
        update(torch.randn(4, 2))
    assert seen[0].filename == __file__


def test_a_network_that_the_terms_never_call_is_refused() -> None:
    wrapper = nn.DataParallel(nn.Linear(2, 1))
    with pytest.raises(ValueError, match="got no forward pass through it"), audited_forwards(wrapper):
        pass


def test_passes_of_a_network_without_a_wrapper_are_not_counted() -> None:
    network = nn.Sequential(nn.Linear(2, 1))
    with audited_forwards(network):  # its gradients are compared, wherever they were averaged
        network[0](torch.ones(1, 2))
    assert not network._forward_hooks


def test_hooks_are_removed_also_after_an_error() -> None:
    network = nn.DataParallel(nn.Linear(2, 1))
    with pytest.raises(KeyError), audited_forwards(network):
        raise KeyError
    with audited_forwards(network):
        network(torch.ones(1, 2))
    assert not network._forward_hooks
    assert not network.module._forward_hooks


def test_the_first_call_alone_is_audited(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[list[nn.Parameter]] = []
    monkeypatch.setattr("gankit.training._update.world_size", lambda: 2)
    monkeypatch.setattr("gankit.training._update.may_be_sharded", lambda: True)
    monkeypatch.setattr("gankit.training._update.check_equal_gradients", compared.append)
    wrapper = nn.DataParallel(nn.Linear(2, 1))
    called: list[nn.Module] = [wrapper.module]
    update = Update(
        torch.optim.SGD(wrapper.parameters(), lr=0.1), lambda x: {"loss": called[0](x).mean()}, network=wrapper
    )
    x = torch.ones(3, 2)
    for _ in range(2):  # what was refused is looked at again
        with pytest.raises(ValueError, match="got 0 through the wrapper and 1 through its inner module"):
            update(x)
    assert compared == []
    called[0] = wrapper
    update(x)
    assert [len(parameters) for parameters in compared] == [2]
    called[0] = wrapper.module
    update(x)
    assert len(compared) == 1
    assert update.updates == 2


def test_nothing_is_audited_on_one_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[object] = []
    monkeypatch.setattr("gankit.training._update.check_equal_gradients", compared.append)
    critic = nn.Linear(2, 1)
    Update(torch.optim.SGD(critic.parameters(), lr=0.1), lambda x: {"loss": critic(x).mean()})(torch.ones(1, 2))
    assert compared == []


def test_a_static_graph_is_refused_and_a_network_without_one_passes() -> None:
    wrapper = nn.DataParallel(nn.Linear(2, 1))
    assert check_wrapper(wrapper) is wrapper
    vars(wrapper)["static_graph"] = True
    with pytest.raises(ValueError, match="network must not use static_graph=True"):
        check_wrapper(wrapper)


class _Wrapper(nn.Module):
    """Holds a module and never calls it."""

    def __init__(self) -> None:
        super().__init__()
        self.module = nn.Linear(2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_a_wrapper_that_goes_around_its_module_is_refused() -> None:
    wrapper = _Wrapper()
    with (
        pytest.raises(ValueError, match="got 1 through the wrapper and 0 through its inner module"),
        audited_forwards(wrapper),
    ):
        wrapper(torch.ones(1, 2))


def test_every_pass_through_the_wrapper_is_counted() -> None:
    wrapper, x = nn.DataParallel(nn.Linear(2, 1)), torch.ones(1, 2)
    with audited_forwards(wrapper):
        wrapper(x)
        wrapper(x)

    def around_the_wrapper() -> None:
        with audited_forwards(wrapper):
            wrapper(x)
            wrapper.module(x)
            wrapper(x)

    with pytest.raises(ValueError, match="got 2 through the wrapper and 3 through its inner module"):
        around_the_wrapper()


def test_one_process_is_as_many_ranks_as_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 3)
    assert world_size() == 3
    monkeypatch.setattr(distributed, "is_available", lambda: False)
    assert world_size() == 1


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

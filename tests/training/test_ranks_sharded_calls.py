"""What is asked of FSDP2, and when: stand-ins for its modules and tensors note it, in one process and at once.

That FSDP2 then does what is wanted of it is shown by two ranks in test_sharded.py.
"""

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from torch import distributed, nn

from gankit.training import Accumulated, Loss, NonFiniteError, Update, WeightAverage, load_network_state, network_state
from gankit.training._average import _as
from gankit.training._finite import refuse_non_finite
from gankit.training._ranks import gathered_for_penalties, own_piece, reshard, sharded_like, sharded_modules, whole
from gankit.training._saving._optimizers import optimizer_state


class _Part(nn.Linear):
    """Stands in for a layer that ``fully_shard`` was applied to."""

    log: ClassVar[list[str]] = []

    def __init__(self, name: str, *children: nn.Module) -> None:
        super().__init__(2, 2)
        self.name = name
        for position, child in enumerate(children):
            self.add_module(str(position), child)

    def reshard(self) -> None:
        self.log.append(f"{self.name}: reshard")

    def set_reshard_after_backward(self, wanted: bool, *, recurse: bool = True) -> None:
        self.log.append(f"{self.name}: reshard after backward {wanted}" + " and below" * recurse)

    def set_requires_gradient_sync(self, wanted: bool, *, recurse: bool = True) -> None:
        self.log.append(f"{self.name}: reduce {wanted}" + " and below" * recurse)

    def reset_iter_state(self) -> None:
        self.log.append(f"{self.name}: reset")


class _Shard(torch.Tensor):
    """Stands in for one rank's piece: the whole is ten times as much, and the piece a tenth of it."""

    def full_tensor(self) -> torch.Tensor:
        return self.as_subclass(torch.Tensor) * 10

    def to_local(self) -> torch.Tensor:
        return self.as_subclass(torch.Tensor) / 10

    device_mesh = "mesh"
    placements = "placements"


def _shard(*values: float) -> torch.Tensor:
    return torch.tensor(values).as_subclass(_Shard)


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Put the stand-ins in the place of the types, and hand out what was noted."""

    def distribute_tensor(tensor: torch.Tensor, mesh: object, placements: object, **options: object) -> torch.Tensor:
        _Part.log.append(f"cut by {mesh} and {placements}, {options}")
        return (tensor / 10).as_subclass(_Shard)

    types: dict[str, Any] = {
        "torch.distributed.fsdp": SimpleNamespace(FSDPModule=_Part),
        "torch.distributed.tensor": SimpleNamespace(DTensor=_Shard, distribute_tensor=distribute_tensor),
    }
    for name, module in types.items():
        monkeypatch.setitem(sys.modules, name, module)
    _Part.log.clear()
    yield _Part.log
    _Part.log.clear()


def test_tensors_are_gathered_taken_apart_and_cut(log: list[str]) -> None:
    piece, plain = _shard(3.0, 5.0), torch.tensor([3.0, 5.0])
    assert whole(piece).tolist() == [30.0, 50.0]
    torch.testing.assert_close(own_piece(piece), torch.tensor([0.3, 0.5]))
    assert whole(plain) is own_piece(plain) is plain
    for tensor, like in ((plain, plain), (piece, piece), (piece, plain)):
        assert sharded_like(tensor, like) is tensor
    assert log == []
    assert sharded_like(plain, piece).tolist() == pytest.approx([0.3, 0.5])
    assert log == ["cut by mesh and placements, {'src_data_rank': None}"]
    elsewhere = torch.empty(2, device="meta").as_subclass(_Shard)
    assert sharded_like(plain, elsewhere).device == elsewhere.device


def test_sharded_modules_are_found_at_any_depth(log: list[str]) -> None:
    inner, outer = _Part("inner"), _Part("outer")
    outer.add_module("block", nn.Sequential(nn.Linear(2, 2), inner))
    network = nn.Sequential(outer, nn.Linear(2, 2))
    assert sharded_modules(network) == [outer, inner]
    reshard(network)
    assert log == ["outer: reshard", "inner: reshard"]


def test_weights_stay_gathered_from_the_first_pass_to_the_end(log: list[str]) -> None:
    networks = [_Part("a", _Part("b")), _Part("c")]
    with gathered_for_penalties(iter(networks)):
        log.append("within")
    begin = [f"{name}: {what}" for name in "abc" for what in ("reshard", "reshard after backward False")]
    assert log == [*begin, "within", *(f"{name}: reshard" for name in "abc")]


def test_an_exception_makes_the_outermost_forget_its_pass(log: list[str]) -> None:
    networks = [nn.Sequential(_Part("a", _Part("b")), _Part("c")), _Part("d")]
    with pytest.raises(KeyError), gathered_for_penalties(networks):
        raise KeyError
    assert log[8:] == ["a: reset", "a: reshard", "b: reshard", "c: reset", "c: reshard", "d: reset", "d: reshard"]


def test_versions_of_torch_that_cannot_forget_reshard_alone(log: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(_Part, "reset_iter_state")
    with pytest.raises(KeyboardInterrupt), gathered_for_penalties([_Part("a", _Part("b"))]):
        raise KeyboardInterrupt
    assert log[4:] == ["a: reshard", "b: reshard"]


def test_only_the_last_part_of_a_batch_reduces_and_the_others_leave_no_trace(log: list[str]) -> None:
    network = _Part("a", _Part("b"))

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        log.append(f"terms of {len(x)}")
        return {"loss": network(x).mean()}

    Accumulated(3)(Loss(terms, list(network.parameters()), network), (torch.ones(7, 2),))
    off, on = ["a: reduce False", "b: reduce False"], ["a: reduce True", "b: reduce True"]
    assert log == [*off, "terms of 2", *on, *off, "terms of 2", *on, "terms of 3"]


def test_terms_that_raise_in_a_part_leave_reduction_on(log: list[str]) -> None:
    def terms(_: torch.Tensor) -> dict[str, torch.Tensor]:
        raise KeyError

    with pytest.raises(KeyError):
        Accumulated(2)(Loss(terms, (), _Part("a")), (torch.ones(5, 2),))
    assert log == ["a: reduce False", "a: reduce True"]


def test_an_update_gathers_its_network_and_the_frozen_ones(log: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gankit.training._update.may_be_sharded", lambda: True)  # as with a process group
    critic, generator = _Part("critic"), _Part("generator")

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        log.append("terms")
        return {"loss": critic(generator(x)).mean()}

    optimizer = torch.optim.SGD(generator.parameters(), lr=0.1)
    Update(optimizer, terms, network=generator, frozen=[critic])(torch.ones(3, 2))
    names = ("generator", "critic")
    begin = [f"{name}: {what}" for name in names for what in ("reshard", "reshard after backward False")]
    assert log == [*begin, "terms", *(f"{name}: reshard" for name in names)]


def test_an_average_reshards_both_before_it_reads_them(log: list[str]) -> None:
    source = _Part("source")
    average = WeightAverage(source, decay=0.0, warmup=False)
    averaged: Any = average.network
    averaged.name = "average"
    average.update()
    assert log == ["source: reshard", "average: reshard"]


def test_an_average_that_is_whole_follows_whole_weights_and_a_sharded_one_its_pieces() -> None:
    piece, plain = _shard(3.0, 5.0), torch.tensor([7.0, 11.0])
    assert _as(plain, piece).tolist() == [30.0, 50.0]
    assert _as(piece, piece).tolist() == [3.0, 5.0]
    assert _as(plain, plain).tolist() == [7.0, 11.0]
    assert _as(plain.double(), piece).dtype == torch.float64


def test_states_are_gathered_whole_and_loaded_in_pieces(log: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    network = _Part("a")
    piece = _shard(3.0, 5.0)
    monkeypatch.setattr(network, "state_dict", lambda: {"weight": piece})
    monkeypatch.setattr(network, "load_state_dict", lambda state: piece.copy_(state["weight"]))
    assert network_state(network)["weight"].tolist() == [30.0, 50.0]
    assert log == ["a: reshard"]
    log.clear()
    load_network_state(network, {"weight": torch.tensor([20.0, 70.0])})
    assert piece.tolist() == [2.0, 7.0]
    assert log == ["a: reshard", "cut by mesh and placements, {'src_data_rank': None}"]


def test_a_rank_refuses_its_step_where_another_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    flags: list[torch.Tensor] = []

    def all_reduce(flag: torch.Tensor, operation: object) -> None:
        assert operation == distributed.ReduceOp.MAX
        flags.append(flag)
        if len(flags) > 2:
            flag.fill_(1.0)

    monkeypatch.setattr("gankit.training._ranks.world_size", lambda: 2)
    monkeypatch.setattr(distributed, "all_reduce", all_reduce)
    refuse_non_finite({"loss": torch.tensor(1.0)}, [], {})
    with pytest.raises(NonFiniteError, match="'loss' is nan; no weight was changed"):
        refuse_non_finite({"loss": torch.tensor(torch.nan)}, [], {})
    with pytest.raises(NonFiniteError, match="since a cost or a gradient of another rank is not finite; no weight"):
        refuse_non_finite({"loss": torch.tensor(1.0)}, [], {})
    parameter = nn.Parameter(torch.ones(2, device="meta"))
    with pytest.raises(RuntimeError, match="meta"):  # which holds no number that could be read back
        refuse_non_finite({"loss": torch.tensor(1.0)}, [parameter], {})
    assert [flag.device.type for flag in flags] == ["cpu", "cpu", "cpu", "meta"]


def test_moments_are_gathered_whole_and_counters_stay() -> None:
    parameter = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    optimizer.state[parameter] = {"moment": _shard(3.0, 5.0), "plain": torch.ones(2), "turns": 7}
    state = optimizer_state(optimizer, {})["state"][0]
    assert state["moment"].tolist() == [30.0, 50.0]
    assert state["plain"].tolist() == [1.0, 1.0]
    assert state["turns"] == 7

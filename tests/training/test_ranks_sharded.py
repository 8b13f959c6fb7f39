"""Networks that FSDP2 shards train as whole ones do; and a plain tensor is told from a shard without an import."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
import torch
from support.ranks import run_ranks
from torch import nn

from gankit.training import Accumulated, Loss, WeightAverage, load_checkpoint, load_network_state, network_state
from gankit.training._ranks import gathered_for_penalties, is_sharded, own_piece, sharded_like, sharded_modules, whole

WORKER = Path(__file__).with_name("sharded_worker.py")
FORMS = ("penalty", "zero-centered", "clip", "accumulated", "generator first", "nested", "nested accumulated")


def _worker() -> Any:
    specification = importlib.util.spec_from_file_location("sharded_worker", WORKER)
    assert specification is not None
    assert specification.loader is not None
    worker = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(worker)
    return worker


def _alone(form: str, rounds: int) -> Any:
    worker = _worker()
    training = worker.Training(form)
    training.play(rounds, worker.data())
    return training


def _same(state: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert state.keys() == expected.keys()
        for key, value in expected.items():
            _same(state[key], value)
    elif isinstance(expected, list | tuple):
        assert len(state) == len(expected)
        for one, other in zip(state, expected, strict=True):
            _same(one, other)
    elif isinstance(expected, torch.Tensor):
        torch.testing.assert_close(state, expected, rtol=1e-9, atol=1e-11)
    else:
        assert state == expected


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Run every form on two ranks, once, and return what each of them saved."""
    folder = tmp_path_factory.mktemp("ranks")
    run_ranks([[str(WORKER), str(rank), str(folder / "meet"), str(folder)] for rank in range(2)])
    return [load_checkpoint(folder / f"rank-{rank}.pt") for rank in range(2)] + [load_checkpoint(folder / "shared.pt")]


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_sharded_training_equals_one_process_with_the_whole_batch(ranks: list[Any], form: str) -> None:
    expected = _alone(form, 3).state()
    for results in ranks[:2]:
        _same(results[form], expected)


@pytest.mark.slow
def test_a_checkpoint_of_shards_is_that_of_a_whole_network_and_goes_on_in_both(ranks: list[Any]) -> None:
    expected = _alone("nested", 5).state()
    for results in ranks[:2]:
        assert results["pieces"] == [4, 3]
        _same(results["resumed"], expected)
    worker = _worker()
    one = worker.Training("nested", seed=11)
    one.load(ranks[2])
    one.play(2, worker.data())
    _same(one.state(), expected)


@pytest.mark.slow
def test_terms_that_raise_and_nan_on_one_rank_leave_all_ranks_ready_to_go_on(ranks: list[Any]) -> None:
    expected = _alone("nested accumulated", 3).state()
    for results in ranks[:2]:
        told = results["faults"]
        assert told["raised"] == "KeyError('terms')"
        assert "is not finite" in told["refused"]
        assert told["unchanged"] is True
        _same(told["state"], expected)


@pytest.mark.slow
def test_a_piece_that_is_not_finite_skips_the_step_on_every_rank(ranks: list[Any]) -> None:
    for results in ranks[:2]:
        fused, plain = results["guarded"]["fused"], results["guarded"]["plain"]
        for result in (fused, plain):
            assert result["before"].keys() == result["after"].keys()
            assert all(torch.equal(result["before"][name], after) for name, after in result["after"].items())


@pytest.mark.slow
def test_the_norm_that_is_clipped_is_that_of_all_pieces(ranks: list[Any]) -> None:
    expected = _worker().clipped(lambda network: None)
    assert not torch.equal(*(next(iter(expected[f"{name} finite"].values())) for name in ("never", "always")))
    for results in ranks[:2]:
        _same(results["clipped"], expected)


def test_a_plain_tensor_is_no_shard_and_asking_imports_nothing() -> None:
    program = (
        "import sys, torch; from gankit.training._ranks import is_sharded, sharded_modules; "
        "assert not is_sharded(torch.zeros(2)) and sharded_modules(torch.nn.Linear(1, 1)) == []; "
        "assert not {'torch.distributed.tensor', 'torch.distributed.fsdp'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


class _Shard(torch.Tensor):
    """Stands in for the type, whose module takes seconds to import."""


def test_only_the_type_of_that_module_is_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    shard = torch.zeros(2).as_subclass(_Shard)
    monkeypatch.delitem(sys.modules, "torch.distributed.tensor", raising=False)
    assert not is_sharded(shard)
    monkeypatch.setitem(sys.modules, "torch.distributed.tensor", cast("ModuleType", SimpleNamespace(DTensor=_Shard)))
    assert is_sharded(shard)
    assert not is_sharded(torch.zeros(2))


class _Part(nn.Linear):
    """Stands in for what ``fully_shard`` was applied to, and keeps a log of what is asked of it."""

    def __init__(self, log: list[str], name: str) -> None:
        super().__init__(2, 2)
        self.log, self.name = log, name

    def reshard(self) -> None:
        self.log.append(f"reshard {self.name}")

    def reset_iter_state(self) -> None:
        self.log.append(f"reset {self.name}")

    def set_reshard_after_backward(self, reshard: bool, *, recurse: bool) -> None:
        self.log.append(f"reshard after backward {self.name} {reshard} {recurse}")

    def set_requires_gradient_sync(self, reduce: bool, *, recurse: bool) -> None:
        self.log.append(f"reduce {self.name} {reduce} {recurse}")


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], nn.Module, nn.Module]:
    """Return a log and two networks: one that is sharded itself and inside, one of two layers that are."""
    monkeypatch.setitem(sys.modules, "torch.distributed.fsdp", cast("ModuleType", SimpleNamespace(FSDPModule=_Part)))
    log: list[str] = []
    root = _Part(log, "root")
    root.inner = _Part(log, "inner")
    return log, root, nn.Sequential(_Part(log, "one"), nn.Tanh(), _Part(log, "other"))


def _loss(terms: Any, network: nn.Module) -> Loss:
    return Loss(terms, list(network.parameters()), network)


def test_weights_are_gathered_anew_kept_in_backward_and_let_go(parts: tuple[list[str], nn.Module, nn.Module]) -> None:
    log, root, layers = parts
    names = ("root", "inner", "one", "other")
    with gathered_for_penalties([root, layers]):
        asked = [[f"reshard {name}", f"reshard after backward {name} False False"] for name in names]
        assert log == [line for lines in asked for line in lines]
        log.clear()
    assert log == [f"reshard {name}" for name in names]


def test_after_an_error_each_outermost_part_forgets_the_pass(parts: tuple[list[str], nn.Module, nn.Module]) -> None:
    log, root, layers = parts

    def fail() -> None:
        with gathered_for_penalties([root, layers]):
            log.clear()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert log == [
        *("reset root", "reshard root", "reshard inner"),
        *("reset one", "reshard one", "reset other", "reshard other"),
    ]


def test_parts_of_a_batch_but_the_last_are_not_reduced(parts: tuple[list[str], nn.Module, nn.Module]) -> None:
    log, root, _ = parts

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        log.append(f"terms {len(x)}")
        return {"loss": root(x).mean()}

    Accumulated(3)(_loss(terms, root), (torch.ones(7, 2),))
    off, on = ([f"reduce {name} {flag} False" for name in ("root", "inner")] for flag in (False, True))
    assert log == [*off, "terms 2", *on, *off, "terms 2", *on, "terms 3"]
    log.clear()
    with pytest.raises(ValueError, match="terms must return costs"):
        Accumulated(2)(_loss(lambda _: 3, root), (torch.ones(7, 2),))
    assert log == [*off, *on]


def test_states_and_averages_are_taken_of_pieces(parts: tuple[list[str], nn.Module, nn.Module]) -> None:
    log, root, layers = parts
    average = WeightAverage(layers)
    average.update()
    assert log == ["reshard one", "reshard other"]
    assert next(average.network.children()).log == log  # the copy has a log of its own
    log.clear()
    load_network_state(root, network_state(root))
    assert log == ["reshard root", "reshard inner"] * 2


def test_plain_tensors_and_networks_are_left_as_they_are() -> None:
    tensor, network = torch.ones(3), nn.Linear(2, 1)
    assert whole(tensor) is own_piece(tensor) is sharded_like(tensor, torch.zeros(5)) is tensor
    assert sharded_modules(network) == []
    with pytest.raises(KeyError), gathered_for_penalties([network]):
        raise KeyError


@pytest.mark.slow
def test_a_distributed_tensor_is_a_shard(tmp_path: object) -> None:
    from torch import distributed
    from torch.distributed.tensor import DTensor, Replicate, init_device_mesh

    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1,))
        assert is_sharded(DTensor.from_local(torch.zeros(2), mesh, [Replicate()]))
    finally:
        distributed.destroy_process_group()

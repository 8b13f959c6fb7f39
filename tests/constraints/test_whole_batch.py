"""Every penalty equals that of one process in float64 where a step sees the batch in parts, or says that it cannot.

Ranks go through DistributedDataParallel over gloo; parts through `gankit.training.Accumulated`; decisions 9 and 12 of the
design say what is promised.
"""

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from support.parts import in_parts
from support.ranks import as_ranks, run_ranks

from gankit import constraints
from gankit.training import Eager, Loss

HERE = Path(__file__).parent


def _cases() -> ModuleType:
    """The table, by its path: the ranks import it too, without pytest."""
    specification = importlib.util.spec_from_file_location("whole_batch_cases", HERE / "whole_batch_cases.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    return module


cases = _cases()
every_case = pytest.mark.parametrize("name", cases.CASES)


def _whole(name: str) -> dict[str, Any]:
    """Terms and gradients of the plain step: one process, the whole batch, float64."""
    network = cases.critic()
    terms = cases.terms(cases.CASES[name], network, network)
    return {
        "terms": Eager()(Loss(terms, ()), tuple(cases.batch().values())).together(),
        "gradients": cases.gradients(network),
    }


def test_every_penalty_is_in_the_table() -> None:
    public = {name for name, value in vars(constraints).items() if name[0] != "_" and not inspect.ismodule(value)}
    shown = {case.name for case in cases.CASES.values()}
    assert shown | cases.NO_PENALTY.keys() == public, "give a new penalty a row in whole_batch_cases.py"
    assert not shown & cases.NO_PENALTY.keys()


@every_case
def test_the_penalty_moves_the_critic(name: str) -> None:
    """Without it, equality below would show nothing."""
    network = cases.critic()
    logged = Eager()(Loss(cases.terms(cases.CASES[name], network, network), ()), tuple(cases.batch().values())).costs
    together = cases.gradients(network)
    bare = cases.critic()
    real, fake = (bare(cases.batch()[side], cases.batch()["condition"]) for side in ("real", "fake"))
    (fake - real).mean().backward()
    assert logged["penalty"] > 1e-3
    difference = max(float((a - b).abs().max()) for a, b in zip(together, cases.gradients(bare), strict=True))
    assert difference > 1e-3


@every_case
@pytest.mark.parametrize("parts", [2, 5])
def test_in_parts(name: str, parts: int) -> None:
    case, network = cases.CASES[name], cases.critic()
    terms, inputs = cases.terms(case, network, network), tuple(cases.batch().values())
    if case.refused_in_parts is not None:
        with pytest.raises(ValueError, match=case.refused_in_parts):
            in_parts(parts, terms, inputs)
        return
    result = {"terms": in_parts(parts, terms, inputs), "gradients": cases.gradients(network)}
    torch.testing.assert_close(result, _whole(name), rtol=1e-10, atol=1e-10)


def _on_ranks(folder: Path, parts: int, world: int = 2) -> list[dict[str, Any]]:
    outs = [folder / f"rank-{rank}.pt" for rank in range(world)]
    worker = str(HERE / "whole_batch_worker.py")
    run_ranks(
        [[worker, str(rank), str(world), str(folder / "meet"), str(out), str(parts)] for rank, out in enumerate(outs)]
    )
    return [torch.load(out, weights_only=True) for out in outs]


@pytest.fixture(scope="module")
def on_two_ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two ranks computed of every case on its half of the batch."""
    return _on_ranks(tmp_path_factory.mktemp("ranks"), parts=1)


@pytest.fixture(scope="module")
def on_two_ranks_in_parts(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The same, each half in three parts."""
    return _on_ranks(tmp_path_factory.mktemp("parts"), parts=3)


def _check_ranks(name: str, results: list[dict[str, Any]]) -> None:
    whole = _whole(name)
    for result in results:
        torch.testing.assert_close(result[name]["gradients"], whole["gradients"], rtol=1e-10, atol=1e-10)
    for term, value in whole["terms"].items():
        mean = sum(result[name]["terms"][term] for result in results) / len(results)
        torch.testing.assert_close(mean, value, rtol=1e-10, atol=1e-10)


@every_case
def test_on_two_ranks(name: str, on_two_ranks: list[dict[str, Any]]) -> None:
    _check_ranks(name, on_two_ranks)


@pytest.mark.parametrize("name", [name for name, case in cases.CASES.items() if case.refused_in_parts])
@pytest.mark.parametrize("count", [2, 3])
def test_on_ranks_in_threads(name: str, count: int) -> None:
    """Without the wrapper, whose work is then to take the mean of the gradients."""
    each = cases.SAMPLES // count

    def compute(rank: int) -> dict[str, Any]:
        network = cases.critic()
        part = tuple(value[rank * each : (rank + 1) * each] for value in cases.batch().values())
        logged = Eager()(Loss(cases.terms(cases.CASES[name], network, network), ()), part).together()
        return {"terms": logged, "gradients": cases.gradients(network)}

    results = as_ranks(count, compute)
    means = [torch.stack(own).mean(dim=0) for own in zip(*(one["gradients"] for one in results), strict=True)]
    _check_ranks(name, [{name: {"terms": one["terms"], "gradients": means}} for one in results])


@pytest.mark.slow
@every_case
def test_on_two_ranks_in_parts(name: str, on_two_ranks_in_parts: list[dict[str, Any]]) -> None:
    refused = cases.CASES[name].refused_in_parts
    if refused is None:
        _check_ranks(name, on_two_ranks_in_parts)
    else:
        assert all(refused in result[name]["error"] for result in on_two_ranks_in_parts)


def _penalty_alone(name: str, seed: int, dtype: torch.dtype, *, lowered: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Value and gradient of the penalty without the loss, as vectors in float64."""
    network = cases.critic(dtype, seed=seed)
    terms = cases.terms(cases.CASES[name], network, network, lowered=lowered, loss=False)
    value = terms(*cases.batch(dtype).values())["penalty"]
    assert value.dtype == dtype
    slopes = torch.autograd.grad(value, list(network.parameters()), allow_unused=True, materialize_grads=True)
    return value.detach().double(), torch.cat([slope.flatten() for slope in slopes]).double()


@every_case
@pytest.mark.parametrize("seed", [7, 8, 9])
def test_under_bfloat16_autocast(name: str, seed: int) -> None:
    value, slope = _penalty_alone(name, seed, torch.float64, lowered=False)
    low_value, low_slope = _penalty_alone(name, seed, torch.float32, lowered=True)
    torch.testing.assert_close(low_value, value, rtol=0.02, atol=0)
    assert torch.cosine_similarity(low_slope, slope, dim=0) >= 0.99
    torch.testing.assert_close(low_slope.norm(), slope.norm(), rtol=0.05, atol=0)

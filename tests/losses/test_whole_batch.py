"""Losses that couple samples: two ranks price what one process prices, and a part of a batch is refused."""

import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from support.ranks import as_ranks

from gankit import losses
from gankit.training import Accumulated, load_checkpoint

PATH = Path(__file__).with_name("ranks_worker.py")
RANKS = 2


def _load_worker() -> ModuleType:
    specification = importlib.util.spec_from_file_location("losses_ranks_worker", PATH)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


WORKER = _load_worker()
every_coupled_loss = pytest.mark.parametrize("name", WORKER.LOSSES)


@pytest.fixture(scope="module")
def priced_by_ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("ranks")
    outs = [folder / f"{rank}.pt" for rank in range(RANKS)]
    processes = [
        subprocess.Popen(
            [sys.executable, str(PATH), str(rank), str(RANKS), str(folder / "meet"), str(out)],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"OMP_NUM_THREADS": "1"},
        )
        for rank, out in enumerate(outs)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    return [load_checkpoint(out) for out in outs]


def test_every_loss_that_couples_samples_is_in_the_table() -> None:
    needs = "only a part of the batch is at hand"
    functions = {name: loss for name, loss in vars(losses).items() if inspect.isfunction(loss)}
    coupled = {name for name, loss in functions.items() if needs in " ".join((inspect.getdoc(loss) or "").split())}
    assert coupled == set(WORKER.LOSSES)


@every_coupled_loss
def test_the_mean_over_ranks_is_the_value_and_the_gradient_of_the_whole_batch(
    name: str, priced_by_ranks: list[dict[str, Any]]
) -> None:
    value, gradients = WORKER.price(name, slice(None))
    ranks = [rank[name] for rank in priced_by_ranks]
    mean = {key: torch.stack([rank[key] for rank in ranks]).mean(dim=0) for key in ranks[0]}
    torch.testing.assert_close(mean, {"value": value, **gradients}, rtol=1e-10, atol=1e-10)
    assert gradients["layer"].abs().max() > 1e-3  # the comparison sees something


@every_coupled_loss
@pytest.mark.parametrize("count", [2, 3])
def test_ranks_in_threads_price_it_too(name: str, count: int) -> None:
    value, gradients = WORKER.price(name, slice(None))
    each = WORKER.SAMPLES // count
    ranks = as_ranks(count, lambda rank: WORKER.price(name, slice(rank * each, (rank + 1) * each)))
    torch.testing.assert_close(torch.stack([own for own, _ in ranks]).mean(), value, rtol=1e-10, atol=1e-10)
    mean = {key: torch.stack([own[key] for _, own in ranks]).mean(dim=0) for key in gradients}
    torch.testing.assert_close(mean, gradients, rtol=1e-10, atol=1e-10)


@every_coupled_loss
def test_ranks_that_kept_to_themselves_would_be_seen(name: str) -> None:
    half = WORKER.SAMPLES // 2
    whole, _ = WORKER.price(name, slice(None))
    parts = [WORKER.price(name, part)[0] for part in (slice(half), slice(half, None))]
    assert (torch.stack(parts).mean() - whole).abs() > 1e-4


@every_coupled_loss
def test_a_part_of_the_batch_is_refused_by_name(name: str) -> None:
    weights = WORKER.parameters()
    parts = WORKER.batch()

    def terms(*values: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": WORKER.LOSSES[name](dict(zip(parts, values, strict=True)), weights)}

    with pytest.raises(ValueError, match=f"{name} needs the whole batch, got one part of it"):
        Accumulated(2)(terms, tuple(parts.values()), None)
    assert all(weight.grad is None for weight in weights.values())
    whole = Accumulated(1)(terms, tuple(parts.values()), None)
    torch.testing.assert_close(whole["loss"], WORKER.price(name, slice(None))[0])


@pytest.mark.parametrize("name", ["class_loss", "multi_label_loss"])
def test_missing_labels_leave_a_batch_the_mean_of_its_parts(name: str) -> None:
    logits = torch.randn(12, 3, dtype=torch.float64, requires_grad=True)
    labels = WORKER.batch()["labels"]
    given = (
        labels
        if name == "class_loss"
        else torch.stack([labels.clamp(max=1), labels.flip(0).clamp(max=1), labels.clamp(-1, 0)], 1)
    )

    def terms(logits: torch.Tensor, given: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": getattr(losses, name)(logits, given)}

    expected = getattr(losses, name)(logits, given)
    (gradient,) = torch.autograd.grad(expected, logits)
    logged = Accumulated(5)(terms, (logits, given), None)
    torch.testing.assert_close(logged["loss"], expected.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(logits.grad, gradient, rtol=1e-12, atol=1e-12)

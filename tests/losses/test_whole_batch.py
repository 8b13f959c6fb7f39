"""Losses that couple samples and label policies: several ranks agree with one process, and a part of a batch is refused."""

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from support.ranks import as_ranks, run_ranks

from gankit import losses
from gankit.losses import AdaptiveProbability, flip_labels
from gankit.training import Accumulated, Loss, load_checkpoint

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
def computed_by_ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("ranks")
    outs = [folder / f"{rank}.pt" for rank in range(RANKS)]
    run_ranks([(str(PATH), str(rank), str(RANKS), str(folder / "meet"), str(out)) for rank, out in enumerate(outs)])
    return [load_checkpoint(out) for out in outs]


def test_every_loss_that_couples_samples_is_in_the_table() -> None:
    needs = "only a part of the batch is given"
    functions = {name: loss for name, loss in vars(losses).items() if inspect.isfunction(loss)}
    coupled = {name for name, loss in functions.items() if needs in " ".join((inspect.getdoc(loss) or "").split())}
    assert coupled == set(WORKER.LOSSES)


@every_coupled_loss
def test_the_mean_over_ranks_is_the_value_and_the_gradient_of_the_whole_batch(
    name: str, computed_by_ranks: list[dict[str, Any]]
) -> None:
    value, gradients = WORKER.compute(name, slice(None))
    ranks = [rank[name] for rank in computed_by_ranks]
    mean = {key: torch.stack([rank[key] for rank in ranks]).mean(dim=0) for key in ranks[0]}
    torch.testing.assert_close(mean, {"value": value, **gradients}, rtol=1e-10, atol=1e-10)
    assert gradients["layer"].abs().max() > 1e-3  # the comparison sees something


@every_coupled_loss
@pytest.mark.parametrize("count", [2, 3])
def test_ranks_in_threads_compute_it_too(name: str, count: int) -> None:
    value, gradients = WORKER.compute(name, slice(None))
    each = WORKER.SAMPLES // count
    ranks = as_ranks(count, lambda rank: WORKER.compute(name, slice(rank * each, (rank + 1) * each)))
    torch.testing.assert_close(torch.stack([own for own, _ in ranks]).mean(), value, rtol=1e-10, atol=1e-10)
    mean = {key: torch.stack([own[key] for _, own in ranks]).mean(dim=0) for key in gradients}
    torch.testing.assert_close(mean, gradients, rtol=1e-10, atol=1e-10)


@every_coupled_loss
def test_ranks_that_kept_to_themselves_would_be_seen(name: str) -> None:
    half = WORKER.SAMPLES // 2
    whole, _ = WORKER.compute(name, slice(None))
    parts = [WORKER.compute(name, part)[0] for part in (slice(half), slice(half, None))]
    assert (torch.stack(parts).mean() - whole).abs() > 1e-4


@every_coupled_loss
def test_a_part_of_the_batch_is_refused_by_name(name: str) -> None:
    weights = WORKER.parameters()
    parts = WORKER.batch()

    def terms(*values: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": WORKER.LOSSES[name](dict(zip(parts, values, strict=True)), weights)}

    loss = Loss(terms, list(weights.values()))
    with pytest.raises(ValueError, match=f"{name} needs the whole batch, got one part of it"):
        Accumulated(2)(loss, tuple(parts.values()))
    assert all(weight.grad is None for weight in weights.values())
    whole = Accumulated(1)(loss, tuple(parts.values()))
    torch.testing.assert_close(whole.costs["loss"], WORKER.compute(name, slice(None))[0])


@pytest.mark.parametrize("name", ["class_loss", "multi_label_loss"])
def test_missing_labels_leave_a_batch_the_mean_of_its_parts(name: str) -> None:
    logits = torch.nn.Parameter(torch.randn(12, 3, dtype=torch.float64))
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
    logged = Accumulated(5)(Loss(terms, (logits,)), (logits, given))
    torch.testing.assert_close(logged.costs["loss"], expected.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(logits.grad, gradient, rtol=1e-12, atol=1e-12)


def test_one_coin_of_the_whole_batch_is_that_of_the_first_rank() -> None:
    for seed in range(20):
        coins = [torch.rand((), generator=torch.Generator().manual_seed(seed + rank)) for rank in range(2)]

        def flip(rank: int, seed: int = seed) -> torch.Tensor:
            rng = torch.Generator().manual_seed(seed + rank)
            return flip_labels(torch.zeros(3), 0.5, whole_batch=True, rng=rng)

        first, second = as_ranks(2, flip)
        assert torch.equal(first, second)
        assert first.tolist() == [float(coins[0] < 0.5)] * 3


def test_coins_of_single_samples_are_each_ranks_own_and_may_be_drawn_in_parts() -> None:
    def flip(rank: int) -> torch.Tensor:
        return flip_labels(torch.zeros(64), 0.5, rng=torch.Generator().manual_seed(rank))

    ranks = as_ranks(2, flip)
    assert all(torch.equal(own, flip(rank)) for rank, own in enumerate(ranks))
    assert not torch.equal(*ranks)
    weight = torch.nn.Parameter(torch.ones(()))
    loss = Loss(lambda labels: {"loss": weight * flip_labels(labels, 1.0).mean()}, (weight,))
    assert Accumulated(2)(loss, (torch.zeros(6),)).costs["loss"] == 1.0


def test_a_given_coin_counts_as_it_is() -> None:
    draws = torch.tensor([0.7, 0.2])
    flipped = as_ranks(2, lambda rank: flip_labels(torch.zeros(3), 0.5, whole_batch=True, draw=draws[rank]))
    assert [one.tolist() for one in flipped] == [[0.0] * 3, [1.0] * 3]


def test_the_probability_moves_by_the_samples_of_all_ranks_and_their_mean_sign() -> None:
    scores = torch.tensor([[5.0, 1.0, 2.0], [-1.0, 0.0, 0.0]])  # the second rank alone would go down

    def update(rank: int) -> torch.Tensor:
        adaptive = AdaptiveProbability(target=0.0, length=100)
        adaptive.update(scores[rank])
        return adaptive.probability

    torch.testing.assert_close(torch.stack(as_ranks(2, update)), torch.tensor([0.06, 0.06]))


def test_mean_signs_of_ranks_in_half_precision_are_averaged_in_full() -> None:
    # Their mean, 0.5996, is below the target; bfloat16 would round it to 0.6016, above.
    mean_signs = torch.tensor([154 / 256, 153 / 256], dtype=torch.bfloat16)

    def move(rank: int) -> torch.Tensor:
        adaptive = AdaptiveProbability(length=100)
        adaptive.load_state_dict({"version": 1, "probability": torch.tensor(0.5)})
        adaptive.move(mean_signs[rank], samples=3)
        return adaptive.probability

    torch.testing.assert_close(torch.stack(as_ranks(2, move)), torch.tensor([0.44, 0.44]))


PROGRAM = """
import sys
import torch
from torch import distributed
from gankit.losses import AdaptiveProbability, flip_labels

rank, file = int(sys.argv[1]), sys.argv[2]
distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=2)
labels, rng, first = torch.zeros(3), torch.Generator().manual_seed(rank), torch.Generator().manual_seed(0)
flipped = []
for _ in range(40):
    own = flip_labels(labels, 0.5, whole_batch=True, rng=rng)
    assert torch.equal(own, flip_labels(labels, 0.5, whole_batch=True, draw=torch.rand((), generator=first)))
    flipped.append(float(own[0]))
assert 0 < sum(flipped) < 40, flipped
given = flip_labels(labels, 0.5, whole_batch=True, draw=torch.tensor(0.2 if rank else 0.7))
assert given.tolist() == [float(rank)] * 3  # a coin that is given counts as it is
own = flip_labels(labels.new_zeros(64), 0.5, rng=torch.Generator().manual_seed(rank))
both = [torch.zeros(64), torch.zeros(64)]
distributed.all_gather(both, own)
assert not torch.equal(*both)  # coins of single samples are each rank's own

adaptive = AdaptiveProbability(target=0.0, length=100)
# The mean sign of both ranks is above 0, though rank 1 alone would go down; and a step is 6 samples.
adaptive.update(torch.tensor([5.0, 1.0, 2.0] if rank == 0 else [-1.0, 0.0, 0.0]))
torch.testing.assert_close(adaptive.probability, torch.tensor(0.06))
distributed.destroy_process_group()
"""


def test_two_ranks_agree(tmp_path: Path) -> None:
    run_ranks([("-c", PROGRAM, str(rank), str(tmp_path / "meet")) for rank in range(2)])

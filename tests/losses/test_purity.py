"""Losses and draws of labels are pure tensor code: they run without values, replay after tracing, and wait for no device."""

from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

import pytest
import torch
from support.defaults import assert_defaults_do_not_matter
from support.traced import assert_replays
from torch.fx.experimental.proxy_tensor import make_fx

from gankit import losses
from gankit.losses import (
    AdaptiveProbability,
    Logistic,
    class_loss,
    conditioning_kl_loss,
    constant_labels,
    critic_loss,
    data_to_data_loss,
    energy_distance_loss,
    feature_matching_loss,
    flip_labels,
    generator_loss,
    labeled_loss,
    matching_aware_critic_loss,
    mean_feature_loss,
    mismatched_indices,
    mismatched_labels,
    mode_seeking_loss,
    multi_label_loss,
    paired_critic_loss,
    paired_generator_loss,
    relativistic_average_critic_loss,
    relativistic_average_generator_loss,
    uniform_labels,
)

OBJECTIVES: tuple[Any, ...] = (
    Logistic(saturating=True),
    *(
        kind()
        for kind in vars(losses).values()
        if isinstance(kind, type) and hasattr(kind, "generator") and is_dataclass(kind)
    ),
)
Call = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], Any]


def _moved(scores: torch.Tensor) -> object:
    adaptive = AdaptiveProbability(target=0.1, length=10, device=scores.device)
    adaptive.update(scores + 1)
    adaptive.update(scores)
    return adaptive.probability, flip_labels(scores, adaptive.probability)


# Of scores or features x in 0..1 and y, both (5, 3), and class ids (5,) from 1 to 4.
CALLS: dict[str, Call] = {
    "AdaptiveProbability": lambda x, y, ids: _moved(y),
    "AdaptiveProbability, a reading": lambda x, y, ids: AdaptiveProbability.mean_sign([x, y]),
    "class_loss": lambda x, y, ids: class_loss(
        [y, x], torch.stack([ids - 2, (ids - 2).flip(0)], 1), weights=(0.5, 2.0)
    ),
    "conditioning_kl_loss": lambda x, y, ids: conditioning_kl_loss(x, y),
    "constant_labels": lambda x, y, ids: constant_labels(x, 0.9) * x,
    "critic_loss": lambda x, y, ids: [critic_loss(one, x, y) for one in OBJECTIVES],
    "critic_loss, labels": lambda x, y, ids: critic_loss(Logistic(), y, x, real_labels=x, fake_labels=1 - x),
    "data_to_data_loss": lambda x, y, ids: data_to_data_loss(y, x[:3], ids - 2),
    "energy_distance_loss": lambda x, y, ids: energy_distance_loss(x, y),
    "feature_matching_loss": lambda x, y, ids: feature_matching_loss([[x, y], [x]], [[y, x], [y]]),
    "flip_labels": lambda x, y, ids: flip_labels(x, x[0, 0]),
    "flip_labels, a given coin": lambda x, y, ids: flip_labels(x, 0.5, draw=x[:, 0].detach()),
    "flip_labels, one coin": lambda x, y, ids: flip_labels(x, 0.5, whole_batch=True),
    "generator_loss": lambda x, y, ids: [generator_loss(one, y) for one in OBJECTIVES],
    "labeled_loss": lambda x, y, ids: labeled_loss(Logistic(), y, x),
    "matching_aware_critic_loss": lambda x, y, ids: matching_aware_critic_loss(
        Logistic(), x, y, x * y, mismatched_labels=x
    ),
    "mean_feature_loss": lambda x, y, ids: mean_feature_loss(x, y),
    "mismatched_indices": lambda x, y, ids: mismatched_indices(y),
    "mismatched_indices, a given draw": lambda x, y, ids: x[mismatched_indices(ids, draw=x[:, 0].detach())],
    "mismatched_labels": lambda x, y, ids: mismatched_labels(torch.stack([ids, ids - 1], 1), (5, 4)),
    "mismatched_labels, a given draw": lambda x, y, ids: mismatched_labels(ids, 5, draw=ids),
    "mode_seeking_loss": lambda x, y, ids: mode_seeking_loss(x, y, y[:, :2], x[:, :2]),
    "multi_label_loss": lambda x, y, ids: multi_label_loss(
        [y, x], [(ids % 3 - 1).unsqueeze(1).expand(5, 3), x.detach()]
    ),
    "paired losses": lambda x, y, ids: [loss(Logistic(), x, y) for loss in (paired_critic_loss, paired_generator_loss)],
    "relativistic averages": lambda x, y, ids: [
        loss(Logistic(), x, y) for loss in (relativistic_average_critic_loss, relativistic_average_generator_loss)
    ],
    "uniform_labels": lambda x, y, ids: uniform_labels([x, y], 0.8, 1.0),
    "uniform_labels, a given draw": lambda x, y, ids: uniform_labels(x, 0.8, 1.0, draw=x.detach()),
}
SPELLED_OUT = {
    "paired losses": ("paired_critic_loss", "paired_generator_loss"),
    "relativistic averages": ("relativistic_average_critic_loss", "relativistic_average_generator_loss"),
}
every = pytest.mark.parametrize("name", CALLS)


def _inputs(seed: int, device: str = "cpu") -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    x = torch.rand(5, 3, dtype=torch.float64, generator=rng)
    y = torch.randn(5, 3, dtype=torch.float64, generator=rng)
    return x.to(device), y.to(device), (torch.randperm(5, generator=rng) % 4 + 1).to(device)


def test_every_loss_and_draw_is_in_the_table() -> None:
    covered = {name for call in CALLS for name in SPELLED_OUT.get(call, (call.partition(",")[0],))}
    objectives = {type(one).__name__ for one in OBJECTIVES} | {"Objective"}
    assert {"Wasserstein", "Logistic", "Hinge", "LeastSquares"} <= objectives
    public = {name for name in vars(losses) if not name.startswith("_")}
    assert covered | objectives == public, "give a new loss a row in CALLS of this file"


@every
def test_tensors_without_values_will_do(name: str) -> None:
    inputs = tuple(torch.empty_like(one, device="meta") for one in _inputs(0))
    with pytest.raises(RuntimeError):
        bool(inputs[0].any())  # this is how a reading would be noticed
    CALLS[name](*inputs)


@every
def test_a_replay_on_other_inputs_equals_the_eager_call(name: str) -> None:
    assert_replays(CALLS[name], _inputs(0), (_inputs(1), _inputs(2)))


@every
def test_the_defaults_of_the_process_do_not_matter(name: str) -> None:
    x, y, ids = _inputs(0)
    assert_defaults_do_not_matter(CALLS[name], x.float(), y.float(), ids)


def test_a_loss_that_reads_what_changes_would_be_seen() -> None:
    calls: list[int] = []

    def counted(x: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return len(calls) * x

    with pytest.raises(AssertionError, match="not close"):
        assert_replays(counted, (torch.ones(3),), ((torch.ones(3),),))


def test_a_replay_sees_a_probability_that_moved_since() -> None:
    adaptive = AdaptiveProbability(length=10)
    coins = torch.tensor([0.1, 0.3, 0.5])
    graph = make_fx(lambda x: flip_labels(x, adaptive.probability, draw=coins))(coins * 0)
    flipped = []
    for _ in range(3):
        flipped.append(graph(torch.zeros(3)).tolist())
        adaptive.update(torch.ones(3))
    assert flipped == [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]


def test_a_replay_of_equal_conditions_is_refused_by_the_graph() -> None:
    draw = torch.rand(4)
    graph = make_fx(lambda x: mismatched_indices(x, draw=draw))(torch.arange(4))
    with pytest.raises(RuntimeError, match="conditions must hold at least two different ones"):
        graph(torch.zeros(4, dtype=torch.int64))


@pytest.mark.parametrize(
    "name", ["class_loss", "flip_labels", "mismatched_indices", "mismatched_labels", "uniform_labels"]
)
def test_batches_of_any_size_share_one_compiled_graph(name: str) -> None:
    torch.compiler.reset()
    compiled = torch.compile(CALLS_OF_ANY_SIZE[name], backend="aot_eager", fullgraph=True, dynamic=True)
    for size in (5, 7, 11):
        x = torch.rand(size, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(size))
        ids = torch.arange(size) % 4
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(size)
            expected = CALLS_OF_ANY_SIZE[name](x, ids)
        torch.manual_seed(size)
        torch.testing.assert_close(compiled(x, ids), expected, rtol=1e-12, atol=1e-12)


CALLS_OF_ANY_SIZE: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "class_loss": lambda x, ids: class_loss(x, ids % 4 - 1),
    "flip_labels": lambda x, ids: flip_labels(x, 0.5),
    "mismatched_indices": lambda x, ids: mismatched_indices(ids),
    "mismatched_labels": lambda x, ids: mismatched_labels(ids, 4),
    "uniform_labels": lambda x, ids: uniform_labels(x, 0.8, 1.0),
}


@pytest.mark.cuda
@every
def test_cuda_is_not_waited_for(name: str) -> None:
    inputs = _inputs(0, "cuda")
    CALLS[name](*inputs)  # the first call of a kernel loads it
    torch.cuda.set_sync_debug_mode("error")
    try:
        CALLS[name](*inputs)
    finally:
        torch.cuda.set_sync_debug_mode("default")

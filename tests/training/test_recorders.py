"""What knows CUDA: the rest of `Graphed` runs in test_graphed.py. The tests of graphs need a device."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from support.update_nets import CASES, Gan
from torch import nn

from gankit.schedules import Round
from gankit.training import (
    Accumulated,
    Eager,
    FiniteStepper,
    Gradients,
    Graphed,
    LogRing,
    ScaledStepper,
    Stepper,
    Update,
    WeightAverage,
    play_round,
)
from gankit.training._recorders import recorder_for, same_random_numbers

FUSED = partial(torch.optim.Adam, lr=2e-3, betas=(0.5, 0.9), fused=True)


def test_random_states_are_put_back_on_request_and_after_an_error() -> None:
    torch.manual_seed(1)
    with same_random_numbers(torch.device("cpu")) as restore:
        first = torch.rand(3)
        restore()
        assert torch.equal(torch.rand(3), first)
    assert not torch.equal(torch.rand(3), first)
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), same_random_numbers(torch.device("cpu")):
        _draw_and_fail()
    assert torch.equal(torch.get_rng_state(), before)


def _draw_and_fail() -> float:
    return torch.rand(3).sum().item() / 0


def test_there_is_no_recorder_for_the_cpu() -> None:
    with pytest.raises(ValueError, match="needs parameters on a CUDA device, got cpu"):
        recorder_for(torch.device("cpu"))


def _pair(
    gan: Gan, gradients: Callable[[], Gradients], stepper: Callable[[], Stepper], optimizer: Any = FUSED
) -> tuple[Update, Update]:
    gan.critic.cuda()
    gan.generator.cuda()
    critic = Update(optimizer(gan.critic.parameters()), gan.critic_terms, gradients=gradients(), stepper=stepper())
    generator = Update(
        optimizer(gan.generator.parameters()),
        gan.generator_terms,
        frozen=[gan.critic],
        gradients=gradients(),
        stepper=stepper(),
    )
    return critic, generator


def _play(gan: Gan, both: tuple[Update, Update], rounds: int) -> list[dict[str, torch.Tensor]]:
    torch.manual_seed(3)
    logged = []
    for number in range(rounds):
        batch = [tensor.cuda() for tensor in gan.batch(7, number)]
        logged += [update(*batch) for update in both]
    return logged


@pytest.mark.cuda
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_graphs_train_as_eager_steps_do(name: str, whole: bool) -> None:
    eager, graphed = Gan(name, whole=whole), Gan(name, whole=whole)
    expected = _play(eager, _pair(eager, Eager, FiniteStepper, torch.optim.SGD), 6)
    found = _play(graphed, _pair(graphed, partial(Graphed, 2), FiniteStepper, torch.optim.SGD), 6)
    torch.testing.assert_close(graphed.state(), eager.state(), rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.cuda
@pytest.mark.parametrize("name", ["no norm", "group norm", "embedder"])
def test_graphs_of_parts_of_a_batch_train_as_the_whole_of_it(name: str) -> None:
    eager, graphed = Gan(name, whole=False), Gan(name, whole=False)
    expected = _play(eager, _pair(eager, Eager, FiniteStepper, torch.optim.SGD), 6)
    parts = _pair(graphed, lambda: Accumulated(2, gradients=Graphed(2)), FiniteStepper, torch.optim.SGD)
    torch.testing.assert_close(_play(graphed, parts, 6), expected, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(graphed.state(), eager.state(), rtol=1e-8, atol=1e-8)


@pytest.mark.cuda
def test_draws_of_a_graph_are_fresh_and_follow_the_random_state() -> None:
    net = nn.Linear(3, 1, device="cuda")
    update = Update(
        torch.optim.SGD(net.parameters(), lr=0.0),
        lambda x: ({"loss": net(x).mean()}, {"draw": torch.rand(5, device=x.device).mean(), "x": x.mean()}),
        gradients=Graphed(1),
    )
    x = torch.ones(7, 3, device="cuda")
    for _ in range(3):
        update(x)
    torch.cuda.manual_seed(5)
    state = torch.cuda.get_rng_state()
    draws = torch.stack([update(x)["draw"] for _ in range(4)])
    torch.cuda.set_rng_state(state)
    again = torch.stack([update(x)["draw"] for _ in range(4)])
    torch.cuda.manual_seed(5)
    eager = [torch.rand(5, device="cuda").mean() for _ in range(4)]
    assert torch.equal(draws, again)
    assert len(set(draws.tolist())) == 4
    torch.testing.assert_close(draws, torch.stack(eager))


@pytest.mark.cuda
def test_what_cannot_be_captured_is_refused_and_the_device_goes_on() -> None:
    net = nn.Linear(3, 1, device="cuda")
    for terms, message in (
        (lambda x: {"loss": net(x).mean() * net(x).mean().item()}, "read values on the host"),
        (lambda x: {"loss": (net(x) * torch.ones(()).cuda()).mean()}, "move tensors between devices"),
        (lambda x: {"loss": net(x[x[:, 0] > 0]).mean()}, "cannot be recorded|read values on the host"),
    ):
        update = Update(torch.optim.SGD(net.parameters(), lr=0.1), terms, gradients=Graphed(1))
        x = torch.ones(7, 3, device="cuda")
        with pytest.raises(ValueError, match=message):
            _ = [update(x) for _ in range(3)]
    torch.cuda.synchronize()


@pytest.mark.cuda
@pytest.mark.parametrize("optimizer", [FUSED, partial(torch.optim.RMSprop, lr=1e-3)])
@pytest.mark.parametrize(
    "stepper", [partial(FiniteStepper, max_norm=1.0), partial(ScaledStepper, "cuda", max_norm=1.0)]
)
@pytest.mark.parametrize("gradients", [Eager, partial(Graphed, 1)])
def test_a_round_does_not_wait_for_the_device(
    gradients: Callable[[], Gradients], stepper: Callable[[], Stepper], optimizer: Any
) -> None:
    gan = Gan("spectral norm", dtype=torch.float32)
    critic, generator = _pair(gan, gradients, stepper, optimizer)
    average, log = WeightAverage(gan.generator), LogRing(50)
    batches = iter([tuple(tensor.cuda() for tensor in gan.batch(7, number)) for number in range(40)])

    def play() -> None:
        log.write(play_round(Round(5), batches, critic=critic, generator=generator))
        average.update()

    for _ in range(3):
        play()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            play()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    rows = log.read()
    assert len(rows) == 6
    assert all(torch.tensor(list(row.values())).isfinite().all() for row in rows)

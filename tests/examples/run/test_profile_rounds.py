"""Rounds measured by a clock that the work of the test moves: each second belongs to one part."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import pytest
import torch
from torch import distributed, nn

import gankit as gk
from examples.anime_faces.run._feed import Feed
from examples.anime_faces.run._profile import ROUNDS, Profile, profile_rounds
from examples.anime_faces.run._together import ALONE, Together
from examples.anime_faces.systems import Hardware, Player, Share, Side, System, Training

Gradients = Callable[[], gk.training.Gradients]


@dataclass
class Machine:
    """A host whose work takes seconds, and a device that works on what is queued once it is waited for."""

    device: str = "cpu"
    now: float = 0.0
    queued: float = 0.0
    played: list[int] = field(default_factory=list)

    def work(self, seconds: float, *_: object) -> None:
        self.now += seconds

    def queue(self, seconds: float) -> None:
        self.queued += seconds

    def wait(self, *_: object) -> None:
        self.now, self.queued = self.now + self.queued, 0.0

    def __next__(self) -> tuple[torch.Tensor]:
        self.work(1)
        return (torch.tensor([[0.5], [2.0]]),)

    def __iter__(self) -> Iterator[tuple[torch.Tensor]]:
        return self

    batch_size = 2


def training_on(
    machine: Machine,
    gradients: Gradients,
    *,
    prepare: Callable[..., Any] | None = None,
    measure: Callable[..., Any] | None = None,
    in_step: Callable[[], object] = lambda: None,
    constraint: Callable[[], object] | None = None,
    after: Callable[..., None] = lambda readings: None,
) -> tuple[Training, Feed]:
    """A critic with a penalty and named terms, a generator, and an average; what takes how long is written beside it."""
    critic, generator = nn.Linear(1, 1), nn.Linear(1, 1)

    class Slow(torch.optim.SGD):
        def step(self, closure: None = None) -> None:
            machine.work(16)
            in_step()
            return super().step(closure)

    class Average(gk.training.WeightAverage):
        def update(self) -> None:
            machine.work(256)
            super().update()

    def score(network: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
        scores = network(inputs).square()
        machine.work(4)
        scores.register_hook(lambda _: machine.work(8))
        return scores

    def terms(inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        points = inputs.clone().requires_grad_()
        scores = score(critic, points)
        (slopes,) = torch.autograd.grad(scores.sum(), points, create_graph=True)  # 8
        slopes.register_hook(lambda _: machine.work(64))
        return {"score": scores.mean(), "penalty": slopes.square().mean()}

    def player(name: str, network: nn.Module, named: dict[str, gk.training.Terms]) -> Player:
        optimizer = Slow(network.parameters(), lr=0.125)
        updates = {
            own: gk.training.Update(optimizer, one, constraint=constraint, gradients=gradients())
            for own, one in named.items()
        }
        return Player(name=name, side=Side(network=network, optimizer=torch.optim.SGD, terms=named), updates=updates)

    system = System(
        critic={},
        generator={},
        batch_size=2,
        plan=machine.played.append,
        prepare=prepare,
        measure=measure,
        after=after,
    )
    training = Training(
        system=system,
        blueprint=cast("Any", None),
        hardware=Hardware(device=machine.device),
        networks={"critic": critic, "generator": generator},
        averages={"generator": Average(generator)},
        players={
            "critic": {"": player("critic", critic, {"real": terms})},
            "generator": {"": player("generator", generator, {"": lambda x: {"cost": score(generator, x).mean()}})},
        },
    )
    return training, cast("Feed", machine)


def measured(
    machine: Machine, *, seconds: float = 1e9, steps: int = 10, together: Together = ALONE, **options: Any
) -> Profile:
    build = partial(training_on, machine, **options)
    return profile_rounds(build, steps=steps, seconds=seconds, clock=lambda: machine.now, together=together)


@pytest.fixture
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.run._profile.ROUNDS", 3)


@pytest.mark.usefixtures("few_rounds")
def test_every_second_of_a_round_is_in_its_part() -> None:
    machine = Machine()

    def prepare(batch: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        machine.work(2)
        return batch

    def measure(inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        machine.work(32)
        return {"scores/real": inputs.mean()}

    found = measured(
        machine,
        prepare=prepare,
        measure=measure,
        constraint=partial(machine.work, 128),
        after=partial(machine.work, 512),
    )
    assert list(found.parts.items()) == [
        ("data", 1),
        ("readings before the updates", 32),
        ("drawn for all updates", 2),
        ("critic/real: forward passes", 4),
        ("critic/real: gradients inside the terms", 8),
        ("critic/real: backward pass of score", 8),
        ("critic/real: backward pass of penalty", 64),
        ("critic/real: optimizer", 16),
        ("critic/real: checks and constraint", 128),
        ("generator: forward passes", 4),
        ("generator: backward pass of cost", 8),
        ("generator: optimizer", 16),
        ("generator: checks and constraint", 128),
        ("averages", 256),
        ("the rest of the round", 512),
    ]
    whole = sum(found.parts.values())
    assert (found.rounds, found.whole, found.queued) == (3, whole, whole)


@pytest.mark.usefixtures("few_rounds")
def test_rounds_are_played_by_turns_from_the_middle_of_the_plan_after_one_that_is_not_counted() -> None:
    machine = Machine()

    def after(readings: object) -> None:
        del readings
        machine.work(1000 if len(machine.played) < 3 else 1)

    found = measured(machine, after=after)
    assert machine.played == [6, 6, 7, 7, 8, 8, 9, 9]
    assert found.parts["the rest of the round"] == 1
    assert found.whole < 1000


@pytest.mark.parametrize(
    ("seconds", "rounds"),
    [
        (0.0, 1),  # one at least
        (1000.0, 1),  # both rounds of a turn together take 1000 seconds here
        (1001.0, 2),
        (2000.0, 2),
        (1e9, ROUNDS),
    ],
)
def test_no_round_begins_after_the_seconds_that_are_given(seconds: float, rounds: int) -> None:
    machine = Machine(now=50.0)
    before = 0.0

    def after(readings: object) -> None:
        nonlocal before
        del readings
        if len(machine.played) % 2 == 0:
            machine.now = before + 1000
            before = machine.now

    assert measured(machine, seconds=seconds, after=after).rounds == rounds


@pytest.mark.usefixtures("few_rounds")
def test_on_a_device_queued_work_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(device="cuda")
    monkeypatch.setattr("torch.accelerator.synchronize", machine.wait)
    found = measured(machine, constraint=partial(machine.queue, 1024), after=lambda readings: machine.queue(2048))
    host = 1 + (4 + 8 + 8 + 64 + 16) + (4 + 8 + 16) + 256
    assert (found.queued, found.waiting) == (host, 2 * 1024 + 2048)
    assert found.parts["critic/real: checks and constraint"] == 1024
    assert found.parts["the rest of the round"] == 2048


@pytest.mark.usefixtures("few_rounds")
def test_what_ranks_add_up_is_a_part_of_each_update_and_of_the_round(monkeypatch: pytest.MonkeyPatch) -> None:
    class Two(Together):
        def of_first(self, number: int) -> int:
            return number

    machine = Machine()
    plain = partial(machine.work, 1024)
    monkeypatch.setattr(distributed, "all_reduce", plain)

    def add_up(*_: object) -> None:
        distributed.all_reduce(torch.zeros(1))

    def measure(inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        add_up()
        return {"scores/real": inputs.mean()}

    found = measured(
        machine,
        together=Two(Share(ranks=2)),
        measure=measure,
        in_step=add_up,
        constraint=add_up,
        after=add_up,
    )
    sums = {name: seconds for name, seconds in found.parts.items() if "sums" in name}
    assert sums == {
        "readings before the updates: sums over the ranks, and the wait for them": 1024,
        "critic/real: sums over the ranks, and the wait for them": 2048,
        "generator: sums over the ranks, and the wait for them": 2048,
        "sums over the ranks, and the wait for them": 1024,
    }
    assert distributed.all_reduce is plain

"""A small GAN on points of a ring: stopped and resumed, it ends in the same bits as one that was never stopped."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gankit.constraints import gradient_penalty
from gankit.losses import Wasserstein, critic_loss, generator_loss
from gankit.schedules import Boosted, Round
from gankit.training import Checkpoints, Update, WeightAverage, load_network_state, network_state, play_round

BATCH = 16


class _Ring:
    """Batches of points on a circle: a pure function of the seed and the position."""

    def __init__(self) -> None:
        self.position = 0

    def __iter__(self) -> Iterator[torch.Tensor]:
        return self

    def __next__(self) -> torch.Tensor:
        rng = torch.Generator().manual_seed(1000 + self.position)
        self.position += 1
        angle = 2 * torch.pi * torch.rand(BATCH, generator=rng)
        return torch.stack((angle.cos(), angle.sin()), dim=1)


class _Training:
    def __init__(self) -> None:
        torch.manual_seed(7)
        self.generator = nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
        self.critic = nn.Sequential(nn.Linear(2, 16), nn.Dropout(0.1), nn.LeakyReLU(0.2), nn.Linear(16, 1))
        self.batches = _Ring()
        self.round = 0
        self.schedule = Boosted(base=Round(2), boost=Round(4), first=2, every=5)
        self.train_critic = Update(torch.optim.Adam(self.critic.parameters(), 1e-2, (0.0, 0.9)), self._critic_terms)
        self.train_generator = Update(
            torch.optim.RMSprop(self.generator.parameters(), 1e-3, momentum=0.5),
            lambda real: {
                "loss": generator_loss(Wasserstein(), self.critic(self.generator(torch.randn(len(real), 3))))
            },
            frozen=[self.critic],
        )
        self.average = WeightAverage(self.generator, decay=0.95)

    def _critic_terms(self, real: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            fake = self.generator(torch.randn(len(real), 3))
        return {
            "loss": critic_loss(Wasserstein(), self.critic(real), self.critic(fake)),
            "penalty": 10 * gradient_penalty(self.critic, real, fake),
        }

    def play(self, rounds: int) -> dict[str, torch.Tensor]:
        logged: dict[str, torch.Tensor] = {}
        for _ in range(rounds):
            logged = play_round(
                self.schedule(self.round), self.batches, critic=self.train_critic, generator=self.train_generator
            )
            self.average.update()
            self.round += 1
        return logged

    def state(self) -> dict[str, Any]:
        return {
            "generator": network_state(self.generator),
            "critic": network_state(self.critic),
            "train_generator": self.train_generator.state_dict(),
            "train_critic": self.train_critic.state_dict(),
            "average": self.average.state_dict(),
            "position": self.batches.position,
            "round": self.round,
            "rng": torch.get_rng_state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        load_network_state(self.generator, state["generator"])
        load_network_state(self.critic, state["critic"])
        self.train_generator.load_state_dict(state["train_generator"])
        self.train_critic.load_state_dict(state["train_critic"])
        self.average.load_state_dict(state["average"])
        self.batches.position = state["position"]
        self.round = state["round"]
        torch.set_rng_state(state["rng"])


def _digest(value: Any) -> str:
    """Return the sha256 of nested state: every name, every type, every bit of every tensor."""
    parts = hashlib.sha256()

    def visit(item: Any) -> None:
        parts.update(type(item).__name__.encode())
        if isinstance(item, torch.Tensor):
            parts.update(f"{item.dtype}{tuple(item.shape)}".encode() + item.contiguous().numpy().tobytes())
        elif isinstance(item, dict):
            for key, inner in item.items():
                parts.update(repr(key).encode())
                visit(inner)
        elif isinstance(item, list | tuple):
            for inner in item:
                visit(inner)
        else:
            parts.update(repr(item).encode())

    visit(value)
    return parts.hexdigest()


def test_a_resumed_run_ends_in_the_same_bits(tmp_path: Path) -> None:
    whole = _Training()
    whole.play(13)
    expected = _digest(whole.state())

    cut = _Training()
    for _ in range(2):
        checkpoints = Checkpoints(tmp_path)
        cut.play(4)
        checkpoints.save(cut.round, cut.state())
        torch.rand(3)  # whatever happens between must not matter
        cut = _Training()
        loaded = Checkpoints(tmp_path).load_latest()
        assert loaded is not None
        assert loaded[0] == loaded[1]["round"]
        cut.load(loaded[1])
    cut.play(5)
    assert _digest(cut.state()) == expected


def test_every_part_of_the_state_counts(tmp_path: Path) -> None:
    whole = _Training()
    whole.play(3)
    state = whole.state()
    Checkpoints(tmp_path).save(3, state)
    whole.play(3)
    expected = _digest(whole.state())
    fresh = _Training().state()
    for name in state:
        loaded = Checkpoints(tmp_path).load_latest()
        assert loaded is not None
        resumed = _Training()
        resumed.load({**loaded[1], name: fresh[name]})
        resumed.play(3)
        assert _digest(resumed.state()) != expected, name

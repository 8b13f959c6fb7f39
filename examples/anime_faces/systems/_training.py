"""From a recipe to something that trains: the only place that knows placement, precision, optimizers and gradient parts."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
from torch import nn
from torch.optim import Optimizer

import gankit as gk
from examples.anime_faces.systems._description import Description
from examples.anime_faces.systems._drawing import Drawer
from examples.anime_faces.systems._hardware import Hardware
from examples.anime_faces.systems._recipe import Batch, Blueprint, OptimizerMaker, Recipe, Side, System

Value = TypeVar("Value")
StepFunction = Callable[..., dict[str, torch.Tensor]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """A side with its updates.

    Args:
        side: What the recipe says.
        updates: The updates of its named terms; a single one has the name ``""``.
    """

    side: Side
    updates: Mapping[str, gk.training.Update]

    def turn(self, step: int) -> Mapping[str, gk.training.Update]:
        """Return the updates that this side takes at a step, by the names under which they are logged."""
        if self.side.turn is None:
            return self.updates
        return {"": self.updates[self.side.turn(step)]}

    def set_learning_rate(self, step: int) -> None:
        """Give the optimizer the learning rate of a step."""
        if self.side.learning_rate is not None:
            for update in self.updates.values():
                for group in update.optimizer.param_groups:
                    group["lr"] = self.side.learning_rate(step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Everything that a run trains, on its hardware.

    Args:
        system: What the recipe says.
        blueprint: How the networks draw.
        hardware: Where they are.
        networks: All networks by name.
        averages: The average of each network that draws.
        players: The sides of ``"critic"`` and ``"generator"`` with their updates.
    """

    system: System
    blueprint: Blueprint
    hardware: Hardware
    networks: Mapping[str, nn.Module]
    averages: Mapping[str, gk.training.WeightAverage]
    players: Mapping[str, Mapping[str, Player]]

    def play(self, step: int, batches: Iterator[Batch]) -> dict[str, torch.Tensor]:
        """Play the round of one step and update the averages; returns the costs and readings of the round."""
        self.system.plan(step)
        for players in self.players.values():
            for player in players.values():
                player.set_learning_rate(step)
        if self.system.prepare is not None:
            batches = map(self.hardware.autocast(self.system.prepare), batches)
        readings: dict[str, torch.Tensor] = {}
        costs = gk.training.play_round(
            self.system.schedule(step),
            batches,
            critic=self._turn("critic", step, readings),
            generator=self._turn("generator", step, readings),
        )
        for average in self.averages.values():
            average.update()
        self.system.after(readings)
        return {**costs, **readings}

    def _turn(
        self, player: str, step: int, readings: dict[str, torch.Tensor]
    ) -> StepFunction | dict[str, StepFunction]:
        """Return what `play_round` plays: one update, or several by name."""
        steps = {
            _joined(name, own): _step(update, one.side.before, readings)
            for name, one in self.players[player].items()
            for own, update in one.turn(step).items()
        }
        return steps[""] if list(steps) == [""] else steps

    @property
    def updates(self) -> dict[str, gk.training.Update]:
        """All updates by name, such as ``critic/real``."""
        return {
            _joined(player, name, own): update
            for player, players in self.players.items()
            for name, one in players.items()
            for own, update in one.updates.items()
        }

    @property
    def averaged(self) -> Drawer:
        """What draws with the averaged networks."""
        return self._drawer({name: average.network for name, average in self.averages.items()})

    @property
    def raw(self) -> Drawer:
        """What draws with the networks as they are."""
        return self._drawer({name: self.networks[name] for name in self.averages})

    def _drawer(self, networks: Mapping[str, nn.Module]) -> Drawer:
        return Drawer(networks=networks, blueprint=self.blueprint, device=self.hardware.device)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of networks, averages, updates and parts, as plain containers of tensors."""
        return {
            "networks": {name: gk.training.network_state(network) for name, network in self.networks.items()},
            "averages": {name: average.state_dict() for name, average in self.averages.items()},
            "updates": gk.training.updates_state(self.updates),
            "parts": {name: part.state_dict() for name, part in self.system.parts.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state that `state_dict` returned."""
        for name, network in self.networks.items():
            gk.training.load_network_state(network, state["networks"][name])
        for name, average in self.averages.items():
            average.load_state_dict(state["averages"][name])
        gk.training.load_updates_state(self.updates, state["updates"])
        for name, part in self.system.parts.items():
            part.load_state_dict(state["parts"][name])


def assemble(
    recipe: Recipe,
    description: Description,
    options: Any,
    *,
    steps: int,
    hardware: Hardware,
    gradients: Callable[[], gk.training.Gradients] = gk.training.Eager,
) -> Training:
    """Build a recipe's networks, place them, and turn its sides into updates.

    Args:
        recipe: The recipe.
        description: What the networks are built for.
        options: The recipe's options.
        steps: The length of the plan, for what changes over the run.
        hardware: Where everything is placed, and the precision of forward passes.
        gradients: Makes the part of each update that computes gradients.
    """
    blueprint = recipe.networks(description, options)
    networks = {name: hardware.place(make()) for name, make in blueprint.makers.items()}
    system = recipe.system(networks, description, options, steps)
    turns = {"critic": _named(system.critic), "generator": _named(system.generator)}
    frozen = {"critic": (), "generator": tuple(side.network for side in turns["critic"].values())}
    return Training(
        system=system,
        blueprint=blueprint,
        hardware=hardware,
        networks=networks,
        averages={name: system.average(networks[name]) for name in blueprint.drawing},
        players={
            turn: {name: _player(side, hardware, frozen[turn], gradients) for name, side in sides.items()}
            for turn, sides in turns.items()
        },
    )


def _player(
    side: Side, hardware: Hardware, frozen: tuple[nn.Module, ...], gradients: Callable[[], gk.training.Gradients]
) -> Player:
    optimizer = _optimizer(side.optimizer, side.network)
    updates = {
        name: gk.training.Update(
            optimizer,
            hardware.autocast(one),
            network=side.network,
            frozen=frozen,
            constraint=side.constraint,
            gradients=gradients(),
        )
        for name, one in _named(side.terms).items()
    }
    return Player(side=side, updates=updates)


def _optimizer(make: OptimizerMaker, network: nn.Module) -> Optimizer:
    """Make the optimizer, in its fused form if it has one for the network's device."""
    parameters = list(network.parameters())
    if "fused" not in inspect.signature(make).parameters:
        return make(parameters)
    fused = partial(make, fused=True)  # pyright: ignore[reportCallIssue]
    trial = nn.Parameter(torch.zeros_like(parameters[0]))
    trial.grad = torch.zeros_like(trial)
    try:
        fused([trial]).step()
    except RuntimeError:  # the device has no fused form, which torch says at the first step
        return make(parameters)
    return fused(parameters)


def _named(one_or_several: Value | Mapping[str, Value]) -> dict[str, Value]:
    """Return several things by name; a single one gets the name ``""``."""
    return dict(one_or_several) if isinstance(one_or_several, Mapping) else {"": one_or_several}


def _joined(*names: str) -> str:
    return "/".join(name for name in names if name)


def _step(
    update: gk.training.Update, before: Callable[[], object] | None, readings: dict[str, torch.Tensor]
) -> StepFunction:
    """Return the update as a function that returns its costs only, and leaves its readings in `readings`."""

    def step(*inputs: Any) -> dict[str, torch.Tensor]:
        if before is not None:
            before()
        values = update(*inputs)
        readings.update({name: value for name, value in values.items() if "/" in name})
        return {name: value for name, value in values.items() if "/" not in name}

    return step

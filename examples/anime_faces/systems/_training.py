"""From a recipe to something that trains: its networks on their hardware, its rounds, and its state."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.systems._description import Description
from examples.anime_faces.systems._drawing import Drawer, random_numbers_kept
from examples.anime_faces.systems._hardware import Hardware
from examples.anime_faces.systems._players import (
    Player,
    StepFunction,
    by_name,
    check_readings,
    errors_named,
    joined,
    player_of,
)
from examples.anime_faces.systems._readings import gradient_length_of, length_of
from examples.anime_faces.systems._recipe import Batch, Blueprint, Recipe, Scalars, System
from examples.anime_faces.systems._share import WHOLE, Share, averaged
from examples.anime_faces.systems._whole_draws import WholeBatchDraws
from examples.anime_faces.systems._whole_norm import share_batch_norms


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
        gradients: The parts of the updates that compute gradients.
        share: The part of each batch that this process trains on.
    """

    system: System
    blueprint: Blueprint
    hardware: Hardware
    networks: Mapping[str, nn.Module]
    averages: Mapping[str, gk.training.WeightAverage]
    players: Mapping[str, Mapping[str, Player]]
    gradients: Sequence[gk.training.Gradients] = ()
    share: Share = WHOLE

    @property
    def compile_seconds(self) -> float:
        """Seconds that compiling took so far; 0 where nothing is compiled."""
        return sum(part.first_call_seconds for part in self.gradients if isinstance(part, gk.training.Compiled))

    def play(self, step: int, batches: Iterator[Batch]) -> dict[str, torch.Tensor]:
        """Play the round of one step and update the averages; returns the costs and readings of the round."""
        with self._whole_batch_draws():
            return self._play(step, batches)

    def _whole_batch_draws(self) -> AbstractContextManager[object]:
        if self.share.ranks == 1:
            return nullcontext()
        blocks = self.system.group
        return WholeBatchDraws(self.share, self.share.size(self.system.batch_size, blocks), blocks)

    def _play(self, step: int, batches: Iterator[Batch]) -> dict[str, torch.Tensor]:
        self.system.plan(step)
        for players in self.players.values():
            for player in players.values():
                player.set_learning_rate(step)
                player.set_betas(step)
        readings: dict[str, torch.Tensor] = {}
        if self.system.measure is not None:
            first = next(batches)
            readings |= self._measured(self.system.measure, first)
            batches = chain([first], batches)
        if self.system.prepare is not None:
            batches = map(self.hardware.autocast(self.system.prepare), batches)
        counts = self.system.schedule(step)
        costs = gk.training.play_round(
            counts,
            batches,
            critic=self._turn("critic", step, readings),
            generator=self._turn("generator", step, readings),
        )
        for average in self.averages.values():
            if self.system.average_decay is not None:
                average.decay = self.system.average_decay(step)
            average.update()
        self.system.after(readings)
        return {**costs, **readings, **self._lengths(counts)}

    def _lengths(self, counts: gk.schedules.Round) -> dict[str, torch.Tensor]:
        """Return how long the gradients of the last updates of a round are, and the weights that multiply a condition."""
        found: dict[str, torch.Tensor] = {}
        for turn, count in (("critic", counts.critic), ("generator", counts.generator)):
            for player in self.players[turn].values() if count else ():
                length = gradient_length_of(player.side.network)
                if length is not None:
                    found[f"gradients/{player.name}"] = length
        for name, weights in self.system.condition_weights.items():
            found[f"weights/condition of {name}"] = length_of(weights)
        return found

    @torch.no_grad()
    def _measured(self, measure: Callable[..., Scalars], batch: Batch) -> Scalars:
        """Return the readings of a batch, and leave everything that training depends on as it was."""
        buffers = [buffer for network in self.networks.values() for buffer in network.buffers()]
        before = [buffer.clone() for buffer in buffers]
        with random_numbers_kept(self.hardware.device), errors_named("measure"):
            readings = self.hardware.autocast(measure)(*batch)
            check_readings(readings)
            if self.share.ranks > 1:
                readings = averaged(readings)
        for buffer, old in zip(buffers, before, strict=True):
            buffer.copy_(old)
        return readings

    def _turn(
        self, player: str, step: int, readings: dict[str, torch.Tensor]
    ) -> StepFunction | dict[str, StepFunction]:
        """Return what `play_round` plays: one update, or several by name."""
        steps = {
            joined(name, own): function
            for name, one in self.players[player].items()
            for own, function in one.turn(step, readings).items()
        }
        return steps[""] if list(steps) == [""] else steps

    def updates_in(self, turn: str, step: int) -> int:
        """Return how many updates one turn of ``"critic"`` or ``"generator"`` has at a step."""
        return sum(len(player.names_at(step)) for player in self.players[turn].values())

    @property
    def updates(self) -> dict[str, gk.training.Update]:
        """All updates by name, such as ``critic/real``."""
        return {
            joined(player, name, own): update
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
            try:
                gk.training.load_network_state(network, state["networks"][name])
            except ValueError as error:
                raise ValueError(f"the checkpoint does not fit the network {name}: {error}") from error
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
    gradients: Callable[[], gk.training.Gradients] | None = None,
    share: Share = WHOLE,
) -> Training:
    """Build a recipe's networks, place them, and turn its sides into updates.

    Args:
        recipe: The recipe.
        description: What the networks are built for.
        options: The recipe's options.
        steps: The length of the plan, for what changes over the run.
        hardware: Where everything is placed, and the precision of forward passes.
        gradients: Makes the part of each update that computes gradients. Default: as the hardware says.
        share: The part of each batch that this process trains on. Of several ranks, each gets the gradients of the whole batch;
            all must have the same networks, options and random state.

    Raises:
        ValueError: The batch cannot be divided among the ranks.
    """
    blueprint = recipe.blueprint_for(description, options)
    networks = {name: hardware.place(make()) for name, make in blueprint.makers.items()}
    if share.ranks > 1:
        for network in networks.values():
            share_batch_norms(network)
    system = recipe.system_for(networks, description, options, steps)
    share.size(system.batch_size, system.group)
    turns = {"critic": by_name(system.critic), "generator": by_name(system.generator)}
    critics = tuple(side.network for side in turns["critic"].values())
    parts: list[gk.training.Gradients] = []

    def part() -> gk.training.Gradients:
        parts.append(hardware.gradient_part() if gradients is None else gradients())
        return parts[-1] if share.ranks == 1 else gk.training.AveragedOverRanks(parts[-1])

    return Training(
        system=system,
        blueprint=blueprint,
        hardware=hardware,
        networks=networks,
        averages={name: system.average(networks[name]) for name in blueprint.drawing},
        players={
            turn: {
                name: player_of(
                    side,
                    joined(turn, name),
                    hardware=hardware,
                    frozen=critics if turn == "generator" else (),
                    others=[other.network for other in sides.values() if other is not side],
                    gradients=part,
                )
                for name, side in sides.items()
            }
            for turn, sides in turns.items()
        },
        gradients=parts,
        share=share,
    )

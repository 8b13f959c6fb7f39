"""All constants of a training, read from the objects that use them: none is written down a second time."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

import gankit as gk
from examples.anime_faces.systems._formulas import number
from examples.anime_faces.systems._outline import Fact, Section
from examples.anime_faces.systems._players import Player
from examples.anime_faces.systems._training import Training

SWITCHES = {"params", "foreach", "fused", "capturable", "differentiable", "initial_lr", "lr"}
"""Entries of an optimizer's groups that are no constants of the update; the learning rate is shown by itself."""
FIRST = 128
MOMENTS = 5
"""Steps of the run at which a learning rate that changes is shown."""


def constants_of(training: Training, steps: int) -> list[Section]:
    """Return all constants of a training, as its optimizers, schedule, constraints, averages and parts have them."""
    system, blueprint, decay = training.system, training.blueprint, training.system.average_decay
    names = {id(network): name for name, network in training.networks.items()}
    sections = [
        Section(player.name, _of_player(player, names, steps))
        for players in training.players.values()
        for player in players.values()
    ]
    rounds = [
        Fact("updates in a round", _in_words(system.schedule, names)),
        Fact("real pictures in a batch", str(system.batch_size)),
    ]
    if system.group > 1:
        rounds.append(Fact("of each condition", str(system.group)))
    if not system.fresh_batches:
        rounds.append(Fact("batches", "one for all updates of a round"))
    if system.replacement:
        rounds.append(Fact("real pictures", "drawn with replacement"))
    drawing = [
        Fact("input", "pictures" if blueprint.latents is None else _in_words(blueprint.latents, names)),
        *(Fact(f"average of {name}", _average(average)) for name, average in training.averages.items()),
        *([Fact("share of the average that is kept", _over_the_run(decay, steps))] if decay else []),
    ]
    others = [Fact(name, _in_words(value, names)) for name, value in (*system.parts.items(), *system.constants.items())]
    sections += [Section("rounds", rounds), Section("drawing", drawing)]
    return [*sections, Section("more", others)] if others else sections


def _of_player(player: Player, names: Mapping[int, str], steps: int) -> list[Fact]:
    side, update = player.side, next(iter(player.updates.values()))
    facts = [Fact("optimizer", _optimizer(update.optimizer)), Fact("learning rate", _rates(player, steps))]
    if side.betas is not None:
        facts.append(Fact("betas over the run", _over_the_run(side.betas, steps)))
    if len(player.updates) > 1:
        turns = dict.fromkeys(player.names_at(step) for step in _steps_to_look_at(steps))
        facts.append(Fact("updates in a turn", "; or ".join(" and ".join(names) for names in turns)))
    if side.before is not None:
        facts.append(Fact("before each update", _in_words(side.before, names)))
    if side.constraint is not None:
        facts.append(Fact("after each update", _in_words(side.constraint, names)))
    return facts


def _steps_to_look_at(steps: int) -> list[int]:
    """Return enough steps to see every kind of turn: the first ones, in which lazy penalties repeat, and some of the others."""
    return sorted({*range(min(steps, FIRST)), *range(0, steps, max(1, steps // FIRST)), steps - 1})


def _optimizer(optimizer: Optimizer) -> str:
    kind = type(optimizer).__name__
    groups = [", ".join(_entries(group)) for group in optimizer.param_groups]
    return "; ".join(f"{kind}: {group}" if group else kind for group in dict.fromkeys(groups))


def _entries(group: Mapping[str, Any]) -> Iterable[str]:
    for name, value in group.items():
        if name in SWITCHES or value is None or value is False:
            continue
        yield f"{name} {' and '.join(map(str, value)) if isinstance(value, tuple) else value}"


def _rates(player: Player, steps: int) -> str:
    rate = player.side.learning_rate
    if rate is None:
        groups = next(iter(player.updates.values())).optimizer.param_groups
        return ", ".join(dict.fromkeys(number(float(group["lr"])) for group in groups))
    return _over_the_run(rate, steps)


def _over_the_run(value: Callable[[int], Any], steps: int) -> str:
    """Return what a function of the step is at a few steps of the run, the first and the last among them."""
    moments = sorted({round(index * (steps - 1) / (MOMENTS - 1)) for index in range(MOMENTS)})
    return ", ".join(f"{_values(value(step))} at step {step:,}" for step in moments)


def _values(value: Any) -> str:
    return " and ".join(f"{one:.3g}" for one in (value if isinstance(value, tuple) else (value,)))


def _average(average: gk.training.WeightAverage) -> str:
    warm_up = ", less in the first updates: (1 + k) / (10 + k) at the k-th" if average.warmup else ""
    return f"exponential, keeps {number(average.decay)} at each round{warm_up}"


def _in_words(value: object, names: Mapping[int, str]) -> str:
    """Return a constant as text: functions with their arguments, networks by name, objects by their own words."""
    if id(value) in names:
        return names[id(value)]
    if isinstance(value, partial):
        words = [_in_words(one, names) for one in value.args]
        words += [f"{name}={_in_words(one, names)}" for name, one in value.keywords.items()]
        return f"{_in_words(value.func, names)}({', '.join(words)})"
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if inspect.isroutine(value) or isinstance(value, type):
        return value.__name__
    if isinstance(value, nn.Module) or type(value).__repr__ is object.__repr__:
        shown = [
            f"{name}={one}"
            for name, one in getattr(value, "__dict__", {}).items()
            if isinstance(one, int | float | str) and name[0] != "_" and name != "training"
        ]
        return f"{type(value).__name__}({', '.join(shown)})"
    return number(value) if isinstance(value, float) else str(value)

"""From a side of a recipe to its updates: the only place that knows optimizers, frozen networks and gradient parts."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
from torch import nn
from torch.optim import Optimizer

import gankit as gk
from examples.anime_faces.systems._hardware import Hardware
from examples.anime_faces.systems._recipe import OptimizerMaker, Side

Value = TypeVar("Value")
StepFunction = Callable[..., dict[str, torch.Tensor]]
COST_GROUPS = ("critic", "generator", "losses")
"""Groups in the log that readings cannot have, since costs and their sums are logged there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """A side with its updates.

    Args:
        name: Where its costs are logged, such as ``critic`` or ``generator/color``.
        side: What the recipe says.
        updates: The updates of its named terms; a single one has the name ``""``.
    """

    name: str
    side: Side
    updates: Mapping[str, gk.training.Update]

    def turn(self, step: int, readings: dict[str, torch.Tensor]) -> dict[str, StepFunction]:
        """Return the updates that this side takes at a step, by the names under which they are logged.

        Each is a function that returns costs only, and leaves its readings in `readings`.

        Raises:
            ValueError: `Side.turn` names no update of this side, or something else as well.
        """
        if self.side.turn is None:
            return {own: self._step(own, readings) for own in self.updates}
        chosen, names = self.side.turn(step), self.names_at(step)
        if not names or not self.updates.keys() >= set(names):
            known = ", ".join(repr(own) for own in self.updates if own)
            raise ValueError(
                f"turn of {self.name} must name one of its terms ({known or 'it has no named terms'}), but at step {step} it "
                f"is {chosen!r}"
            )
        return {"" if isinstance(chosen, str) else own: self._step(own, readings) for own in names}

    def names_at(self, step: int) -> tuple[str, ...]:
        """Return the names of the updates that this side takes at a step, as `Side.turn` gives them."""
        if self.side.turn is None:
            return tuple(self.updates)
        chosen = self.side.turn(step)
        return (chosen,) if isinstance(chosen, str) else chosen

    def set_learning_rate(self, step: int) -> None:
        """Give the optimizer the learning rate of a step."""
        if self.side.learning_rate is not None:
            for update in self.updates.values():
                for group in update.optimizer.param_groups:
                    group["lr"] = self.side.learning_rate(step)

    def set_betas(self, step: int) -> None:
        """Give the optimizer the betas of a step."""
        if self.side.betas is not None:
            for update in self.updates.values():
                for group in update.optimizer.param_groups:
                    group["betas"] = self.side.betas(step)

    def _step(self, own: str, readings: dict[str, torch.Tensor]) -> StepFunction:
        def step(*inputs: Any) -> dict[str, torch.Tensor]:
            if self.side.before is not None:
                self.side.before()
            with errors_named(joined(self.name, own)):
                try:
                    values = self.updates[own](*inputs)
                except TypeError:
                    refuse_other_inputs(by_name(self.side.terms)[own], inputs)
                    raise
            readings.update({name: value for name, value in values.items() if "/" in name})
            return {name: value for name, value in values.items() if "/" not in name}

        return step


@dataclass(frozen=True, slots=True)
class NamesChecked:
    """Gradients of another part, whose costs and readings have names by which the log can tell them apart.

    Args:
        gradients: That part.
    """

    gradients: gk.training.Gradients

    def __call__(self, loss: gk.training.Loss, inputs: tuple[Any, ...]) -> gk.training.Values:
        """Compute the gradients, and refuse wrong names before a step is taken.

        Raises:
            ValueError: A cost has a group in its name, or a reading has none or one of `COST_GROUPS`.
        """
        values = self.gradients(loss, inputs)
        for name in values.costs:
            if "/" in name:
                raise ValueError(
                    f"names of costs must be plain, but one is {name!r}: a name with a slash, such as scores/real, is that of "
                    "a reading"
                )
        check_readings(values.readings)
        return values


def check_readings(names: Iterable[str]) -> None:
    """Refuse readings whose names the log could not tell from costs.

    Raises:
        ValueError: A name has no group, or one of `COST_GROUPS`.
    """
    for name in names:
        if "/" not in name or name.split("/")[0] in COST_GROUPS:
            raise ValueError(
                f"names of readings must have a group before a slash, such as scores/real, other than "
                f"{', '.join(COST_GROUPS)}, but one is {name!r}"
            )


def player_of(
    side: Side,
    name: str,
    *,
    hardware: Hardware,
    frozen: Sequence[nn.Module],
    others: Sequence[nn.Module],
    gradients: Callable[[], gk.training.Gradients],
) -> Player:
    """Turn a side into updates.

    Args:
        side: What the recipe says.
        name: Where its costs are logged.
        hardware: Where the network is, and the precision of forward passes.
        frozen: Networks that get no gradient in its updates.
        others: The networks of the other critics, or of the other generators. They are frozen as well, except for what they
            share with the network of this side.
        gradients: Makes the part of each update that computes gradients.

    Raises:
        ValueError: The turn of step 0 names no update of this side, or the optimizer has no betas and the side has.
    """
    optimizer = _optimizer(side.optimizer, side.network)
    if side.betas is not None and "betas" not in optimizer.defaults:
        raise ValueError(f"betas of {name} must be None, since {type(optimizer).__name__} has none")
    own = {id(parameter) for parameter in side.network.parameters()}
    unshared = [parameter for other in others for parameter in other.parameters() if id(parameter) not in own]
    updates = {
        terms_name: gk.training.Update(
            optimizer,
            hardware.autocast(terms),
            network=side.network,
            frozen=[*frozen, nn.ParameterList(unshared)] if unshared else frozen,
            constraint=side.constraint,
            gradients=NamesChecked(gradients()),
            stepper=hardware.stepper(),
        )
        for terms_name, terms in by_name(side.terms).items()
    }
    player = Player(name=name, side=side, updates=updates)
    player.turn(0, {})  # a turn that names nothing is refused before training begins
    return player


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


def refuse_other_inputs(terms: Callable[..., Any], inputs: Sequence[object]) -> None:
    """Refuse terms that cannot be called with as many inputs as there are.

    Raises:
        ValueError: They take more or fewer.
    """
    try:
        signature = inspect.signature(terms)
    except (TypeError, ValueError):  # functions of C have none
        return
    try:
        signature.bind(*inputs)
    except TypeError as error:
        given = ", ".join(f"a {type(one).__name__}" for one in inputs)
        raise ValueError(
            f"terms must take the {len(inputs)} inputs that prepare returns, or the images and the condition without it "
            f"({given}), but they are {getattr(terms, '__name__', terms)}{signature}: {error}"
        ) from error


@contextmanager
def errors_named(name: str) -> Iterator[None]:
    """Say in errors of an update which one it was."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    except gk.training.NonFiniteError as error:
        raise gk.training.NonFiniteError(f"{name}: {error}") from error


def by_name(one_or_several: Value | Mapping[str, Value]) -> dict[str, Value]:
    """Return several things by name; a single one gets the name ``""``."""
    return dict(one_or_several) if isinstance(one_or_several, Mapping) else {"": one_or_several}


def joined(*names: str) -> str:
    """Return the parts of a name in the log as one."""
    return "/".join(name for name in names if name)

"""What a recipe says: how it reads a data set, its networks, and what is trained. It names no device and no precision."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar

import torch
from torch import nn
from torch.optim import Optimizer

import gankit as gk
from examples.anime_faces.systems._description import Description
from examples.anime_faces.systems._labels import Conditioning
from examples.anime_faces.systems._pictures import from_unit_range

Networks: TypeAlias = Mapping[str, nn.Module]
Scalars: TypeAlias = Mapping[str, torch.Tensor]
Batch: TypeAlias = tuple[Any, ...]
Kind = TypeVar("Kind")
OptimizerMaker: TypeAlias = Callable[[Iterable[nn.Parameter]], Optimizer]


def drawn_by_generator(networks: Networks, inputs: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
    """Return the pictures of the network ``"generator"``: how most recipes draw."""
    return networks["generator"](inputs, condition)


def drawn_in_unit_range(networks: Networks, inputs: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
    """Return the pictures of a network ``"generator"`` that draws in 0..1, in -1..1."""
    return from_unit_range(networks["generator"](inputs, condition))


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """The networks of a recipe, not built yet, and how the trained ones draw.

    Args:
        makers: Builds each network by name: one bare network on the CPU, with its weights drawn. Training builds all of them
            in this order; sampling builds only those in `drawing`.
        latents: Draws the generator's input, called as ``latents(count, rng=generator)``. None: the input is a picture
            in -1..1, for generators that change pictures.
        drawing: The networks that draw. Training keeps an average of each, and the averages draw the samples.
        draw: Called with those networks by name, the input and the condition (None without labels); returns pictures in
            -1..1.

    Raises:
        ValueError: `drawing` is empty or names a network that is not made, or `draw` is missing for other names.
    """

    makers: Mapping[str, Callable[[], nn.Module]]
    latents: Callable[..., torch.Tensor] | None
    drawing: tuple[str, ...] = ("generator",)
    draw: Callable[[Networks, torch.Tensor, torch.Tensor | None], torch.Tensor] = drawn_by_generator

    def __post_init__(self) -> None:
        unknown = [name for name in self.drawing if name not in self.makers]
        if unknown or not self.drawing:
            raise ValueError(
                f"drawing of a blueprint must name networks among {', '.join(self.makers)}, but it is {self.drawing}"
            )
        if "generator" not in self.drawing and self.draw in (drawn_by_generator, drawn_in_unit_range):
            raise ValueError(
                f"draw of a blueprint must be given where no network that draws is called generator, but {self.drawing} do"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One network that is trained, and how.

    Args:
        network: What is trained.
        optimizer: Makes the optimizer of the parameters, such as ``partial(torch.optim.Adam, lr=1e-4)``.
        terms: The terms of the update: pure functions of the batch, see `gankit.training.Terms`. Several named ones are
            updates on one optimizer, taken one after the other. Names of costs are plain; a reading has a group in its name,
            such as ``scores/real``, under which it is logged. Other names are refused in the first step.
        turn: Given a step, the name of the one update of `terms` that is taken, or a tuple of those that are taken one after
            the other; `terms` must then be several by name. Costs of the updates in a tuple are logged under their names.
            None: all of them are taken.
        learning_rate: The learning rate at a step. None: that of the optimizer's maker.
        betas: The two betas of Adam at a step. None: those of the optimizer's maker.
        constraint: Called without arguments after each update, such as a weight clip.
        before: Called without arguments before each update, for programs that clip there.
        formulas: The formula of each cost by its name, with all weights as numbers; people read them before and after a run.
            Where the updates of `terms` have different formulas for a cost of the same name, the name is ``update/cost``.
            `critic_formula` and `generator_formula` write those of gankit's objectives.
    """

    network: nn.Module
    optimizer: OptimizerMaker
    terms: gk.training.Terms | Mapping[str, gk.training.Terms]
    turn: Callable[[int], str | tuple[str, ...]] | None = None
    learning_rate: Callable[[int], float] | None = None
    betas: Callable[[int], tuple[float, float]] | None = None
    constraint: Callable[[], object] | None = None
    before: Callable[[], object] | None = None
    formulas: Mapping[str, str] = field(default_factory=dict)


class Stateful(Protocol):
    """A part of a system that is not a network and changes during training; checkpoints hold its state."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state."""
        ...


def nothing_changes(step: int) -> None:
    """Keep everything as it is: the plan of most recipes."""
    del step


def nothing_follows(readings: Scalars) -> None:
    """Do nothing with the readings of a round."""
    del readings


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What is trained, and by which plan.

    Args:
        critic: The critic's side, or several by name. All critics are frozen while a generator is updated.
        generator: The generator's side, or several by name. An update changes the network of its own side only: the other
            generators (in an update of a critic, the other critics) are frozen. Gradients flow through them, so that a chain
            of generators can be trained by its last picture.
        batch_size: Real pictures in one batch.
        schedule: How many critic and generator updates each round has. Default: one of each, the critic's first.
        fresh_batches: Whether each critic update of a round has a batch of its own. If not, all updates of a round share one.
        group: Pictures of each condition in a batch; it divides the batch size.
        replacement: Draw real pictures with replacement, in place of epochs in which each is used once.
        prepare: Turns a batch ``(images, condition)`` into the inputs of the terms: what updates share, such as latents or
            one fake batch, is made here.
        plan: Called with the step before it starts; fills 0-d tensors that change over time, as a pure function of the step.
        measure: Measures the networks before the updates of each round, on its first batch, which no update has used yet:
            called with ``(images, condition)`` and without gradients, it returns readings. It changes nothing that training
            depends on: running statistics and random numbers are put back.
        after: Called with the readings of each round; what the host does with them. It must not read their values.
        average: Makes the average of each network that draws.
        average_decay: The share of each average that the update of a step keeps. None: that of its maker.
        parts: Whatever else changes during training, by name; checkpoints hold its state.
        note: What the recipe decided by itself, in words, for the user; it is printed before training.
        notation: What the names in the formulas of this recipe mean, beside `NOTATION`.
        constants: Numbers that no optimizer, schedule, constraint or option shows, by what they are.
        condition_weights: By network, the weights that multiply what is requested (classes, tags or a text), such as the
            columns of the first layer for tags; views of the parameters. Their norm is logged.
    """

    critic: Side | Mapping[str, Side]
    generator: Side | Mapping[str, Side]
    batch_size: int
    schedule: gk.schedules.Schedule = field(default_factory=lambda: gk.schedules.Constant(round=gk.schedules.Round(1)))
    fresh_batches: bool = True
    group: int = 1
    replacement: bool = False
    prepare: Callable[[Batch], Batch] | None = None
    plan: Callable[[int], None] = nothing_changes
    measure: Callable[..., Scalars] | None = None
    after: Callable[[Scalars], None] = nothing_follows
    average: Callable[[nn.Module], gk.training.WeightAverage] = gk.training.WeightAverage
    average_decay: Callable[[int], float] | None = None
    parts: Mapping[str, Stateful] = field(default_factory=dict)
    note: str = ""
    notation: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    condition_weights: Mapping[str, Sequence[torch.Tensor]] = field(default_factory=dict)

    @property
    def shared(self) -> gk.schedules.Schedule | None:
        """The schedule whose rounds share a batch each; None if every critic update has its own."""
        return None if self.fresh_batches else self.schedule


def always(conditioning: Conditioning) -> Callable[[Any], Conditioning]:
    """Return a recipe's `conditioning` that does not depend on its options."""

    def same(options: object) -> Conditioning:
        del options
        return conditioning

    return same


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A way to train.

    Args:
        description: One sentence for reports.
        steps: Number of rounds if neither steps nor minutes are given.
        conditioning: How labels or texts are read, with the recipe's options.
        networks: The networks for a data set. Enough to sample, to fine-tune and to load.
        system: What is trained, given the built networks on their device; ``steps`` is the length of the plan.
        report: The letter of the report that it rebuilds; empty for others.
        data: The pictures that it needs, in a few words.
        prepare: What to add to `prepare` to make such data, such as ``--binary-labels``; empty where any data set will do.
        name: How ``--recipe`` names it; filled in by `find_recipe`.

    Raises:
        ValueError: `steps` is below 1, or `conditioning`, `networks` or `system` is no function.
    """

    description: str
    steps: int
    conditioning: Callable[[Any], Conditioning]
    networks: Callable[[Description, Any], Blueprint]
    system: Callable[[Networks, Description, Any, int], System]
    report: str = ""
    data: str = ""
    prepare: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps of a recipe must be at least 1, but it is {self.steps}")
        for name in ("conditioning", "networks", "system"):
            if not callable(value := getattr(self, name)):
                hint = "; write always(...) around what does not depend on options" if name == "conditioning" else ""
                raise ValueError(f"{name} of a recipe must be a function, but it is {value!r}{hint}")

    def blueprint_for(self, description: Description, options: Any) -> Blueprint:
        """Return what `networks` gives.

        Raises:
            ValueError: It is no blueprint.
        """
        return self._given("networks", self.networks(description, options), Blueprint)

    def system_for(self, networks: Networks, description: Description, options: Any, steps: int) -> System:
        """Return what `system` gives.

        Raises:
            ValueError: It is no system.
        """
        return self._given("system", self.system(networks, description, options, steps), System)

    def _given(self, name: str, value: object, kind: type[Kind]) -> Kind:
        if not isinstance(value, kind):
            raise ValueError(
                f"{name} of a recipe must return a {kind.__name__}, but it returned a value of type {type(value).__name__}"
            )
        return value

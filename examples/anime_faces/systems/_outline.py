"""A system as people read it: its networks layer by layer, its losses as formulas, and every constant."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from examples.anime_faces.systems._formulas import NOTATION, SIGNS

WIDTH = 80


class Layer(NamedTuple):
    """A layer of a network.

    Args:
        name: Its name in the network.
        kind: Its class.
        output: The shape of its result, without the batch.
        parameters: Number of its parameters that no layer before it has.
        arguments: What it was built with, such as its kernel or its slope.
    """

    name: str
    kind: str
    output: str
    parameters: int
    arguments: str = ""


class Fact(NamedTuple):
    """Something that has a name: a formula, the meaning of a letter, or a constant."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class NetworkOutline:
    """A network.

    Args:
        name: Its name.
        draws: Whether it draws the pictures.
        layers: Its layers, in the order of their calls.
    """

    name: str
    draws: bool
    layers: Sequence[Layer]

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return sum(layer.parameters for layer in self.layers)


@dataclass(frozen=True, slots=True)
class Section:
    """Facts that belong together: the costs of an update, or the constants of a network.

    Args:
        name: What they are about.
        facts: The facts.
    """

    name: str
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What a system consists of.

    Args:
        networks: Its networks.
        losses: For each update its costs with their formulas; the loss is their sum.
        notation: What the names in the formulas mean.
        constants: All constants, by what they belong to.
    """

    networks: Sequence[NetworkOutline]
    losses: Sequence[Section]
    notation: Sequence[Fact]
    constants: Sequence[Section]

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, dicts, numbers and strings."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Outline":
        """Rebuild what :meth:`to_dict` returned.

        Raises:
            ValueError: It is something else.
        """
        try:
            return cls(
                networks=[
                    NetworkOutline(one["name"], one["draws"], [Layer(*layer) for layer in one["layers"]])
                    for one in plain["networks"]
                ],
                losses=[_section(one) for one in plain["losses"]],
                notation=[Fact(*one) for one in plain["notation"]],
                constants=[_section(one) for one in plain["constants"]],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is not the outline of a system: {error!r}") from error

    def text(self) -> str:
        """Return all of it as text, for a file."""
        networks = self.networks_text(with_arguments=True)
        return f"NETWORKS\n\n{networks}\n\nLOSSES\n\n{self.losses_text()}\n\nCONSTANTS\n\n{self.constants_text()}"

    def networks_text(self, *, with_arguments: bool = False) -> str:
        """Return the networks as tables of their layers; with the arguments of layers, lines are longer."""
        return "\n\n".join(_table(network, with_arguments=with_arguments) for network in self.networks)

    def losses_text(self, *, with_meanings: bool = True) -> str:
        """Return the losses, and what the names in them mean."""
        losses = "\n".join(map(_loss, self.losses))
        if not with_meanings:
            return losses
        meanings = ["In these formulas", *_aligned(self.notation, "  ")] if self.notation else []
        return "\n".join([losses, "", textwrap.fill(SIGNS, WIDTH), *meanings])

    def constants_text(self) -> str:
        """Return the constants."""
        return "\n".join("\n".join([section.name, *_aligned(section.facts, "  ")]) for section in self.constants)


def used_notation(formulas: Iterable[str], own: Mapping[str, str]) -> list[Fact]:
    """Return the meanings of the names that formulas use: those of a recipe, and of `NOTATION`."""
    text = "\n".join([*formulas, *own.values()])
    meanings = {**NOTATION, **own}
    return [Fact(name, meaning) for name, meaning in meanings.items() if _is_used(name, text)]


def _is_used(name: str, text: str) -> bool:
    """Whether one of the names in front of a meaning, such as ``D(real), D(fake)`` or ``relu(s)``, is in a text.

    Example:
        >>> _is_used("relu(s)", "mean(relu(1 - D(real)))"), _is_used("t", "softplus"), _is_used("CE", "BCE(tags)")
        (True, False, False)
    """
    words = [re.split(r"\(", one)[0] for one in name.split(", ")]
    return any(re.search(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", text) for word in words)


def _section(plain: Mapping[str, Any]) -> Section:
    return Section(plain["name"], [Fact(*fact) for fact in plain["facts"]])


def _size(network: NetworkOutline) -> str:
    return f"{network.parameters:,} parameters{', draws the pictures' if network.draws else ''}"


def _table(network: NetworkOutline, *, with_arguments: bool) -> str:
    rows = [("Layer", "Kind", "Output", "Parameters", "Arguments" if with_arguments else "")]
    rows += [
        (one.name, one.kind, one.output, f"{one.parameters:,}", one.arguments if with_arguments else "")
        for one in network.layers
    ]
    first, second, third, fourth, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = [f"  {a:{first}}  {b:{second}}  {c:{third}}  {d:>{fourth}}  {e}".rstrip() for a, b, c, d, e in rows]
    return "\n".join([f"{network.name}: {_size(network)}", *lines])


def _loss(section: Section) -> str:
    total = " + ".join(fact.name for fact in section.facts)
    lines = textwrap.wrap(f"loss of {section.name} = {total}", WIDTH, subsequent_indent="    ")
    return "\n".join([*lines, *_aligned(section.facts, "  ", sign=" = ")])


def _aligned(facts: Sequence[Fact], indent: str, *, sign: str = "  ") -> list[str]:
    """Return one line for each fact, values below each other, long ones broken at spaces."""
    widest = min(max((len(fact.name) for fact in facts), default=0), WIDTH // 2)
    lines: list[str] = []
    for fact in facts:
        start = f"{indent}{fact.name:<{widest}}{sign}"
        below = " " * (len(indent) + widest + len(sign))
        lines += textwrap.wrap(
            fact.value,
            WIDTH,
            initial_indent=start,
            subsequent_indent=below,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [start.rstrip()]
    return lines

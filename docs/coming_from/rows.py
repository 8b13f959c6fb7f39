# ruff: noqa: RUF001  the page has typographic signs
"""A row of the page: what it is called there, what gives the same here, and the check that it does."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch

import gankit as gk
from docs.different_numbers.example import Example

Value = Callable[[Example], torch.Tensor]
SEEDS = (0, 1)
"""Examples on which a row is checked: a factor must hold for all, so that none is right by accident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One function of another program.

    Args:
        there: Its name there, as code.
        default: What its options are by default, and what of it matters.
        here: An expression of gankit, with the names of `names`; printed, and evaluated by the check.
        theirs: The value there: our own implementation of the formula, or torch itself.
        factor: Value there over the value here. None: there is none, since the two are different functions.
        differs: What else is different, and what to do.
        ran: The key of `docs.different_numbers.run_peers.CHECKS` whose program gave this value; None if it was only read.
        read: Number to compare, from the result and the names of the expression, where the result is no number itself.
    """

    there: str
    here: str
    theirs: Value
    factor: Fraction | int | None = 1
    default: str = ""
    differs: str = ""
    ran: tuple[str, str, str] | None = None
    read: Callable[[Any, Mapping[str, Any]], torch.Tensor] | None = None

    def value_here(self, example: Example) -> torch.Tensor:
        """Evaluate the expression that the page prints."""
        scope = names(example)
        result = eval(self.here, {"gk": gk, **scope})  # noqa: S307  our own text
        return result if self.read is None else self.read(result, scope)

    def ratios(self, examples: Mapping[int, Example]) -> list[float]:
        """Return the value there over the value here, for each example."""
        return [(self.theirs(one) / self.value_here(one)).item() for one in examples.values()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows of one program, and where they were read."""

    name: str
    program: str
    rows: tuple[Row, ...]

    def markdown(self) -> str:
        """Return the table as Markdown."""
        lines = ['<div class="expressions" markdown>', "", "| There | × | Here | What differs |", "|---|---|---|---|"]
        lines += [_line(row) for row in self.rows]
        return "\n".join([*lines, "", "</div>"])


def names(example: Example) -> dict[str, Any]:
    """Return what the expressions of the page may name."""
    return {
        "real": example.real_scores,
        "fake": example.fake_scores,
        "images": example.real,
        "fakes": example.fake,
        "critic": example.critic,
        "mix": example.mix,
        "noise": example.noise,
        "logits": example.real_logits,
        "fake_logits": example.fake_logits,
        "classes": example.classes,
        "network": network(example),
    }


def network(example: Example) -> torch.nn.Linear:
    """Return a layer with the weights of the example's critic, for rows about weights."""
    layer = torch.nn.Linear(147, 11, bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(example.first_layer.T)
    return layer


def _line(row: Row) -> str:
    there = f"`{row.there}`" + (" ✓" if row.ran else "") + (f"<br><small>{row.default}</small>" if row.default else "")
    return f"| {there} | {_factor(row.factor)} | {_linked(row.here)} | {row.differs} |"


def _linked(expression: str) -> str:
    """Return the expression as code that is a link to its first name of gankit."""
    name = re.search(r"gk\.([\w.]+)", expression)
    return f"`{expression}`" if name is None else f"[`{expression}`][gankit.{name[1]}]"


def _factor(factor: Fraction | int | None) -> str:
    if factor is None:
        return "–"
    return str(factor).replace("-", "−").replace("1/2", "½").replace("1/4", "¼")

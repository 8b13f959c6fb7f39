"""The list of recipes and the page of one of them, as text of at most 80 columns."""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from examples.anime_faces.commands._costs import Costs
from examples.anime_faces.recipes import is_outside

WIDTH = 80
PROGRAM = "python -m examples.anime_faces"
PAGES = "docs/guides/faces/recipes"
HEAD = ("recipe", "report", "generator", "critic", "critic", "generator", "rounds", "seconds")


def listing(costs: Mapping[str, Costs], size: int, seconds: Mapping[str, float]) -> str:
    """Return all recipes: what they are and need, and a table of what they cost.

    Args:
        costs: What each recipe is and costs, by name.
        size: Width and height of the pictures.
        seconds: Measured seconds of a round, by name; empty where nothing was measured.
    """
    width = max(map(len, costs)) + 2
    entries = [line for name, cost in costs.items() for line in _entry(name, cost, width)]
    return "\n".join(
        [
            *entries,
            "",
            *textwrap.wrap(f"What they cost at their default options, for pictures of {size}x{size}:", WIDTH),
            "",
            *_table(costs, seconds),
            "",
            *textwrap.wrap(_about(seconds), WIDTH),
            f"One of them in full: {PROGRAM} recipes NAME",
        ]
    )


def page(cost: Costs, size: int, seconds: Mapping[str, float]) -> str:
    """Return one recipe in full.

    Args:
        cost: What it is and costs.
        size: Width and height of the pictures.
        seconds: Measured seconds of a round, by name; empty where nothing was measured.
    """
    recipe, outline = cost.recipe, cost.outline()
    about = {
        "report": recipe.report or "none",
        "guide": "none" if is_outside(recipe.name) else f"{PAGES}/{recipe.name}.md",
        "data": recipe.data or "the recipe does not say",
        "prepare": _prepare(cost) if recipe.prepare else "",
        "train": f"{PROGRAM} train --recipe {recipe.name} --data data/faces --out runs/{recipe.name}",
        "rounds": f"{recipe.steps:,}",
        "updates": f"{_count(cost.critic_updates)} of critics, {_count(cost.generator_updates)} of generators in a round",
        "seconds": f"{seconds[recipe.name]:.3g} for a round here" if recipe.name in seconds else "",
    }
    facts = [line for name, value in about.items() if value for line in _wrapped(f"{name:<9}", value, 9)]
    parts = [
        f"{recipe.name}\n{'=' * len(recipe.name)}",
        textwrap.fill(recipe.description, WIDTH),
        "\n".join(facts),
        "OPTIONS",
        "\n".join(_options(cost.options)),
        f"NETWORKS for pictures of {size}x{size}",
        outline.networks_text(),
        "LOSSES",
        outline.losses_text(),
        "CONSTANTS",
        outline.constants_text(),
    ]
    return "\n\n".join(parts)


def options_of(kind: type[Any]) -> dict[str, str]:
    """Return what the options of a dataclass do: the text below each field, as in `train --help`."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__[:-1]):
        body = ast.parse(textwrap.dedent(inspect.getsource(one))).body[0]
        assert isinstance(body, ast.ClassDef)
        found |= dict(_documented(body.body))
    return {field.name: found.get(field.name, "") for field in fields(kind)}


def _documented(statements: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, text in itertools.pairwise(statements):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            value = text.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield field.target.id, " ".join(value.value.split())


def _options(options: Any) -> Iterator[str]:
    for name, text in options_of(type(options)).items():
        default = getattr(options, name)
        flag = name.replace("_", "-")
        if isinstance(default, bool):
            start = f"--{flag} or --no-{flag} (default: {'--' if default else '--no-'}{flag})"
        else:
            start = f"--{flag} (default: {default if default != '' else 'none'})"
        yield from _wrapped("  ", start, 6)
        yield from _wrapped("      ", text, 6)


def _entry(name: str, cost: Costs, width: int) -> Iterator[str]:
    yield from _wrapped(f"{name:<{width}}", cost.recipe.description, width)
    yield from _wrapped(f"{'  data':<{width}}", cost.recipe.data or "the recipe does not say", width)
    if cost.recipe.prepare:
        yield from _wrapped(f"{'  prepare':<{width}}", _prepare(cost), width)


def _prepare(cost: Costs) -> str:
    return f"{PROGRAM} prepare --out data/faces {cost.recipe.prepare}"


def _table(costs: Mapping[str, Costs], seconds: Mapping[str, float]) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [HEAD]
    for name, cost in costs.items():
        numbers = (
            f"{cost.generator:,}",
            f"{cost.critic:,}",
            _count(cost.critic_updates),
            _count(cost.generator_updates),
        )
        rows.append((name, cost.recipe.report or "-", *numbers, f"{cost.recipe.steps:,}", _seconds(name, seconds)))
    rows = rows if seconds else [row[:-1] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(f"{cell:<{width}}" if place < 2 else f"{cell:>{width}}" for place, (cell, width) in enumerate(pairs))
        for pairs in (tuple(zip(row, widths, strict=True)) for row in rows)
    ]
    start, middle = sum(widths[:2]) + 4, sum(widths[2:4]) + 2
    yield f"{'':{start}}{'parameters of':^{middle}}  {'updates of':^{sum(widths[4:6]) + 2}}".rstrip()
    yield from (line.rstrip() for line in lines)


def _about(seconds: Mapping[str, float]) -> str:
    words = "Updates are those in a round, on average over the plan. Rounds are those of a run without --steps or --minutes."
    return f"{words} Seconds are those of a round on this machine." if seconds else words


def _count(number: float) -> str:
    return f"{number:.0f}" if number == round(number) else f"{number:.1f}"


def _seconds(name: str, seconds: Mapping[str, float]) -> str:
    return f"{seconds[name]:.3g}" if name in seconds else ""


def _wrapped(start: str, text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )

"""The commands of the pipeline; each is a dataclass whose fields are its options, and is imported only when it is used."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import tyro

MOST_SEEDS = 2**63
"""Seeds below it can be raised by one for each prompt and still be seeds of torch."""


class Entry(NamedTuple):
    """A command in the overview: its module, its class, and what it does in one line."""

    module: str
    class_name: str
    summary: str


COMMANDS = {
    "demo": Entry("demo", "Demo", "everything once, from nothing to a report, in twelve minutes"),
    "prepare": Entry("prepare", "Prepare", "make a data set: rendered faces, or your own pictures"),
    "check": Entry("check", "Check", "look at data and settings before hours are spent"),
    "train": Entry("train", "Train", "learn to draw its pictures; the same command again continues"),
    "recipes": Entry("recipes", "Recipes", "list the ways to train: what each is, needs and costs"),
    "sample": Entry("sample", "Sample", "draw pictures with a trained generator"),
    "transfer": Entry("transfer", "Transfer", "change attributes of your pictures with a run of stargan"),
    "evaluate": Entry("results", "Evaluate", "measure how good it is"),
    "report": Entry("results", "Report", "write one page about a run"),
    "compare": Entry("compare", "Compare", "put runs beside each other on one page"),
    "digest": Entry("results", "Digest", "one number for all state of a run, to compare runs by"),
}


OF_RECIPES = ("check", "train")
"""Commands that have the options of a recipe."""


def find_command(name: str, arguments: list[str]) -> Any:
    """Return what tyro parses for this command; some show the options of the recipe that their arguments name."""
    entry = COMMANDS[name]
    module = import_module(f"examples.anime_faces.commands.{entry.module}")
    return module.with_options_of_recipe(arguments) if name in OF_RECIPES else getattr(module, entry.class_name)


def option_names(name: str) -> frozenset[str]:
    """Return the names of the fields that are options of a command, not positional; those of `prepare` for rendered faces too.

    Example:
        >>> sorted(option_names("report"))
        ['prompt', 'recipe']
    """
    entry = COMMANDS[name]
    command = getattr(import_module(f"examples.anime_faces.commands.{entry.module}"), entry.class_name)
    names: set[str] = set()
    for field, kind in get_type_hints(command, include_extras=True).items():
        plain, extras = (get_args(kind)[0], get_args(kind)[1:]) if get_origin(kind) is Annotated else (kind, ())
        if tyro.conf.Positional in extras:
            continue
        named = [one.name for one in extras if getattr(one, "name", None)]
        names |= {one.name for one in fields(plain)} if is_dataclass(plain) else {*named[:1]} or {field}
    return frozenset(names)


def recipe_of(arguments: Sequence[str]) -> str:
    """Return the recipe that the arguments name.

    Example:
        >>> recipe_of(["--recipe", "dcgan", "--width", "8"]), recipe_of(["--recipe=acgan"]), recipe_of([])
        ('dcgan', 'acgan', 'default')
    """
    name = "default"
    for index, argument in enumerate(arguments):
        if argument == "--recipe" and index + 1 < len(arguments):
            name = arguments[index + 1]
        elif argument.startswith("--recipe="):
            name = argument.removeprefix("--recipe=")
    return name


def check_seed(seed: int) -> None:
    """Refuse seeds that torch does not take.

    Raises:
        ValueError: The seed is negative or too large.
    """
    if not 0 <= seed < MOST_SEEDS:
        raise ValueError(f"--seed must be 0 or more and below 2**63, but it is {seed}")


def overview(program: str) -> str:
    """Return the help that names all commands."""
    width = max(len(name) for name in COMMANDS)
    lines = "\n".join(f"  {name:<{width}}  {entry.summary}" for name, entry in COMMANDS.items())
    return f"""usage: {program} COMMAND [options]

Train a GAN to draw anime faces with the hair and eye colors that you ask for, or pictures like your own.

commands:
{lines}

from nothing to samples:
  {program} prepare --out data/faces
  {program} check --data data/faces
  {program} train --data data/faces --out runs/faces --minutes 10
  {program} sample "blue hair red eyes" --n 16 --run runs/faces

options of a command: {program} COMMAND --help"""


def shown_as(name: str, flag: str | None = None) -> object:
    """Show an option that may be left out by one plain word in the help.

    Args:
        name: The word.
        flag: The option's name. Default: the name of the field.
    """
    return tyro.conf.arg(name=flag, metavar=name, help_behavior_hint="")

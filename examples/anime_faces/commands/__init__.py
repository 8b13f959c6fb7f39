"""The commands of the pipeline; each is a dataclass whose fields are its options, and is imported only when it is used."""

from importlib import import_module
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """A command in the overview: the class in the module of its name, and what it does in a line."""

    class_name: str
    summary: str


COMMANDS = {
    "demo": Entry("Demo", "everything once, from nothing to a report, in a quarter of an hour"),
    "prepare": Entry("Prepare", "make a data set: rendered faces, or your own pictures"),
    "train": Entry("Train", "learn to draw its pictures; the same command again goes on"),
    "sample": Entry("Sample", "draw pictures with a trained generator"),
    "evaluate": Entry("Evaluate", "measure how good it is"),
    "report": Entry("Report", "write one page about a run"),
    "digest": Entry("Digest", "one number for all state of a run, to compare runs by"),
}


def find_command(name: str, arguments: list[str]) -> Any:
    """Return what tyro parses for this command; `train` shows the options of the recipe that its arguments name."""
    module = import_module(f"examples.anime_faces.commands.{name}")
    return module.with_options_of_recipe(arguments) if name == "train" else getattr(module, COMMANDS[name].class_name)


def overview(program: str) -> str:
    """Return the help that names all commands."""
    width = max(len(name) for name in COMMANDS)
    lines = "\n".join(f"  {name:<{width}}  {entry.summary}" for name, entry in COMMANDS.items())
    return f"""usage: {program} COMMAND [options]

Train a GAN to draw anime faces of the asked hair and eye colors, or pictures of your own.

commands:
{lines}

from nothing to samples:
  {program} prepare --out data/faces
  {program} train --data data/faces --out runs/faces --minutes 10
  {program} sample "blue hair red eyes" --n 16 --run runs/faces

options of a command: {program} COMMAND --help"""

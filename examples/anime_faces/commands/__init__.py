"""The commands of the pipeline; each is a dataclass whose fields are its options, and is imported only when it is used."""

from importlib import import_module
from typing import Any

COMMANDS = {
    "prepare": "Prepare",
    "train": "Train",
    "sample": "Sample",
    "evaluate": "Evaluate",
    "report": "Report",
    "demo": "Demo",
    "digest": "Digest",
}


def find_command(name: str, arguments: list[str]) -> Any:
    """Return what tyro parses for this command; `train` shows the options of the recipe that its arguments name."""
    module = import_module(f"examples.anime_faces.commands.{name}")
    command = getattr(module, COMMANDS[name])
    return module.with_options_of_recipe(arguments) if name == "train" else command

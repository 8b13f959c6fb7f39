"""What is trained, in words: written into the run's folder before the first step, printed in short, read by the report."""

import json
from pathlib import Path
from typing import Any

from examples.anime_faces.files import write_text
from examples.anime_faces.printing import say, visible
from examples.anime_faces.records import RecordError, read_record
from examples.anime_faces.run._folder import RunFolder
from examples.anime_faces.run._settings import Settings
from examples.anime_faces.systems import Outline, Recipe, Selection, outline_of

INDENT = 10  # of what `train` prints below its first words
FACT = [str]
FORM = {
    "networks": [{"name": str, "draws": bool, "layers": [[(str, int)]]}],
    "losses": [{"name": str, "facts": [FACT]}],
    "notation": [FACT],
    "constants": [{"name": str, "facts": [FACT]}],
}
"""What `system.json` holds."""


def write_outline(
    folder: RunFolder, recipe: Recipe, options: Any, settings: Settings, selection: Selection
) -> Outline | None:
    """Write ``system.txt`` and ``system.json`` into the folder of a run.

    Returns:
        The outline. None: the losses of the recipe cannot be called without numbers; a note says so, and old files are removed.
    """
    try:
        outline = outline_of(recipe, settings.description, options, selection, steps=settings.steps)
    except Exception as error:  # noqa: BLE001 - a recipe of a user, whose training need not fail for this
        say(f"note: the layers of this recipe cannot be listed: {type(error).__name__}: {error}")
        for path in (folder.system, folder.outline):
            path.unlink(missing_ok=True)
        return None
    for path, text in ((folder.system, outline.text()), (folder.outline, json.dumps(outline.to_dict(), indent=1))):
        write_text(path, f"{visible(text)}\n", only_changed=True)
    return outline


def read_outline(path: Path) -> Outline | None:
    """Return what `write_outline` wrote. None: there is nothing, as in runs of earlier versions.

    Raises:
        ValueError: The file is damaged.
    """
    if not path.exists():
        return None
    try:
        outline = Outline.from_dict(read_record(path, FORM))
        if any(not isinstance(layer.parameters, int) for one in outline.networks for layer in one.layers):
            raise RecordError("the parameters of a layer must be a whole number")
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged ({error}); repeat the command of the run, which writes it again"
        ) from error
    return outline


def in_short(outline: Outline, folder: RunFolder) -> list[str]:
    """Return what `train` prints: sizes of networks, losses, and where the rest is."""
    networks = ", ".join(f"{network.name} {network.parameters:,}" for network in outline.networks)
    lines = outline.losses_text(with_meanings=False).splitlines()
    return [
        f"networks  parameters: {networks}",
        f"losses    {lines[0]}",
        *(" " * INDENT + line for line in lines[1:]),
        f"          all layers, what the letters mean, and all constants: {folder.system}",
    ]

"""What is trained, in words: written into the run's folder before the first step, printed in short, read by the report."""

import json
from pathlib import Path
from typing import Any

from examples.anime_faces.files import written_whole
from examples.anime_faces.run._folder import RunFolder
from examples.anime_faces.run._settings import Settings
from examples.anime_faces.systems import Outline, Recipe, Selection, outline_of

INDENT = 10  # of what `train` prints below its first words


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
        print(f"note: the layers of this recipe cannot be listed: {type(error).__name__}: {error}")
        for path in (folder.system, folder.outline):
            path.unlink(missing_ok=True)
        return None
    for path, text in ((folder.system, outline.text()), (folder.outline, json.dumps(outline.to_dict(), indent=1))):
        if not path.exists() or path.read_text(encoding="utf-8") != f"{text}\n":
            with written_whole(path) as temporary:
                temporary.write_text(f"{text}\n", encoding="utf-8")
    return outline


def read_outline(path: Path) -> Outline | None:
    """Return what `write_outline` wrote. None: there is nothing, as in runs of earlier versions.

    Raises:
        ValueError: The file is damaged.
    """
    if not path.exists():
        return None
    try:
        return Outline.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:  # of JSON and of UTF-8 too
        raise ValueError(
            f"{path} is damaged ({error}); repeat the command of the run, which writes it again"
        ) from error


def in_short(outline: Outline, folder: RunFolder) -> str:
    """Return what `train` prints: sizes of networks, losses, and where the rest is."""
    networks = ", ".join(f"{network.name} {network.parameters:,}" for network in outline.networks)
    lines = outline.losses_text(with_meanings=False).splitlines()
    return "\n".join(
        [
            f"networks  parameters: {networks}",
            f"losses    {lines[0]}",
            *(" " * INDENT + line for line in lines[1:]),
            f"          all layers, what the letters mean, and all constants: {folder.system}",
        ]
    )

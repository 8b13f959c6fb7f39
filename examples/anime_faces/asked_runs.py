"""What to say where a run was named and there is none: what is there, and which runs are near."""

from collections.abc import Iterator
from pathlib import Path

from examples.anime_faces.data import command_line, is_dataset

MOST_NAMED = 5


def instead_of_run(path: Path) -> str:
    """Return what to do about a place where a run was expected: it is a data set, runs are near, or nothing was trained.

    Example:
        >>> instead_of_run(Path("nowhere/at/all"))
        'train there first'
    """
    if is_dataset(path):
        if _is_run(path.parent):
            return f"it is the data set of the run {path.parent}"
        command = command_line(["train", "--data", str(path), "--out", "runs/NAME"])
        return f"it is a data set: train on it first, `{command}`{_or_near(path)}"
    return runs_near(path) or "train there first"


def runs_near(path: Path) -> str:
    """Return which runs are below a folder or else beside it, in words; empty if there are none."""
    below, beside = list(_runs_in(path)), list(_runs_in(path.parent))
    runs = below or [one for one in beside if one != path]
    if not runs:
        return ""
    more = f" and {len(runs) - MOST_NAMED} more" if len(runs) > MOST_NAMED else ""
    number = "a run" if len(runs) == 1 else "runs"
    return f"{number} {'below' if below else 'beside'} it: {', '.join(map(str, runs[:MOST_NAMED]))}{more}"


def _or_near(path: Path) -> str:
    near = runs_near(path)
    return f"; {near}" if near else ""


def _runs_in(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(one for one in folder.iterdir() if _is_run(one))
    except OSError:  # it is no folder, or may not be read
        return


def _is_run(path: Path) -> bool:
    return (path / "settings.json").is_file() and (path / "checkpoints").is_dir()

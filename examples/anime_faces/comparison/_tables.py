"""What differs between runs, and their figures beside each other."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from examples.anime_faces.comparison._entries import Entry
from examples.anime_faces.recipes import recipe_names, saved_options
from examples.anime_faces.run import best_of_each

ABSENT = "\u2013"


class Setting(NamedTuple):
    """One setting, and its value in each run."""

    name: str
    values: list[str]


class Settings(NamedTuple):
    """All settings: those that differ, those that only some recipes have, and those that are the same in all runs."""

    different: list[Setting]
    of_some: list[Setting]
    same: list[Setting]


def differing(entries: Sequence[Entry]) -> Settings:
    """Return the settings of the runs, sorted by whether they differ."""
    tables = [_settings(entry) for entry in entries]
    found = Settings([], [], [])
    for name in dict.fromkeys(name for table in tables for name in table):
        setting = Setting(name, [table.get(name, ABSENT) for table in tables])
        if not all(name in table for table in tables):
            found.of_some.append(setting)
        elif len(set(setting.values)) > 1:
            found.different.append(setting)
        else:
            found.same.append(setting)
    return found


def _settings(entry: Entry) -> dict[str, str]:
    settings = entry.settings
    options = settings.options
    if settings.recipe in recipe_names():  # with the options that are younger than the run
        options = asdict(saved_options(settings.recipe, options))
    return {
        "recipe": settings.recipe,
        **{name.replace("_", " "): _text(value) for name, value in options.items()},
        "steps planned": f"{settings.steps:,}",
        "step of the pictures": ABSENT if entry.step is None else f"{entry.step:,}",
        "seed": str(settings.seed),
        "started from": settings.start or ABSENT,
        "data": settings.data,
        "data fingerprint": settings.fingerprint[:12],
        "picture size": str(settings.description.size),
        "pictures in use": f"{settings.pictures:,}",
        "hardware": str(settings.hardware),
        "versions": ", ".join(f"{name} {version}" for name, version in settings.versions.items()),
    }


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ABSENT if value in (None, "") else str(value)


class Beside(NamedTuple):
    """The figures of the runs that were measured.

    Args:
        measured: The runs, in their order.
        records: The contents of their metrics files by the number of the run.
        best: The number of the best run, by figure; empty where the figures cannot be compared.
        notes: What a reader must know.
        late: Which figures are of an earlier step than the pictures, a sentence each.
    """

    measured: list[Entry]
    records: Mapping[int, Mapping[str, Any]]
    best: Mapping[str, int]
    notes: list[str]
    late: list[str]


def figures_beside(entries: Sequence[Entry]) -> Beside:
    """Return the figures beside each other, with the best one of each where the runs were measured in the same way."""
    measured = [entry for entry in entries if entry.metrics is not None]
    records = {entry.number: entry.metrics for entry in measured if entry.metrics is not None}
    notes = [
        f"{entry.label} was not measured: run evaluate {entry.given}." for entry in entries if entry.metrics is None
    ]
    late: list[str] = []
    for entry in measured:
        at = records[entry.number].get("step")
        if at != entry.step:
            late.append(
                f"{entry.label} was measured at step {at}, and its pictures are of step {entry.step}: run "
                f"evaluate {entry.given} again."
            )
    ways = {
        "data": {str(record.get("data", {}).get("fingerprint")) for record in records.values()},
        "numbers of samples": {str(record.get("samples")) for record in records.values()},
        "feature networks": {str(record.get("features")) for record in records.values()},
    }
    different = [name for name, values in ways.items() if len(values) > 1]
    if different:
        notes.append(
            f"The runs were measured with different {' and '.join(different)}, so their figures are not comparable, and no "
            "best one is marked."
        )
    best = best_of_each(records) if len(records) > 1 and not different else {}
    return Beside(measured, records, best, notes, late)

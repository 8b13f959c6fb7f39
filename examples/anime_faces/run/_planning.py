"""From what a user requests to settings: for a new run, and for one that continues; and minutes turned into steps."""

import platform
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import gankit as gk
from examples.anime_faces.data import Dataset
from examples.anime_faces.errors import LinesError
from examples.anime_faces.printing import one_line, say
from examples.anime_faces.recipes import saved_options
from examples.anime_faces.run._folder import RunFolder
from examples.anime_faces.run._formats import load_any_checkpoint
from examples.anime_faces.run._kept import check_kept_steps
from examples.anime_faces.run._request import TrainRequest, note_change
from examples.anime_faces.run._settings import Settings, differences, flags_of_then
from examples.anime_faces.run._state import digest
from examples.anime_faces.systems import Hardware, Selection, hardware_choices


def plan_run(request: TrainRequest, dataset: Dataset, selection: Selection) -> tuple[Settings, tuple[Hardware, ...]]:
    """Decide everything for a new run but what must be measured: if minutes were requested, the steps are those of the recipe.

    Returns:
        The settings, on hardware that is slow nowhere; and all hardware to choose from.
    """
    choices = hardware_choices(**_asked(request))
    return _settings(request, dataset, selection, choices[0]), choices


def plan_resumption(
    old: Settings, request: TrainRequest, dataset: Dataset, selection: Selection, *, trained: int
) -> Settings:
    """Decide everything for a run that continues: what was chosen at its start stays, unless the user now chooses otherwise.

    Args:
        old: The settings of the run.
        request: What the user requests now.
        dataset: The data set.
        selection: The pictures in use.
        trained: The steps that the run has done.

    Raises:
        LinesError: Something that must not change has changed; the message lists what was and what is.
    """
    if request.start is not None and old.start is None:
        raise ValueError(f"{request.out} holds a run already; --from starts a new one: name another --out")
    now = _settings(replace(request, start=None), dataset, selection, old.hardware)
    if old.recipe == now.recipe:
        old = replace(old, options=asdict(saved_options(old.recipe, old.options)))
    changed = differences(old, replace(now, start=_start_now(old.start, request.start)))
    if changed:
        lines = [
            f"{request.out} holds a run with other settings:",
            *changed,
            (
                f"repeat its command to continue it{flags_of_then(old, now)}, or name another --out "
                "(with --from to start from its networks)"
            ),
        ]
        raise LinesError("\n".join(map(one_line, lines)))
    new_to_keep = set(request.keep) - set(old.keep)
    is_fixed = request.minutes is None and request.plan is None and (old.seconds is None or request.steps is not None)
    planned = request.steps or old.steps
    check_kept_steps(new_to_keep, RunFolder(request.out), trained=trained, steps=planned if is_fixed else None)
    hardware = _same_or_asked(old.hardware, request)
    say(f"hardware  {hardware} (as this run began)" if hardware == old.hardware else f"hardware  {hardware} (as asked)")
    versions = versions_here()
    for name in sorted(old.versions.keys() & versions.keys()):
        if old.versions[name] != versions[name]:
            note_change(request, f"{name} was {old.versions[name]} and is {versions[name]} now")
    steps = _steps(old, request, trained)
    return replace(
        # Steps that were asked for are not changed by the clock.
        old if steps == old.steps else replace(old.changed(trained, steps), seconds=None),
        data=str(request.data),
        hardware=hardware,
        versions=versions,
        keep=tuple(sorted({*old.keep, *request.keep})),
        grid_every=old.grid_every if request.grid_every is None else request.grid_every,
    )


def read_plan(run: Path) -> Settings:
    """Return the settings of a run whose plan is followed.

    Raises:
        ValueError: There is no such run.
    """
    path = run / "settings.json"
    if not path.exists():
        raise ValueError(f"--plan must name the folder of a run, but {path} does not exist")
    return Settings.load(path)


def _settings(request: TrainRequest, dataset: Dataset, selection: Selection, hardware: Hardware) -> Settings:
    start, steps = request.start, request.recipe.steps if request.steps is None else request.steps
    if request.plan is not None:
        steps = read_plan(request.plan).first_steps
    return Settings(
        recipe=request.recipe.name,
        options=asdict(request.options),
        seed=request.seed,
        steps=steps,
        minutes=request.minutes,
        data=str(request.data),
        fingerprint=dataset.fingerprint,
        description=selection.description,
        pictures=len(selection.rows),
        start=None if start is None else _in_words(start),
        grid_every=request.grid_every,
        keep=tuple(sorted(set(request.keep))),
        hardware=hardware,
        versions=versions_here(),
    )


def _in_words(start: Path) -> str:
    return f"{start} (state {digest(load_any_checkpoint(start))[:12]})"


def _start_now(old: str | None, asked: Path | None) -> str | None:
    """Return where the run began if the request says the same or nothing, else what it says.

    The networks were taken at the start, so the source may be gone now or trained further; a path may be written otherwise.
    """
    if old is None or asked is None or old.startswith(f"{asked} (state "):
        return old
    new = _in_words(asked) if asked.exists() else str(asked)
    return old if new.rpartition(" (state ")[2] == old.rpartition(" (state ")[2] else new


def _same_or_asked(old: Hardware, request: TrainRequest) -> Hardware:
    new = replace(old, **{name: value for name, value in _asked(request).items() if value is not None})
    hardware_choices(device=new.device, precision=new.precision, threads=new.threads, gradients=new.gradients)
    if new != old:
        note_change(request, f"the run began on {old}, and continues on {new}")
    return new


def _asked(request: TrainRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in ("device", "precision", "threads", "gradients")}


def _steps(old: Settings, request: TrainRequest, trained: int) -> int:
    if request.minutes is not None and request.minutes != old.minutes:
        raise ValueError(
            f"the run was planned as {old.steps} steps; to train it longer, say --steps with a larger number"
        )
    if request.plan is not None and read_plan(request.plan).first_steps != old.first_steps:
        raise ValueError(
            f"--plan must name a run that was planned as {old.first_steps} steps, as this one was, but {request.plan} was "
            f"planned as {read_plan(request.plan).first_steps}"
        )
    if request.steps is None or request.steps == old.steps:
        return old.steps
    if request.steps < trained:
        raise ValueError(
            f"--steps must be at least {trained}, the steps that the run in {request.out} has done, but it is {request.steps}"
        )
    say(
        f"note: the plan changes from {old.steps} to {request.steps} steps; what decays over the run follows the new one"
    )
    return request.steps


def versions_here() -> dict[str, str]:
    """Return the versions of what computes."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "gankit": gk.__version__,
    }

"""From a request to settings: for a new run, and for one that goes on."""

import platform
from dataclasses import asdict, replace

import numpy as np
import torch

import gankit as gk
from examples.anime_faces.data import Dataset
from examples.anime_faces.recipes._hardware import Hardware
from examples.anime_faces.recipes._selection import Selection
from examples.anime_faces.run._fine_tune import load_any_checkpoint
from examples.anime_faces.run._hardware import choose_hardware
from examples.anime_faces.run._request import TrainRequest
from examples.anime_faces.run._settings import Settings, differences
from examples.anime_faces.run._state import digest


def plan_run(request: TrainRequest, dataset: Dataset, selection: Selection) -> Settings:
    """Settle everything for a new run; where minutes were asked for, the steps are still the recipe's."""
    hardware, reason = choose_hardware(device=request.device, precision=request.precision, threads=request.threads)
    print(f"hardware  {hardware} ({reason})")
    return _settings(request, dataset, selection, hardware)


def plan_resumption(old: Settings, request: TrainRequest, dataset: Dataset, selection: Selection) -> Settings:
    """Settle a run that goes on: what was chosen at its start stays, unless the user now says otherwise.

    Raises:
        ValueError: Something that binds has changed; the message lists what was and what is.
    """
    if request.start is not None and old.start is None:
        raise ValueError(f"{request.out} holds a run already; --from starts a new one: name another --out")
    changed = differences(old, replace(_settings(request, dataset, selection, old.hardware), start=old.start))
    if changed:
        lines = "\n".join(changed)
        raise ValueError(
            f"{request.out} holds a run with other settings:\n{lines}\n"
            "repeat its command to go on with it, or name another --out (with --from to start from its networks)"
        )
    hardware = _same_or_asked(old.hardware, request)
    print(
        f"hardware  {hardware} (as this run began)" if hardware == old.hardware else f"hardware  {hardware} (as asked)"
    )
    versions = _versions()
    for name in sorted(old.versions.keys() & versions.keys()):
        if old.versions[name] != versions[name]:
            print(
                f"note: {name} was {old.versions[name]} and is {versions[name]} now: the run need not repeat bit for bit"
            )
    return replace(
        old,
        steps=_steps(old, request),
        data=str(request.data),
        hardware=hardware,
        versions=versions,
        grid_every=old.grid_every if request.grid_every is None else request.grid_every,
    )


def _settings(request: TrainRequest, dataset: Dataset, selection: Selection, hardware: Hardware) -> Settings:
    start = request.start
    return Settings(
        recipe=request.recipe.name,
        options=asdict(request.options),
        seed=request.seed,
        steps=request.recipe.steps if request.steps is None else request.steps,
        minutes=request.minutes,
        data=str(request.data),
        fingerprint=dataset.fingerprint,
        description=selection.description,
        pictures=len(selection.rows),
        start=None if start is None else f"{start} (state {digest(load_any_checkpoint(start))[:12]})",
        grid_every=request.grid_every,
        hardware=hardware,
        versions=_versions(),
    )


def _same_or_asked(old: Hardware, request: TrainRequest) -> Hardware:
    asked = {"device": request.device, "precision": request.precision, "threads": request.threads}
    new = replace(old, **{name: value for name, value in asked.items() if value is not None})
    choose_hardware(device=new.device, precision=new.precision, threads=new.threads)  # is it there?
    if new != old:
        print(f"note: the run began on {old}; from here on it need not repeat bit for bit")
    return new


def _steps(old: Settings, request: TrainRequest) -> int:
    if request.minutes is not None and request.minutes != old.minutes:
        raise ValueError(
            f"the run was planned as {old.steps} steps; to train it longer, say --steps with a larger number"
        )
    if request.steps is None or request.steps == old.steps:
        return old.steps
    print(
        f"note: the plan changes from {old.steps} to {request.steps} steps; what decays over the run follows the new one"
    )
    return request.steps


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "gankit": gk.__version__,
    }

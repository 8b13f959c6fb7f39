"""Checkpoints of runs: whole and sealed, with a state that is changed anywhere, as by a later version or by somebody else."""

import io
import random
import tempfile
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

import gankit as gk
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.run import digest, load_any_checkpoint, load_generator, load_network
from examples.anime_faces.systems import Description
from tests.fuzzing.mutators import changed_value
from tests.fuzzing.run_files import settings
from tests.fuzzing.target import Target


@cache
def run_state() -> dict[str, Any]:
    """Return the state of a tiny run, as training saves it."""
    options = find_options("acgan")(width=1, embedding=1, batch_size=2)
    torch.manual_seed(0)
    description = replace(settings().description, size=16)
    networks = {name: make() for name, make in find_recipe("acgan").networks(description, options).makers.items()}
    saved = {name: gk.training.network_state(network) for name, network in networks.items()}
    plain = replace(settings(), options=asdict(options), description=description)
    assert isinstance(description, Description)
    return {
        "format": 2,
        "settings": plain.to_dict(),
        "step": 50,
        "networks": saved,
        "averages": {"generator": {"version": 1, "updates": 50, "network": saved["generator"]}},
        "updates": {"critic": {"version": 1, "updates": 50, "optimizer": {"state": {}, "param_groups": []}}},
        "parts": {"labels": {"step": 50}},
        "draws": 7,
        "random": gk.training.random_state(python=False),
        "recent": {"critic/score": [0.5, 1.0]},
    }


def _file(state: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint-50.pt")
        gk.training.save_checkpoint(path, {"version": 1, "step": 50, "state": state})
        return path.read_bytes()


def on_state(rng: random.Random, data: bytes) -> bytes:
    """Change a state in a checkpoint; what cannot be saved leaves the file as it is."""
    state = torch.load(io.BytesIO(data), weights_only=True)["state"]
    for _ in range(rng.randint(1, 3)):
        state = changed_value(rng, state)
    try:
        return _file(state)
    except ValueError:
        return data


def _read(path: Path) -> Any:
    with redirect_stdout(io.StringIO()):  # notes
        state = load_any_checkpoint(path)
        generator, critic = load_generator(path), load_network(path, "critic")
    return state, digest(state), generator.settings, generator.step, dict(generator.drawer.networks), critic


RUN_STATES: dict[str, Target] = {
    "checkpoint of a run": Target(
        name="checkpoint-50.pt", seeds=lambda: {"run": _file(run_state())}, read=_read, mutate=on_state, naming=""
    ),
}
"""The checkpoint of a run."""

"""Readers of the files in the folder of a run, and of kept networks, figures and weights."""

import contextlib
import hashlib
import io
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from safetensors.torch import save as tensors_saved

from examples.anime_faces.judge import _storage
from examples.anime_faces.metrics import _cache
from examples.anime_faces.run import Settings, read_layout, read_log, read_losses, read_metrics, read_sheet
from examples.anime_faces.run._losses import LossTable
from examples.anime_faces.run._outlines import read_outline
from examples.anime_faces.run._sheets import Block, draw_sheet
from examples.anime_faces.systems import Description, Hardware
from examples.anime_faces.transfer._published import changer_of_weights
from tests.fuzzing.data_files import ATTRIBUTES
from tests.fuzzing.mutators import BYTES, JSON, JSON_LINES, LINES, Mutator, on_json, on_members, several
from tests.fuzzing.pickles import PICKLE
from tests.fuzzing.target import Target
from tests.support.stargan_files import published_critic, published_generator

KEY = "a key"


def settings() -> Settings:
    """Return settings with every entry."""
    description = Description(size=8, kind="table", attributes=ATTRIBUTES, incomplete=(False, True, False))
    plain = Settings(
        recipe="acgan",
        options={"width": 4, "rate": 0.5, "name": "a", "flag": True, "none": None},
        seed=7,
        steps=100,
        minutes=None,
        data="data/faces",
        fingerprint="0" * 64,
        description=description,
        pictures=6,
        start=None,
        grid_every=10,
        hardware=Hardware(device="cpu", precision="float32", channels_last=True, threads=1),
        versions={"torch": "2.13.0"},
        seconds=1.5,
        keep=(10, 20),
        timings={"eager": 0.5},
    )
    return plain.changed(50, 200)


METRICS = {
    "step": 7,
    "samples": 100,
    "data": {"fingerprint": "0"},
    "figures": {
        "frechet": {"value": 1.5, "floor": None, "at_most": 2.0, "low": 1.0, "high": 2.0, "passed": True, "about": "a"}
    },
    "details": {"a": [1]},
    "notes": ["a note"],
}
OUTLINE = {
    "networks": [{"name": "critic", "draws": False, "layers": [["conv", "8x8", "a layer", 12]]}],
    "losses": [{"name": "critic", "facts": [["a", "b"]]}],
    "notation": [["z", "noise"]],
    "constants": [{"name": "Adam", "facts": [["lr", "0.1"]]}],
}
LOG = [
    {
        "step": 5,
        "seconds": 1.5,
        "images": 30,
        "images_per_second": 2.0,
        "averages": {"critic/score": 0.5},
        "states": [],
    },
    {
        "step": 10,
        "seconds": 2,
        "images": 60,
        "averages": {"critic/score": -0.5},
        "grid": {"variety": 1.0},
        "states": ["collapsed"],
        "plan": {"step": 9, "before": 10, "after": 20},
    },
]


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


def _losses() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        table = LossTable(Path(folder, "losses.csv"))
        table.open(0)
        table.append([(step, {"critic/score": 0.5 * step, "generator/a, b": -1.0}) for step in (1, 2, 3)])
        table.append([(4, {"critic/late": 1.0})])
        table.close()
        return {"losses": Path(folder, "losses.csv").read_bytes()}


def _sheets() -> dict[str, bytes]:
    images = np.zeros((2, 3, 8, 8, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        draw_sheet(["blue hair", "red"], [Block("a", images), Block("b", images)]).save(Path(folder, "a.png"))
        return {"sheet": Path(folder, "a.png").read_bytes()}


def _read_sheet(path: Path) -> Any:
    image = read_sheet(path)
    return np.asarray(image), read_layout(image)


@cache
def _cached() -> dict[str, bytes]:
    tensors = {"features": torch.arange(6.0).reshape(2, 3), "ids": torch.tensor([1, 2]), "none": torch.empty(0, 2)}
    digest = _cache._digest(tensors)
    return {"features": tensors_saved(tensors, {"key": KEY, "sha256": digest})}


def _read_cache(path: Path) -> Any:
    with contextlib.redirect_stdout(io.StringIO()) as said:
        found = _cache._read(path, KEY)
    assert (found is None) == (path.name in said.getvalue())
    assert said.getvalue().count("\n") == (found is None)
    return found


def _around_judge(folder: Path) -> None:
    for name in ("judge.json", "judge.safetensors"):
        (folder / name).write_bytes((_storage.FOLDER / name).read_bytes())


def _card() -> dict[str, bytes]:
    return {"card": (_storage.FOLDER / "judge.json").read_bytes()}


def _load_card(path: Path) -> Any:
    with mock.patch.object(_storage, "FOLDER", path.parent):
        return _storage.load_card("judge")


def _load_judge(path: Path) -> Any:
    card = {"file": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}, "renderer": ""}
    with (
        mock.patch.object(_storage, "FOLDER", path.parent),
        mock.patch.object(_storage, "load_card", return_value=card),
    ):
        return _storage.load_judge()


def in_safetensors(inside: Mutator) -> Mutator:
    """Return what changes the JSON at the beginning of a file of safetensors, and its length with it."""

    def mutate(rng: Any, data: bytes) -> bytes:
        length = int.from_bytes(data[:8], "little")
        head = inside(rng, data[8 : 8 + length])
        return len(head).to_bytes(8, "little") + head + data[8 + length :]

    return mutate


def _published(state: dict[str, torch.Tensor]) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def _generators() -> dict[str, bytes]:
    return {"generator": _published(published_generator(width=1, blocks=1))}


def _put_generator(folder: Path) -> None:
    (folder / "200000-G.ckpt").write_bytes(_generators()["generator"])


RUN_FILES: dict[str, Target] = {
    "settings.json": Target(
        name="settings.json", seeds=lambda: {"settings": _json(settings().to_dict())}, read=Settings.load, mutate=JSON
    ),
    "metrics.json": Target(
        name="metrics.json", seeds=lambda: {"metrics": _json(METRICS)}, read=read_metrics, mutate=JSON
    ),
    "system.json": Target(
        name="system.json", seeds=lambda: {"outline": _json(OUTLINE)}, read=read_outline, mutate=JSON
    ),
    "log.jsonl": Target(
        name="log.jsonl",
        seeds=lambda: {"log": "".join(json.dumps(line) + "\n" for line in LOG).encode()},
        read=read_log,
        mutate=JSON_LINES,
    ),
    "losses.csv": Target(name="losses.csv", seeds=_losses, read=read_losses, mutate=LINES),
    "sheet": Target(name="samples.png", seeds=_sheets, read=_read_sheet, mutate=BYTES),
    "kept features": Target(
        name="features.safetensors",
        seeds=_cached,
        read=_read_cache,
        mutate=several(in_safetensors(on_json), BYTES),
        errors=(),
    ),
    "card of the judge": Target(name="judge.json", seeds=_card, around=_around_judge, read=_load_card, mutate=JSON),
    "judge": Target(
        name="judge.safetensors",
        seeds=lambda: {"judge": (_storage.FOLDER / "judge.safetensors").read_bytes()},
        around=_around_judge,
        read=_load_judge,
        mutate=in_safetensors(on_json),
    ),
    "weights of StarGAN": Target(
        name="200000-G.ckpt",
        seeds=_generators,
        read=lambda path: changer_of_weights(path).drawer.networks,
        mutate=several(on_members(PICKLE, compress=True), BYTES),
    ),
    "critic of StarGAN": Target(
        name="200000-D.ckpt",
        seeds=lambda: {"critic": _published(published_critic())},
        around=_put_generator,
        read=lambda path: changer_of_weights(path.with_name("200000-G.ckpt"), critic=path).critic,
        mutate=several(on_members(PICKLE, compress=True), BYTES),
    ),
}
"""Files of runs, of the judge and of others."""

"""Readers of checkpoints and weights, in the library and in the example."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

import gankit as gk
from examples.anime_faces.judge import _storage as storage, load_encoder
from examples.anime_faces.metrics._cache import Cache
from tests.faults.contents import arrays, json_texts, safetensors, texts
from tests.faults.materials import Materials, training
from tests.faults.readers import Place, Reader, alone, by_command, by_sentinel, library, of_archives, of_plain

ONE_KEY = {"what": "a trial"}


def _newest(materials: Materials, folder: Path) -> Path:
    """Leave one checkpoint of a run, and return its path."""
    run = materials.run_in(folder / "run")
    checkpoints = sorted((run / "checkpoints").glob("*.pt"), key=lambda path: int(path.stem.rpartition("-")[2]))
    for path in checkpoints[:-1]:
        path.unlink()
    return checkpoints[-1]


def _load(path: Path) -> object:
    return gk.training.load_checkpoint(path)  # looked up at each call: a test replaces it


def _transfer(path: Path, folder: Path, materials: Materials, *flags: str) -> list[str]:
    del path
    return ["transfer", "--images", str(materials.photos), *flags, "--out", str(folder / "strip.png")]


def _beside_weights(flag: str) -> Callable[[Path, Path, Materials], list[str]]:
    return lambda path, folder, m: _transfer(path, folder, m, "--weights", str(m.weights), flag, str(path))


def _in_model(name: str) -> Place:
    return lambda materials, folder: Path(shutil.copytree(materials.words, folder / "words")) / name


def _in_judge(name: str) -> Place:
    def place(materials: Materials, folder: Path) -> Path:
        del materials
        for path in storage.FOLDER.glob("encoder.*"):
            shutil.copy(path, folder)
        return folder / name

    return place


def _load_encoder(path: Path) -> object:
    storage.FOLDER = path.parent  # this process is a fork, which ends after it
    return load_encoder()


def _cached(materials: Materials, folder: Path) -> Path:
    """Keep a tensor in a cache, and return the path of its file."""
    del materials
    cache = Cache(folder=folder / "measured")
    cache.get("features", ONE_KEY, lambda: {"a": torch.ones(2)})
    return next((folder / "measured").iterdir())


def _read_cache(path: Path) -> object:
    def refused() -> dict[str, object]:
        raise ValueError(f"{path} is not used")

    return Cache(folder=path.parent).get("features", ONE_KEY, partial(refused))  # pyright: ignore[reportArgumentType]


def _vectors(path: Path) -> object:
    return gk.embedders.VectorTable.load(path.parent / "vectors.npy", path.parent / "vectors.txt")


def _skip_thoughts(path: Path) -> object:
    return gk.embedders.SkipThoughts(path.parent)


READERS: dict[str, Reader] = {
    "load_checkpoint": Reader(place=alone("a.pt"), read=library(_load), contents=of_archives(seal=True)),
    "Checkpoints.load_latest": Reader(
        place=alone("checkpoint-3.pt"),
        read=library(lambda path: gk.training.Checkpoints(path.parent).load_latest()),
        contents=of_archives(seal=True),
    ),
    "sample --run": Reader(
        place=_newest,
        read=by_command(lambda path, folder, _: ["sample", "--run", str(path), "--out", str(folder / "a.png")]),
        contents=of_archives(seal=True),
    ),
    "train, to go on": Reader(
        place=_newest,
        read=by_command(lambda path, folder, m: training(m.faces, "--out", str(folder / "run"), steps=4)),
        contents=of_archives(seal=True),
    ),
    "train --from": Reader(
        place=alone("a.pt"),
        read=by_command(
            lambda path, folder, m: training(m.faces, "--out", str(folder / "out"), "--from", str(path), steps=1)
        ),
        contents=of_archives(seal=True),
    ),
    "digest": Reader(
        place=alone("a.pt"), read=by_command(lambda path, *_: ["digest", str(path)]), contents=of_archives(seal=True)
    ),
    "transfer --weights": Reader(
        place=alone("200000-G.ckpt"),
        read=by_command(lambda path, folder, m: _transfer(path, folder, m, "--weights", str(path))),
        contents=of_archives(seal=False),
    ),
    "transfer --critic": Reader(
        place=alone("200000-D.ckpt"),
        read=by_command(_beside_weights("--critic")),
        contents=of_archives(seal=False),
    ),
    "transfer --labels": Reader(
        place=alone("labels.csv"), read=by_command(_beside_weights("--labels")), contents=of_plain(texts)
    ),
    "weights of the encoder": Reader(
        place=_in_judge("encoder.safetensors"), read=library(_load_encoder), contents=by_sentinel(safetensors)
    ),
    "card of the encoder": Reader(
        place=_in_judge("encoder.json"), read=library(_load_encoder), contents=of_plain(json_texts)
    ),
    "cache of an evaluation": Reader(place=_cached, read=library(_read_cache), contents=by_sentinel(safetensors)),
    "VectorTable.load, vectors": Reader(
        place=_in_model("vectors.npy"), read=library(_vectors), contents=by_sentinel(arrays)
    ),
    "VectorTable.load, texts": Reader(place=_in_model("vectors.txt"), read=library(_vectors), contents=of_plain(texts)),
    "SkipThoughts, dictionary": Reader(
        place=_in_model("dictionary.txt"), read=library(_skip_thoughts), contents=of_plain(texts)
    ),
    "SkipThoughts, vectors of words": Reader(
        place=_in_model("utable.npy"), read=library(_skip_thoughts), contents=by_sentinel(arrays)
    ),
    "SkipThoughts, weights": Reader(
        place=_in_model("uni_skip.npz"), read=library(_skip_thoughts), contents=by_sentinel(arrays)
    ),
}

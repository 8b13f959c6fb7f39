"""The kept networks: their files, their cards, and that the cards are true."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import torch as tensors

from examples.anime_faces.data.render import Knobs
from examples.anime_faces.judge import (
    _storage,
    load_card,
    load_encoder,
    load_judge,
    read,
    render_fresh,
    renderer_fingerprint,
)
from examples.anime_faces.judge._storage import FOLDER
from examples.anime_faces.judge.train_judge import VARIED, measure

NAMES = ("judge", "encoder")
BALANCED = [(hair, eyes) for hair in range(12) for eyes in range(11)]


@pytest.mark.parametrize("name", NAMES)
def test_the_card_names_its_file(name: str):
    weights = (FOLDER / f"{name}.safetensors").read_bytes()
    file = load_card(name)["file"]
    assert len(weights) == file["bytes"] < 2_000_000
    assert hashlib.sha256(weights).hexdigest() == file["sha256"]


def test_weights_of_another_network_are_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    weights = (FOLDER / "judge.safetensors").read_bytes()
    card = json.loads((FOLDER / "encoder.json").read_text(encoding="utf-8"))
    (tmp_path / "encoder.safetensors").write_bytes(weights)
    monkeypatch.setattr(_storage, "FOLDER", tmp_path)
    for digest, message in (("0", "is not the file that its card"), ("", "does not hold the weights of this version")):
        card["file"]["sha256"] = digest or hashlib.sha256(weights).hexdigest()
        (tmp_path / "encoder.json").write_text(json.dumps(card), encoding="utf-8")
        with pytest.raises(ValueError, match=rf"encoder\.safetensors {message}") as caught:
            load_encoder()
        assert "\n" not in str(caught.value)


def test_weights_that_go_on_are_refused_before_they_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_storage, "FOLDER", tmp_path)
    path = tmp_path / "judge.safetensors"
    with path.open("wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(ValueError, match=r"judge\.safetensors: it has more than [\d,]+ bytes: get it again"):
        load_judge()


@pytest.mark.parametrize("name", NAMES)
def test_trained_on_the_faces_as_they_are_drawn_now(name: str):
    card = load_card(name)
    if card["versions"]["pillow"] != version("pillow"):
        pytest.skip(f"the card is for Pillow {card['versions']['pillow']}, which may draw a little differently")
    assert card["renderer"] == renderer_fingerprint(), f"the faces have changed: train the {name} again"


def test_the_card_says_at_least_99_percent():
    card = load_card("judge")
    for conditions in ("plain", "varied"):
        held_out = card["held_out"][conditions]
        for name in ("hair", "eyes", "style", "glasses", "ribbon", "highlight", "face"):
            assert held_out[name] >= 0.99, (conditions, name)


def test_the_judge_knows_held_out_faces():
    right = measure(load_judge(), render_fresh(BALANCED, seed=77, knobs=VARIED))
    assert right["hair"] >= 0.99
    assert right["eyes"] >= 0.985
    for name in ("style", "expression", "pose", "background", "glasses", "ribbon", "highlight", "face"):
        assert right[name] >= 0.96, name
    for name in ("x", "y", "yaw", "tilt"):
        assert right[f"{name}_error"] < 0.4, name


@pytest.mark.parametrize("size", [32, 128])
def test_the_judge_knows_faces_of_other_sizes(size: int):
    renders = render_fresh(BALANCED[::3], seed=78, size=size)
    readings = read(load_judge(), renders.images)
    for name, least in (("hair", 0.95), ("eyes", 0.9)):
        assert np.mean(readings[name].argmax(axis=1) == renders.factors[name]) >= least


def test_the_judge_takes_no_noise_for_a_face():
    noise = torch.randint(0, 256, (40, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert np.mean(read(load_judge(), noise)["face"] < 0.5) > 0.9


def test_the_judge_sees_highlights_on_and_off():
    judge = load_judge()
    for rate in (0.0, 1.0):
        seen = read(judge, render_fresh(40, seed=1, knobs=Knobs(highlight_rate=rate)).images)["highlight"]
        assert np.mean(seen > 0.5) == pytest.approx(rate, abs=0.05)


def test_loaded_networks_only_judge():
    for network in (load_judge(), load_encoder()):
        assert not network.training
        assert not any(parameter.requires_grad for parameter in network.parameters())
        assert all(parameter.dtype == torch.float32 for parameter in network.parameters())


@pytest.mark.parametrize("what", ["no tensors", "other tensors", "an unknown type"])
def test_a_file_of_another_form_is_one_error_with_its_name(what, tmp_path, monkeypatch: pytest.MonkeyPatch):
    data = {
        "no tensors": b"hello",
        "other tensors": tensors.save({"a": torch.ones(2)}),
        "an unknown type": b'\x30\0\0\0\0\0\0\0{"a":{"dtype":"X9","shape":[],"data_offsets":[0,0]}}',
    }[what]
    (tmp_path / "judge.safetensors").write_bytes(data)
    card = {"file": {"sha256": hashlib.sha256(data).hexdigest()}, "renderer": ""}
    monkeypatch.setattr(_storage, "FOLDER", tmp_path)
    monkeypatch.setattr(_storage, "load_card", lambda _: card)
    with pytest.raises(
        ValueError,
        match=rf"{tmp_path}/judge\.safetensors does not hold the weights of this version's judge: get it again",
    ):
        load_judge()

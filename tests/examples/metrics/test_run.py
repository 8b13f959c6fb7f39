"""Evaluation of a run: what it reads, what it refuses, what it writes."""

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from examples.anime_faces.commands.results import Evaluate
from examples.anime_faces.data import (
    FACE_ATTRIBUTES,
    Attribute,
    Dataset,
    Reading,
    unlabeled_source,
    write_images,
    write_rendered,
)
from examples.anime_faces.data.render import Knobs
from examples.anime_faces.judge import render_fresh
from examples.anime_faces.metrics import Question, evaluate_run, knobs_of, metrics_path
from examples.anime_faces.metrics._asked import further_asked
from examples.anime_faces.run._noise import Noise


@dataclass
class Renderer:
    """Stands for a trained generator, and draws as well as can be."""

    data: Path
    attributes: tuple[Attribute, ...] = FACE_ATTRIBUTES
    size: int = 32
    step: int = 7
    reads_labels: bool = True
    example_texts: tuple[str, ...] | None = None
    noise: Noise = field(default_factory=Noise)
    warning: str = ""
    drawer: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(changes_pictures=False))

    @property
    def settings(self) -> SimpleNamespace:
        return SimpleNamespace(data=str(self.data), fingerprint=Dataset.open(self.data).fingerprint)

    def generate(self, class_ids: torch.Tensor, *, seed: int) -> torch.Tensor:
        if not self.attributes:
            return torch.full((len(class_ids), 3, self.size, self.size), 90, dtype=torch.uint8)
        pairs = [(int(hair), int(eyes)) for hair, eyes in class_ids]
        return render_fresh(pairs, seed=seed, size=self.size, workers=1).images


def loads(monkeypatch: pytest.MonkeyPatch, generator: Renderer) -> None:
    monkeypatch.setattr("examples.anime_faces.metrics._run.load_generator", lambda run, **_: generator)


def test_writes_metrics_into_the_run(faces_folder: Path, tmp_path: Path, monkeypatch, capsys):
    loads(monkeypatch, Renderer(faces_folder))
    Evaluate(run_folder=tmp_path, samples=264, seed=5, device="cpu").run()
    record = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    dataset = Dataset.open(faces_folder)
    assert record["data"] == {"kind": "rendered", "fingerprint": dataset.fingerprint, "pictures": 70}
    assert (record["step"], record["seed"], record["samples"], record["device"]) == (7, 5, 264, "cpu")
    assert record["noise"] == {"temperature": 1.0}
    assert not any("noise" in note for note in record["notes"])
    assert record["figures"]["hair_accuracy"]["passed"]
    printed = capsys.readouterr().out
    assert "thresholds passed" in printed
    assert str(tmp_path / "metrics.json") in printed


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"temperature": 0.5}, "temperature 0.5", marks=pytest.mark.slow),
        pytest.param({"truncation": 1.5}, "truncation 1.5", marks=pytest.mark.slow),
        ({"temperature": 0.5, "truncation": 1.5}, "temperature 0.5, truncation 1.5"),
    ],
)
def test_other_noise_is_drawn_and_recorded(
    options: dict[str, Any], words: str, faces_folder: Path, tmp_path: Path, monkeypatch
):
    asked: list[dict[str, Any]] = []

    def load(run: Path, *, temperature: float, truncation: float | None, **_: object) -> Renderer:
        asked.append({"temperature": temperature, "truncation": truncation})
        return Renderer(faces_folder, noise=Noise(temperature=temperature, truncation=truncation))

    monkeypatch.setattr("examples.anime_faces.metrics._run.load_generator", load)
    Evaluate(run_folder=tmp_path, samples=264, device="cpu", **options).run()
    assert asked == [{"temperature": 1.0, "truncation": None} | options]
    record = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert record["noise"] == {"temperature": 1.0} | options
    assert f"The noise of the samples is not that of training: {words}." in record["notes"]


def test_labels_beside_the_colors_are_those_of_the_data(tmp_path: Path, monkeypatch):
    data = write_rendered(tmp_path / "data", 60, 32, knobs=Knobs(glasses_rate=0.9), binary_labels=True, workers=0)
    generator = Renderer(data.path, attributes=data.attributes, drawer=SimpleNamespace(changes_pictures=True))
    asked: list[torch.Tensor] = []

    def generate(class_ids: torch.Tensor, *, seed: int) -> torch.Tensor:
        asked.append(class_ids)
        return Renderer.generate(generator, class_ids[:, :2], seed=seed)

    monkeypatch.setattr(generator, "generate", generate)
    loads(monkeypatch, generator)
    record = evaluate_run(Question(run=tmp_path, samples=264, device="cpu"))
    for name in ("hair_accuracy", "eye_accuracy", "noise_usage"):
        assert record["figures"][name]["passed"] is None
        assert record["figures"][name]["not_applied"] == f"the recipe changes pictures of {data.path}"
    assert record["figures"]["fid"]["passed"] is not None
    (drawn,) = [ids for ids in asked if len(ids) == 264]
    assert drawn.shape == (264, 4)
    assert 0.8 < float(drawn[:, 2].float().mean()) < 1
    assert 0 < float(drawn[:, 3].float().mean()) < 0.4
    # What draws here leaves glasses out, so it is right where none were asked for, and wrong where they were.
    assert record["details"]["accuracy_by_class"]["glasses"] == {"no": 1.0, "yes": 0.0}
    figure = record["figures"]["glasses_accuracy"]
    assert figure["value"] == 0.5
    assert figure["low"] < 0.5 < figure["high"]
    # The renders are read against what they show: with the labels of other renders it would be about one half.
    assert all(record["figures"][name]["floor"] > 0.9 for name in ("glasses_accuracy", "ribbon_accuracy"))
    assert record["details"]["share_of_pictures"]["glasses"]["yes"] == pytest.approx(np.mean(data.labels[:, -3]))
    further = further_asked(generator, data, 264, 0)  # pyright: ignore[reportArgumentType]
    assert list(further) == ["glasses", "ribbon"]
    assert np.array_equal(np.stack(list(further.values()), axis=1), drawn[:, 2:].numpy() == 1)


def test_a_recipe_without_labels_is_not_asked_for_colors(faces_folder: Path, tmp_path: Path, monkeypatch):
    """Its colors are right by chance, and every run failed their bounds."""
    loads(monkeypatch, Renderer(faces_folder, reads_labels=False))
    record = evaluate_run(Question(run=tmp_path, samples=264, device="cpu"))
    assert not {name for name in record["figures"] if "accuracy" in name or "score" in name}
    assert {"noise_usage", "unasked_variation", "fid"} <= set(record["figures"])
    assert any("the recipe does not read labels" in note for note in record["notes"])


def test_says_what_it_computes_on_and_keeps_what_it_knows_of_real_pictures(
    faces_folder: Path, tmp_path: Path, monkeypatch, capsys
):
    data = tmp_path / "data"
    shutil.copytree(faces_folder, data)
    loads(monkeypatch, Renderer(data))
    # A little time: the smallest number of samples, without the classification score.
    record = evaluate_run(Question(run=tmp_path, seconds=1.0, device="cpu"))
    assert record["samples"] == 264
    assert record["hardware"]["chosen"].startswith("cpu, ")
    assert any("The classification score is left out" in note for note in record["notes"])
    assert {path.name.split("-")[0] for path in (data / "measured").iterdir()} >= {"renders", "judge", "encoder"}
    assert "evaluate: computes on cpu" in capsys.readouterr().out
    Dataset.open(data).verify()


def test_copies_of_the_training_are_found_with_other_pictures(tmp_path: Path, monkeypatch, capsys):
    pictures = np.random.default_rng(0).integers(0, 256, (90, 8, 8, 3), dtype=np.uint8)
    for name, some in (("trained", pictures[:60]), ("held_out", pictures[60:])):
        (tmp_path / name).mkdir()
        for number, picture in enumerate(some):
            Image.fromarray(picture).resize((32, 32)).save(tmp_path / name / f"{number}.png")
        write_images(tmp_path / f"{name}_data", unlabeled_source(tmp_path / name), Reading(size=32), workers=0)
    own = Dataset.open(tmp_path / "trained_data")
    generator = Renderer(own.path, attributes=())
    copies = torch.from_numpy(own.images[:15].copy()).permute(0, 3, 1, 2)
    monkeypatch.setattr(generator, "generate", lambda class_ids, *, seed: copies[: len(class_ids)])
    loads(monkeypatch, generator)
    question = Question(run=tmp_path, data=tmp_path / "held_out_data", device="cpu")
    assert evaluate_run(question)["figures"]["copies_pixels"]["value"] == 1
    assert "note: copies" not in capsys.readouterr().out
    shutil.rmtree(own.path)
    monkeypatch.setattr(Renderer, "settings", SimpleNamespace(data=str(own.path), fingerprint=own.fingerprint))
    assert evaluate_run(question)["figures"]["copies_pixels"]["value"] < 1
    assert "since the data set of the run is no longer in" in capsys.readouterr().out


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_refuses_no_time(tmp_path: Path, seconds: float):
    with pytest.raises(ValueError, match="--seconds must be above 0, but it is"):
        evaluate_run(Question(run=tmp_path, seconds=seconds))


def test_refuses_too_few_samples_before_any_work(faces_folder: Path, tmp_path: Path, monkeypatch):
    loads(monkeypatch, Renderer(faces_folder))
    with pytest.raises(ValueError, match="--samples must be at least 264"):
        evaluate_run(Question(run=tmp_path, samples=263))


def test_the_metrics_of_a_checkpoint_lie_in_its_run(tmp_path: Path):
    (tmp_path / "checkpoints").mkdir()
    checkpoint = tmp_path / "checkpoints" / "step-0000007.pt"
    checkpoint.touch()
    assert metrics_path(checkpoint) == metrics_path(tmp_path) == tmp_path / "metrics.json"


def test_refuses_a_data_set_that_does_not_fit(faces_folder: Path, tmp_path: Path, monkeypatch):
    loads(monkeypatch, Renderer(faces_folder, size=64))
    with pytest.raises(ValueError, match=r"--data must have pictures of the run's size, 64, but .* has 32"):
        evaluate_run(Question(run=tmp_path))
    loads(monkeypatch, Renderer(faces_folder, attributes=FACE_ATTRIBUTES[:1]))
    with pytest.raises(
        ValueError,
        match=r"--data must have no other attributes and classes than the run, but .* has the class 'gray' of 'eyes'",
    ):
        evaluate_run(Question(run=tmp_path))


def test_own_pictures_get_the_figures_that_need_no_judge(tmp_path: Path, monkeypatch):
    source = tmp_path / "pictures"
    source.mkdir()
    rng = np.random.default_rng(0)
    for index in range(30):
        Image.fromarray(rng.integers(0, 256, size=(32, 32, 3), dtype=np.uint8)).save(source / f"{index}.png")
    write_images(tmp_path / "data", unlabeled_source(source), Reading(size=32), workers=0)
    loads(monkeypatch, Renderer(tmp_path / "data", attributes=()))
    record = evaluate_run(Question(run=tmp_path))
    assert record["data"]["kind"] == "unlabeled"
    assert record["samples"] == 15
    assert "hair_accuracy" not in record["figures"]
    assert any("left out" in note for note in record["notes"])


def test_knobs_are_read_back(tmp_path: Path):
    knobs = Knobs(withheld_pairs=((3, 4), (5, 6)), distractor_tags=(1, 2), glasses_rate=0.25)
    dataset = write_rendered(tmp_path / "faces", 3, 32, knobs=knobs, workers=0)
    assert knobs_of(dataset) == knobs
    weights = replace(knobs, hair_weights=tuple(float(index) for index in range(12)))
    assert knobs_of(write_rendered(tmp_path / "more", 3, 32, knobs=weights, workers=0)) == weights

"""What a generator is asked for: the colors that its data has, in its own class ids, and the domain of joined data sets."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from examples.anime_faces.data import FACE_ATTRIBUTES, Attribute, Dataset, join_datasets, write_rendered
from examples.anime_faces.data.render import Knobs
from examples.anime_faces.judge import render_fresh
from examples.anime_faces.metrics import Question, evaluate_run
from examples.anime_faces.metrics._asked import ALL_PAIRS, balanced_pairs, class_ids_for, drawing_colors, pairs_of
from examples.anime_faces.run._noise import Noise

NATURAL = "black hair, brown hair, blonde hair"


@dataclass
class Recorder:
    """Stands for a trained generator, and keeps what it is asked for."""

    data: Dataset
    attributes: tuple[Attribute, ...]
    size: int = 32
    step: int = 7
    reads_labels: bool = True
    example_texts: tuple[str, ...] | None = None
    noise: Noise = field(default_factory=Noise)
    warning: str = ""
    drawer: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(changes_pictures=False))

    def __post_init__(self) -> None:
        self.asked: list[torch.Tensor] = []

    @property
    def settings(self) -> SimpleNamespace:
        return SimpleNamespace(data=str(self.data.path), fingerprint=self.data.fingerprint)

    def generate(self, class_ids: torch.Tensor, *, seed: int) -> torch.Tensor:
        self.asked.append(class_ids)
        hair, eyes = (
            torch.tensor([FACE_ATTRIBUTES[k].classes.index(name) for name in self.attributes[k].classes])
            for k in (0, 1)
        )
        pairs = [(int(hair[one]), int(eyes[other])) for one, other in class_ids[:, :2].tolist()]
        return render_fresh(pairs, seed=seed, size=self.size, workers=1).images


def asked_of(data: Dataset, attributes: tuple[Attribute, ...] | None = None) -> Any:
    return cast("Any", Recorder(data, data.attributes if attributes is None else attributes))


def test_pairs_are_those_of_the_classes_there_are() -> None:
    assert pairs_of(FACE_ATTRIBUTES) == ALL_PAIRS
    assert len(ALL_PAIRS) == 132
    some = (Attribute("hat", ("a",)), Attribute("eyes", ("blue", "gray")), Attribute("hair", ("blonde", "orange")))
    assert pairs_of(some) == ((11, 10), (11, 0), (0, 10), (0, 0))
    drawn = balanced_pairs(10, 3, pairs_of(some))
    for start in (0, 4):
        assert {tuple(pair) for pair in drawn[start : start + 4].tolist()} == set(pairs_of(some))


def test_colors_are_asked_for_in_the_class_ids_of_the_run(tmp_path: Path) -> None:
    data = write_rendered(tmp_path / "data", 12, 32, only=f"{NATURAL}, red eyes", workers=0)
    generator = asked_of(data)
    drawing_colors(generator, data, 0)(torch.tensor([[11, 9], [9, 9]]))
    assert generator.asked[0].tolist() == [[2, 0], [0, 0]]


def test_a_part_of_a_joined_data_set_is_asked_for_by_its_domain(tmp_path: Path) -> None:
    alike = Knobs(second_domain_share=1.0, ribbon_rate=0.0)
    parts = [
        write_rendered(tmp_path / "faces", 6, 32, 1, workers=0),
        write_rendered(tmp_path / "alike", 6, 32, 2, alike, workers=0),
    ]
    joined = join_datasets(tmp_path / "joined", [part.path for part in parts])
    for number, part in enumerate(parts):
        generator = asked_of(joined)
        ids = class_ids_for(generator, part)
        assert np.array_equal(ids, np.c_[part.class_ids(), np.full(6, number)])
        drawing_colors(generator, part, 0)(torch.tensor([[3, 4]] * 5))
        assert generator.asked[0].tolist() == [[3, 4, number]] * 5
    assert np.array_equal(class_ids_for(asked_of(joined), joined), joined.class_ids())
    stranger = write_rendered(tmp_path / "stranger", 6, 32, 3, workers=0)
    assert (class_ids_for(asked_of(joined), stranger)[:, 2] == -1).all()  # drawn at random
    generator = asked_of(joined)
    shutil.rmtree(joined.path)
    assert (class_ids_for(generator, parts[0])[:, 2] == -1).all()


def test_a_run_of_some_colors_is_evaluated_with_the_judge_on_these_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_rendered(tmp_path / "data", 30, 32, only=NATURAL, workers=0)
    generator = asked_of(data)
    monkeypatch.setattr("examples.anime_faces.metrics._run.load_generator", lambda run, **_: generator)
    record = evaluate_run(Question(run=tmp_path, samples=264, device="cpu"))
    assert record["figures"]["hair_accuracy"]["passed"]
    assert not [name for name in record["figures"] if name.startswith("withheld")]
    (drawn,) = [ids for ids in generator.asked if len(ids) == 264]
    _, counts = np.unique(drawn.numpy(), axis=0, return_counts=True)
    assert counts.tolist() == [8] * 33


@pytest.mark.slow
def test_withheld_pairs_of_other_colors_are_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knobs = Knobs(withheld_pairs=((0, 0), (9, 1)))
    data = write_rendered(tmp_path / "data", 30, 32, knobs=knobs, only=NATURAL, workers=0)
    seen: list[tuple[tuple[int, int], ...]] = []

    def color_figures(*given: Any) -> dict[str, Any]:
        seen.append(given[-1])
        return {}

    monkeypatch.setattr("examples.anime_faces.metrics._rendered.color_figures", color_figures)
    generator = asked_of(data)
    monkeypatch.setattr("examples.anime_faces.metrics._run.load_generator", lambda run, **_: generator)
    evaluate_run(Question(run=tmp_path, samples=264, device="cpu"))
    assert seen == [((9, 1),)]

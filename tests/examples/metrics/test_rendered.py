"""Generators with one known fault each, and the figure that must catch it.

They stand for trained ones: each turns asked colors into pictures made of renders. Pictures and floors are rendered
once for all of them.
"""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
import torch

from examples.anime_faces.data.render import Knobs
from examples.anime_faces.judge import Renders, render_fresh
from examples.anime_faces.judge._augment import blur
from examples.anime_faces.metrics import Costs, Evaluation, Tools, evaluate_rendered
from examples.anime_faces.metrics._asked import balanced_pairs
from examples.anime_faces.metrics._cache import Cache
from examples.anime_faces.metrics._rendered import _affords_score

COUNT = 264
PLAIN = Knobs()
SCORES = {"score_hair", "score_eyes", "score_joint"}

Generate = Callable[[torch.Tensor], torch.Tensor]


@cache
def rendered(pairs: tuple[tuple[int, int], ...], seed: int) -> Renders:
    return render_fresh(pairs, seed=seed)


def faces(class_ids: torch.Tensor, seed: int) -> torch.Tensor:
    return rendered(tuple((int(hair), int(eyes)) for hair, eyes in class_ids), seed).images


@pytest.fixture(autouse=True)
def _render_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def from_cache(
        pairs: list[tuple[int, int]], *, seed: int, knobs: Knobs, size: int, enough: Callable[[int], bool] | None
    ) -> Renders:
        assert size == 64
        made = rendered(tuple(pairs), seed)
        blocks = range(64, len(pairs), 64)
        done = next((count for count in blocks if enough is not None and enough(count)), len(pairs))
        return Renders(images=made.images[:done], factors={})

    monkeypatch.setattr("examples.anime_faces.metrics._gathering.render_fresh", from_cache)


def training_images() -> np.ndarray:
    return faces(balanced_pairs(COUNT, 5), 5).permute(0, 2, 3, 1).numpy()


def evaluate(generate: Generate, knobs: Knobs = PLAIN) -> Evaluation:
    return evaluate_rendered(generate, training_images(), knobs, seed=0, samples=COUNT)


def failed(evaluation: Evaluation) -> set[str]:
    return {name for name, figure in evaluation.figures.items() if figure.passed is False}


def perfect(class_ids: torch.Tensor) -> torch.Tensor:
    return faces(class_ids, 6)


def collapsed(class_ids: torch.Tensor) -> torch.Tensor:
    """One face for each pair of colors."""
    pairs = {tuple(pair): index for index, pair in enumerate(class_ids.tolist())}
    return perfect(class_ids)[[pairs[tuple(pair)] for pair in class_ids.tolist()]]


def one_style_a_hair(class_ids: torch.Tensor) -> torch.Tensor:
    """The same eleven heads for every hair color."""
    images = faces(torch.stack([class_ids[:, 0], class_ids[:, 1]], dim=1), 6)
    first = {}
    for index, (hair, _) in enumerate(class_ids.tolist()):
        first.setdefault(hair, index)
    return images[[first[hair] for hair, _ in class_ids.tolist()]]


def wrong_colors(class_ids: torch.Tensor) -> torch.Tensor:
    return perfect((class_ids + 1) % torch.tensor([12, 11]))


def wrong_eyes(class_ids: torch.Tensor) -> torch.Tensor:
    return perfect((class_ids + torch.tensor([0, 3])) % torch.tensor([12, 11]))


def noise(class_ids: torch.Tensor) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (len(class_ids), 3, 64, 64), dtype=torch.uint8, generator=rng)


def copies(class_ids: torch.Tensor) -> torch.Tensor:
    """For every pair of colors the training pictures that have it."""
    pairs = [tuple(pair) for pair in balanced_pairs(COUNT, 5).tolist()]
    images = torch.from_numpy(training_images()).permute(0, 3, 1, 2)
    used: dict[tuple[int, int], int] = {}
    rows = []
    for asked in class_ids.tolist():
        pair = (asked[0], asked[1])
        rows.append(pairs.index(pair, used.get(pair, -1) + 1))
        used[pair] = rows[-1]
    return images[rows]


def blurred(class_ids: torch.Tensor) -> torch.Tensor:
    return blur(perfect(class_ids).float(), deviation=1.0).round().to(torch.uint8)


def checkered(class_ids: torch.Tensor) -> torch.Tensor:
    board = 6 * (1 - 2 * ((torch.arange(64)[:, None] + torch.arange(64)[None, :]) % 2))
    return (perfect(class_ids).int() + board).clamp(0, 255).to(torch.uint8)


def shifted(class_ids: torch.Tensor) -> torch.Tensor:
    """All heads three pixels to the right."""
    return perfect(class_ids).roll(3, dims=3)


def test_renders_pass():
    evaluation = evaluate(perfect)
    assert failed(evaluation) == set()
    assert "withheld_eye_accuracy" not in evaluation.figures
    assert evaluation.figures["face_rate"].value > 0.97
    assert evaluation.figures["fid"].value < 3 * (evaluation.figures["fid"].floor or 0.0)


@pytest.mark.parametrize(
    ("generate", "caught_by", "not_caught_by"),
    [
        (collapsed, {"noise_usage"}, {"hair_accuracy", "eye_accuracy", "spectrum_greatest", "copies_features"}),
        (one_style_a_hair, {"unasked_variation", "unasked_variation_worst"}, {"hair_accuracy"}),
        (wrong_colors, {"hair_accuracy", "eye_accuracy"}, {"noise_usage", "unasked_variation", "copies_features"}),
        (wrong_eyes, {"eye_accuracy"}, {"hair_accuracy", "noise_usage", "unasked_variation", "copies_features"}),
        (noise, {"hair_accuracy", "eye_accuracy", "coverage_of_real", "spectrum_greatest", "unasked_variation"}, set()),
        (
            copies,
            {"copies_features", "copies_pixels", "nearest_features", "nearest_pixels"},
            {"hair_accuracy", "noise_usage"},
        ),
        (blurred, {"spectrum_greatest"}, {"hair_accuracy", "unasked_variation"}),
        (checkered, {"spectrum_greatest"}, {"hair_accuracy", "unasked_variation"}),
        (shifted, {"unasked_variation_worst"}, {"hair_accuracy", "noise_usage"}),
    ],
    ids=lambda argument: getattr(argument, "__name__", ""),
)
def test_a_fault_is_caught_by_the_figure_for_it(generate: Generate, caught_by: set[str], not_caught_by: set[str]):
    found = failed(evaluate(generate))
    assert caught_by <= found
    assert not found & not_caught_by


def test_withheld_pairs_are_reported_apart():
    withheld = tuple((hair, hair % 11) for hair in range(12))

    def forgetful(class_ids: torch.Tensor) -> torch.Tensor:
        """Right but for the withheld pairs, whose eyes it does not know."""
        unknown = torch.tensor([tuple(pair) in withheld for pair in class_ids.tolist()])
        eyes = torch.where(unknown, (class_ids[:, 1] + 1) % 11, class_ids[:, 1])
        return perfect(torch.stack([class_ids[:, 0], eyes], dim=1))

    evaluation = evaluate(forgetful, Knobs(withheld_pairs=withheld))
    figures = evaluation.figures
    assert figures["eye_accuracy"].passed
    assert figures["withheld_eye_accuracy"].value < 0.1
    assert figures["withheld_hair_accuracy"].value > 0.95
    assert (figures["withheld_eye_accuracy"].floor or 0) > 0.9


def test_says_what_it_measured_and_repeats_itself():
    evaluation = evaluate(perfect)
    assert evaluate(perfect).figures == evaluation.figures
    assert (evaluation.samples, evaluation.reference, evaluation.seed) == (COUNT, COUNT, 0)
    assert {"sampling", "rendering", "judging"} <= evaluation.seconds.keys()
    assert "classification score" not in evaluation.seconds  # it needs more samples
    assert set(evaluation.details["noise_usage"]["value"]) == {"style", "pose", "expression", "background", "x", "y"}
    assert all(figure.floor is not None for figure in evaluation.figures.values())


def test_every_sweep_asks_every_pair_once():
    pairs = balanced_pairs(300, 1)
    assert pairs.shape == (300, 2)
    for start in (0, 132):
        assert len({tuple(pair) for pair in pairs[start : start + 132].tolist()}) == 132
    assert not torch.equal(pairs[:132], pairs[132:264])
    assert not torch.equal(pairs, balanced_pairs(300, 2))


def test_refuses_too_few_samples_and_wrong_pictures():
    with pytest.raises(ValueError, match="samples must be at least 264, two for each pair of colors, got 263"):
        evaluate_rendered(perfect, training_images(), Knobs(), samples=263)
    with pytest.raises(ValueError, match=r"generate must return uint8 pictures of shape \(264, 3, 64, 64\)"):
        evaluate(lambda class_ids: perfect(class_ids)[:, :, :32, :32])
    with pytest.raises(ValueError, match=r"got torch.float32"):
        evaluate(lambda class_ids: perfect(class_ids).float())


@pytest.mark.slow
def test_a_machine_that_is_slower_than_at_the_start_measures_the_first_samples(capsys: pytest.CaptureFixture[str]):
    tools = Tools(costs=Costs(read=1.0))
    found = evaluate_rendered(perfect, training_images(), Knobs(), samples=528, tools=tools, until=perf_counter() + 100)
    assert (found.samples, found.reference) == (264, 264)
    assert "264 samples instead of 528, because the machine was slower than at the start" in " ".join(found.notes)
    assert "264 samples instead of 528" in capsys.readouterr().out
    first = perfect(balanced_pairs(528, 0))[:264]  # which are not those that would be drawn for fewer pairs
    direct = evaluate_rendered(lambda asked: first, training_images(), Knobs(), samples=264)
    assert found.record()["figures"] == direct.record()["figures"]


def test_only_whole_renders_are_kept(tmp_path: Path):
    tools = Tools(costs=Costs(read=1.0), cache=Cache(folder=tmp_path))
    for until, samples in ((perf_counter() + 100, 264), (math.inf, 528)):
        found = evaluate_rendered(perfect, training_images(), Knobs(), samples=528, tools=tools, until=until)
        assert found.samples == samples
    assert len(list(tmp_path.glob("renders-*"))) == 2


def test_the_score_is_left_out_where_its_time_is_over():
    evaluation = Evaluation(samples=1320, reference=1320, seed=0, until=perf_counter() + 5)
    tools = Tools(costs=Costs(score=4.0))
    assert _affords_score(evaluation, True, tools)
    with evaluation.timed("sampling", 4.0):
        pass
    assert evaluation.slowdown == 1.0
    evaluation.seconds["sampling"] = 8.0
    assert evaluation.slowdown == 2.0
    assert not _affords_score(evaluation, True, tools)
    assert evaluation.notes == ["The classification score is left out: it takes about 8 s, and 5 s were left."]
    assert not _affords_score(evaluation, False, tools)
    evaluation.shrink(1188)
    assert not _affords_score(evaluation, None, tools)
    assert not _affords_score(evaluation, True, tools)
    assert evaluation.notes[-1] == "The classification score is left out: it needs 1,320 samples."


@pytest.mark.slow
def test_the_score_is_high_for_renders_and_low_for_wrong_eyes():
    def score(generate: Generate) -> dict[str, float]:
        figures = evaluate_rendered(generate, training_images(), Knobs(), seed=0, samples=1320).figures
        return {name: figures[name].value for name in SCORES}

    right, wrong = score(perfect), score(wrong_eyes)
    assert right["score_joint"] > 0.9
    assert wrong["score_hair"] > 0.9
    assert wrong["score_eyes"] < 0.1
    assert wrong["score_joint"] < 0.1

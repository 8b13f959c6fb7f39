"""How well a network trained only on samples classifies real pictures."""

import pytest
import torch

from examples.anime_faces.judge import Judge
from examples.anime_faces.metrics import ClassificationScore, classification_score
from examples.anime_faces.metrics._classification_score import one_step, score_figures
from examples.anime_faces.systems import Hardware


def pictures(class_ids: torch.Tensor, seed: int) -> torch.Tensor:
    """The first class as the red of the upper half, the second as the green of the lower half, under some noise."""
    noise = torch.randint(0, 30, (len(class_ids), 3, 64, 64), generator=torch.Generator().manual_seed(seed))
    noise[:, 0, :32] += (200 * class_ids[:, 0] // 2)[:, None, None]
    noise[:, 1, 32:] += (200 * class_ids[:, 1])[:, None, None]
    return noise.to(torch.uint8)


def classes(count: int, seed: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randint(0, number, (count,), generator=rng) for number in (3, 2)], dim=1)


@pytest.fixture(scope="module")
def score() -> ClassificationScore:
    asked, shown = classes(256, 0), classes(100, 1)
    # These samples show the first class as asked, and the second the wrong way round.
    made = pictures(torch.stack([asked[:, 0], 1 - asked[:, 1]], dim=1), 3)
    return classification_score(made, asked, pictures(shown, 4), shown, seed=0)


def test_what_samples_teach_is_what_is_known(score: ClassificationScore):
    assert score.hair > 0.9
    assert score.eyes < 0.1
    assert score.joint <= min(score.hair, score.eyes)


def test_draws_from_its_seed_alone(score: ClassificationScore):
    asked, shown = classes(128, 0), classes(50, 1)
    before = torch.get_rng_state()
    first = classification_score(pictures(asked, 3), asked, pictures(shown, 4), shown, seed=0, steps=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(7)
    assert classification_score(pictures(asked, 3), asked, pictures(shown, 4), shown, seed=0, steps=3) == first


def test_refuses_less_than_a_batch():
    asked = classes(31, 0)
    with pytest.raises(ValueError, match="images must be at least one batch of 32, got 31"):
        classification_score(pictures(asked, 0), asked, pictures(asked, 0), asked, seed=0)


def test_the_figures_have_intervals_and_a_bound():
    figures = score_figures(ClassificationScore(hair=0.9, eyes=0.7, joint=0.61), 1000)
    assert figures["score_joint"].passed
    assert figures["score_joint"].undecided
    assert figures["score_hair"].passed is None
    assert score_figures(ClassificationScore(hair=0.9, eyes=0.7, joint=0.5), 1000)["score_joint"].passed is False


def test_one_step_is_a_real_update():
    step = one_step(Hardware(threads=1))
    losses = [float(step()) for _ in range(4)]
    assert losses[-1] < losses[0]


def test_the_precision_is_that_of_the_hardware(monkeypatch: pytest.MonkeyPatch):
    """It was bfloat16 whatever the processor."""
    seen: list[torch.dtype] = []
    forward = Judge.forward

    def watched(self: Judge, images: torch.Tensor) -> dict[str, torch.Tensor]:
        outputs = forward(self, images)
        seen.append(outputs["hair"].dtype)
        return outputs

    monkeypatch.setattr(Judge, "forward", watched)
    for precision in ("float32", "bfloat16"):
        one_step(Hardware(precision=precision, threads=1))()
    assert seen == [torch.float32, torch.bfloat16]

"""The losses that both networks are trained with."""

import math

import pytest
import torch

from examples.anime_faces.judge import BINARY_HEADS, CLASS_HEADS, NUMBER_HEADS, Judge, render_fresh
from examples.anime_faces.judge._fitting import Targets, contrast_loss, judging_loss, targets_of


@pytest.fixture(scope="module")
def targets() -> Targets:
    return targets_of(render_fresh(4, seed=0).factors)


def perfect(targets: Targets, spoiled: int) -> dict[str, torch.Tensor]:
    """Outputs that are sure and right."""
    count = len(targets["hair"])
    outputs = {"face": torch.cat([torch.full((count, 1), 50.0), torch.full((spoiled, 1), -50.0)])}
    for name, target in targets.items():
        if name in CLASS_HEADS:
            answer = 50.0 * torch.nn.functional.one_hot(target, CLASS_HEADS[name]).float()
        else:
            answer = (target if name in NUMBER_HEADS else 100.0 * target - 50.0)[:, None]
        outputs[name] = torch.cat([answer, torch.randn(spoiled, answer.shape[1])])
    return outputs


def test_every_head_has_a_target(targets: Targets):
    assert targets.keys() | {"face"} == CLASS_HEADS.keys() | set(BINARY_HEADS) | NUMBER_HEADS.keys()


def test_right_answers_cost_nothing_whatever_is_said_of_spoiled_pictures(targets: Targets):
    assert float(judging_loss(perfect(targets, 3), targets)) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("name", [*CLASS_HEADS, *BINARY_HEADS, *NUMBER_HEADS])
def test_every_head_counts(name: str, targets: Targets):
    outputs = perfect(targets, 2)
    outputs[name] = torch.zeros_like(outputs[name])
    loss = float(judging_loss(outputs, targets))
    if name in CLASS_HEADS:
        expected = math.log(CLASS_HEADS[name]) * (2 if name == "eyes" else 1)
    elif name in BINARY_HEADS:
        expected = math.log(2)
    else:
        errors = targets[name].abs()
        expected = float(torch.where(errors < 1, errors**2 / 2, errors - 0.5).mean())
    assert loss == pytest.approx(expected, rel=1e-4)


def test_spoiled_pictures_teach_that_they_are_no_faces_and_nothing_else(targets: Targets):
    judge = Judge().eval()
    outputs = {name: output.detach().requires_grad_() for name, output in judge(torch.randn(6, 3, 64, 64)).items()}
    judging_loss(outputs, targets).backward()
    for name, output in outputs.items():
        assert output.grad is not None
        assert output.grad[:4].any()
        assert bool(output.grad[4:].any()) == (name == "face")


@pytest.mark.parametrize(("pairs", "strangers"), [(2, 0), (3, 5), (5, 2)])
def test_the_loss_equals_a_loop(pairs: int, strangers: int):
    vectors = torch.randn(2 * pairs + strangers, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    unit = [vector / math.sqrt(float(vector @ vector)) for vector in vectors]
    losses = []
    for i in range(2 * pairs):
        partner = (i + pairs) % (2 * pairs)
        others = [math.exp(float(unit[i] @ unit[j]) / 0.2) for j in range(len(unit)) if j != i]
        losses.append(-math.log(math.exp(float(unit[i] @ unit[partner]) / 0.2) / sum(others)))
    assert float(contrast_loss(vectors, pairs)) == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def test_strangers_are_pushed_away_and_partners_drawn_together():
    vectors = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    contrast_loss(vectors, 2).backward()
    assert vectors.grad is not None
    assert vectors.grad.abs().sum(dim=1).min() > 0

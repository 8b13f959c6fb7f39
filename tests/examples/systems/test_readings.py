"""Readings of scores, gradients and weights."""

import pytest
import torch
from torch import nn

from examples.anime_faces.systems import columns_after, rows_after, score_readings
from examples.anime_faces.systems._readings import gradient_length_of, length_of


def read(*, relative: bool = False, **scores: list[float]) -> dict[str, float]:
    found = score_readings({name: torch.tensor(of) for name, of in scores.items()}, relative=relative)
    assert all(value.ndim == 0 for value in found.values())
    return {name: float(value) for name, value in found.items()}


def test_real_pictures_are_recognized_above_zero_and_others_below() -> None:
    found = read(real=[3.0, 1.0, -2.0, 0.0], mismatched=[-1.0, 5.0], fake=[-1.0, -1.0, 0.0, 2.0])
    assert found["accuracy/real"] == 0.5
    assert found["accuracy/mismatched"] == 0.5
    assert found["accuracy/fake"] == 0.5
    assert (found["scores/real"], found["scores/mismatched"], found["scores/fake"]) == (0.5, 2.0, 0.0)


def test_where_scores_are_only_compared_the_border_is_the_middle_of_the_means() -> None:
    found = read(real=[14.0, 10.0, 9.0, 7.0], fake=[6.0, 8.5, 4.0, 5.5], mismatched=[9.0, 1.0], relative=True)
    assert found["accuracy/real"] == 0.75  # the means are 10 and 6, the border is 8
    assert found["accuracy/fake"] == 0.75
    assert found["accuracy/mismatched"] == 0.5
    shifted = read(real=[-86.0, -90.0, -91.0, -93.0], fake=[-94.0, -91.5, -96.0, -94.5], relative=True)
    assert (shifted["accuracy/real"], shifted["accuracy/fake"]) == (0.75, 0.75)


def test_ends_of_names_are_kept_and_maps_of_scores_count_by_patches() -> None:
    real = torch.tensor([[[[1.0, -1.0], [1.0, 1.0]]]])
    found = score_readings({"real in color": real, "fake in color": real}, relative=True)
    assert set(found) == {
        "scores/real in color",
        "scores/fake in color",
        "accuracy/real in color",
        "accuracy/fake in color",
    }
    assert float(found["accuracy/real in color"]) == 0.75
    assert float(found["accuracy/fake in color"]) == 0.25


def test_readings_have_no_gradient() -> None:
    scores = torch.randn(5, requires_grad=True)
    assert not any(value.requires_grad for value in score_readings({"real": scores, "fake": scores}).values())


def test_the_norm_is_that_of_all_gradients_together() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    assert gradient_length_of(network) is None
    network[0].weight.grad = torch.full((3, 2), 2.0)
    network[1].bias.grad = torch.full((1,), -5.0)
    norm = gradient_length_of(network)
    assert norm is not None
    assert float(norm) == pytest.approx((6 * 4 + 25) ** 0.5)
    assert not length_of([nn.Parameter(torch.ones(3))]).requires_grad


def test_weights_of_a_condition_are_views() -> None:
    linear, transposed = nn.Linear(5, 2), nn.ConvTranspose2d(5, 3, 4)
    columns, rows = columns_after(linear.weight, 3), rows_after(transposed.weight, 4)
    assert (tuple(columns.shape), tuple(rows.shape)) == ((2, 2), (1, 3, 4, 4))
    with torch.no_grad():
        linear.weight.zero_()
        transposed.weight[4].fill_(1.0)
    assert float(columns.abs().sum()) == 0.0
    assert bool((rows == 1.0).all())
    assert not columns.requires_grad
    assert not rows.requires_grad

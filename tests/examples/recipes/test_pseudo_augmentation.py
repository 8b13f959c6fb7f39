"""Adaptive pseudo augmentation: how the probability follows the critic."""

from collections.abc import Sequence

import pytest
import torch

from examples.anime_faces.recipes.gan_cls.pseudo_augmentation import PseudoAugmentation

BATCH = 1000
MOVE = 4 * BATCH / 500_000


def augmentation() -> PseudoAugmentation:
    return PseudoAugmentation(BATCH, torch.device("cpu"))


def follow(one: PseudoAugmentation, signs: Sequence[float], *, first: int = 0) -> list[float]:
    """Play rounds in which real scores have these mean signs; return the probability after each."""
    found = []
    for step, sign in enumerate(signs, start=first):
        one.plan(step)
        positive = round((1 + sign) / 2 * BATCH)
        scores = torch.cat([torch.full((positive,), 3.0), torch.full((BATCH - positive,), -0.5)])
        one.follow(one.readings(scores))
        found.append(float(one.probability))
    return found


def test_it_moves_at_every_fourth_round() -> None:
    found = follow(augmentation(), [1.0] * 12)
    assert found == pytest.approx([0.0] * 3 + [MOVE] * 4 + [2 * MOVE] * 4 + [3 * MOVE])


@pytest.mark.parametrize(
    ("signs", "rises"),
    [
        ([0.62] * 4, True),
        ([0.58] * 4, False),
        ([1.0, 1.0, 1.0, -0.5], True),  # the mean of all four counts, not the last
        ([1.0, 1.0, -0.5, 0.8], False),
        ([0.0, 0.8, 0.8, 0.9], True),
        ([-0.2, 0.8, 0.8, 0.9], False),
    ],
)
def test_it_rises_while_the_mean_sign_of_four_rounds_is_above_the_target(signs: list[float], rises: bool) -> None:
    one = augmentation()
    follow(one, [1.0] * 8)
    assert follow(one, signs)[-1] == pytest.approx(3 * MOVE if rises else MOVE)


def test_its_state_goes_on_in_the_middle_of_an_interval() -> None:
    one, again = augmentation(), augmentation()
    follow(one, [1.0, 1.0, 1.0, 1.0, 0.9, 0.9])
    again.load_state_dict(one.state_dict())
    assert follow(again, [0.4, 0.4], first=6) == follow(one, [0.4, 0.4], first=6) == pytest.approx([MOVE, 2 * MOVE])
    fresh = augmentation()
    fresh.load_state_dict({**one.state_dict(), "signs": torch.zeros(4)})
    assert follow(fresh, [0.4, 0.4], first=6)[-1] == pytest.approx(MOVE)


def test_a_state_is_a_copy() -> None:
    one = augmentation()
    state = one.state_dict()
    follow(one, [1.0] * 4)
    assert not state["signs"].any()
    assert float(state["probability"]["probability"]) == 0

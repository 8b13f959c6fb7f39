"""Augmentation of the default recipe: how probable by the number of pictures, what it changes, and when it is off."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from support.recipes import FACES, assembled, prepared

from examples.anime_faces.recipes.default.augmentation import Augmentation
from examples.anime_faces.recipes.default.options import Options
from examples.anime_faces.systems import Description, Training

UNLABELED = Description(size=32, kind="unlabeled", pictures=80)  # 10 batches of 8


def augmentation(description: Description = UNLABELED, *, steps: int = 100_000, **options: Any) -> Augmentation:
    return Augmentation(Options(batch_size=8, **options), description, steps)


def tiny(description: Description = UNLABELED, **options: Any) -> Training:
    return assembled("default", description, width=4, batch_size=8, **options)


def images() -> torch.Tensor:
    return torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1


def probabilities(one: Augmentation, *steps: int) -> list[float]:
    found = []
    for step in steps:
        one.plan(step)
        found.append(round(one.probability, 6))
    return found


def test_it_grows_with_how_often_each_picture_was_seen() -> None:
    one = augmentation()
    assert probabilities(one, 0, 600, 1_550, 2_500, 9_999) == [0, 0, 0.175, 0.35, 0.35]
    assert probabilities(augmentation(replace(UNLABELED, pictures=160)), 1_200, 3_100, 5_000) == [0, 0.175, 0.35]
    assert one.note == (
        "the critic sees changed pictures from step 600 on, each change with a probability of up to 0.35"
    )


@pytest.mark.parametrize(
    ("pictures", "steps", "most"),
    [(80, 600, 0), (80, 601, 0.35), (9_999, 74_992, 0), (9_999, 74_993, 0.35), (10_000, 10**6, 0), (None, 10**6, 0)],
)
def test_many_pictures_and_short_runs_are_left_alone(pictures: int | None, steps: int, most: float) -> None:
    one = augmentation(replace(UNLABELED, pictures=pictures), steps=steps)
    assert one.most == most
    assert bool(one.note) == bool(most)


def test_a_probability_can_be_chosen_and_holds_from_the_first_step_on() -> None:
    for pictures in (80, 20_000, None):
        one = augmentation(replace(UNLABELED, pictures=pictures), augmentation=0.25, steps=10)
        assert probabilities(one, 0, 5) == [0.25, 0.25]
    assert "critic sees changed pictures, each change" in augmentation(augmentation=1.0).note
    assert augmentation(augmentation=0.0).most == 0
    with pytest.raises(ValueError, match="--augmentation must be a number from 0 to 1, but it is 1"):
        Options(augmentation=1.5)


def test_colors_change_only_where_no_label_may_name_one() -> None:
    plain = torch.full((64, 3, 32, 32), 0.5)
    plain[:, 0] = -0.5

    def colors(description: Description) -> int:
        one = augmentation(description, augmentation=1.0)
        one.plan(0)
        return len(one(plain).permute(0, 2, 3, 1).reshape(-1, 3).mul(1000).round().unique(dim=0))

    assert colors(FACES) == 1
    assert colors(UNLABELED) == 64  # one for each picture


def test_pictures_are_never_mirrored() -> None:
    half = torch.zeros(256, 3, 32, 32)
    half[:, :, :, :16] = 1.0
    one = augmentation(FACES, augmentation=1.0)
    one.plan(0)
    seen = one(half)
    assert bool((seen[..., :16].mean((1, 2, 3)) > seen[..., 16:].mean((1, 2, 3))).all())


def test_until_it_begins_nothing_is_computed_or_drawn() -> None:
    one, state, batch = augmentation(), torch.get_rng_state(), images()
    one.plan(600)
    assert one(batch) is batch
    assert torch.equal(torch.get_rng_state(), state)
    one.plan(601)
    one(batch)
    assert not torch.equal(torch.get_rng_state(), state)


def test_the_critic_sees_changed_pictures_of_both_kinds_and_the_generator_is_trained_through_them() -> None:
    plain, changed = tiny(augmentation=0.0), tiny(augmentation=1.0)
    changed.networks["generator"].load_state_dict(plain.networks["generator"].state_dict())
    seen = []
    for training in (plain, changed):
        training.system.plan(0)
        torch.manual_seed(5)
        seen.append(prepared(training, images(), None))
    assert seen[0][0] is not None
    assert torch.equal(seen[0][0], images())
    assert seen[1][2] is not None
    torch.manual_seed(5)
    fakes = plain.networks["generator"](torch.randn(8, 64))
    torch.testing.assert_close(seen[0][2], fakes)
    for before, after in ((seen[0][0], seen[1][0]), (fakes, seen[1][2])):
        assert bool((before != after).flatten(1).any(dim=1).all())
    before = [parameter.clone() for parameter in changed.networks["generator"].parameters()]
    changed.updates["critic/penalized"](*seen[1])
    changed.updates["generator"](*seen[1])
    assert any(
        not torch.equal(old, new) for old, new in zip(before, changed.networks["generator"].parameters(), strict=True)
    )

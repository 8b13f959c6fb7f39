"""The controller of `retrofit`: how the probability follows the critic, what it changes, and its state."""

from typing import Any

import pytest
import torch
from support.recipes import FACES, assembled

import gankit as gk
from examples.anime_faces.recipes.retrofit import augmentation
from examples.anime_faces.recipes.retrofit.augmentation import PROBABILITY, SIGN, AdaptiveAugmentation
from examples.anime_faces.recipes.retrofit.options import Options
from examples.anime_faces.systems import Training


def controller(**options: Any) -> AdaptiveAugmentation:
    return AdaptiveAugmentation(Options(**{"batch_size": 50, **options}), torch.device("cpu"))


def follow(one: AdaptiveAugmentation, signs: list[float], *, first: int = 0) -> list[float]:
    """The probability after each round with these mean signs."""
    found = []
    for step, sign in enumerate(signs, first):
        one.plan(step)
        one.follow({SIGN: torch.tensor(sign)})
        found.append(round(float(one.probability), 6))
    return found


def build(**options: Any) -> Training:
    return assembled("retrofit", FACES, width=4, batch_size=8, **options)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(3)
    return torch.rand(8, 3, 32, 32, generator=rng) * 2 - 1, torch.randint(11, (8, 2), generator=rng)


def test_the_numbers_of_the_source() -> None:
    step = 4 * 50 / 500_000
    assert follow(controller(), [0.61] * 8) == pytest.approx([0, 0, 0, step, step, step, step, 2 * step])
    assert follow(controller(), [0.59] * 4) == [0, 0, 0, 0]
    risen = controller()
    follow(risen, [1.0] * 8)
    assert follow(risen, [0.59] * 4, first=8)[-1] == pytest.approx(step)


def test_every_round_since_the_last_move_counts() -> None:
    step = 4 * 50 / 500_000
    assert follow(controller(), [1.0, 1.0, 1.0, -0.5])[-1] == pytest.approx(step)  # the mean is 0.625
    assert follow(controller(), [1.0, 1.0, 1.0, -0.7])[-1] == 0  # 0.575
    one = controller()
    follow(one, [-1.0] * 4)
    assert follow(one, [0.7] * 4, first=4)[-1] == pytest.approx(step)  # earlier rounds are forgotten


def test_target_pace_and_pictures_are_options() -> None:
    one = controller(augmentation_target=0.2, augmentation_every=2, augmentation_pictures=1000)
    assert follow(one, [0.3] * 4) == pytest.approx([0, 0.1, 0.1, 0.2])
    assert follow(one, [0.1] * 2, first=4) == pytest.approx([0.2, 0.1])
    assert follow(one, [1.0] * 30, first=6)[-1] == 1


def test_its_state_holds_the_rounds_since_the_last_move() -> None:
    signs = [1.0, 1.0, -0.5, 1.0, 0.9, 0.2, 0.9, 0.9]
    whole, begun, resumed = controller(), controller(), controller()
    expected = follow(whole, signs)
    follow(begun, signs[:6])
    kept = resumed.probability
    state = begun.state_dict()
    follow(begun, signs[6:], first=6)  # the state is a copy
    follow(resumed, [1.0] * 6)  # which loading replaces
    resumed.load_state_dict(state)
    assert follow(resumed, signs[6:], first=6) == expected[6:]
    assert resumed.probability is kept  # in place, where graphs find it
    assert expected[-1] > expected[3] > 0


def test_the_changes_are_those_of_ada_without_colors() -> None:
    assert (
        gk.augment.GeometricTransformation(
            flip=True,
            quarter_turns=True,
            translation=0.125,
            scale=0.2,
            rotation=1.0,
            anisotropy=0.2,
            fractional_translation=0.125,
            probability=1.0,
        )
        == augmentation.CHANGES
    )


def test_pictures_of_both_kinds_are_changed_with_that_probability_in_both_updates() -> None:
    training = build()
    part = training.system.parts["augmentation"]
    assert isinstance(part, AdaptiveAugmentation)
    seen: list[torch.Tensor] = []
    training.networks["critic"].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].detach()))
    drawn: list[torch.Tensor] = []
    training.networks["generator"].register_forward_hook(lambda _module, _inputs, output: drawn.append(output.detach()))
    images, labels = batch()
    for probability in (0.0, 1.0):
        seen.clear()
        drawn.clear()
        part.probability.fill_(probability)
        training.updates["critic/main"](images, labels)
        training.updates["generator"](images, labels)
        assert [len(one) for one in seen] == [8, 8, 8]
        for before, after in zip((images, *drawn), seen, strict=True):
            changed = (before != after).flatten(1).any(dim=1)
            assert bool(changed.all()) if probability else not bool(changed.any())


def test_readings_say_how_sure_the_critic_is_and_the_probability() -> None:
    training, (images, labels) = build(augmentation_pictures=80, augmentation_every=1), batch()
    part = training.system.parts["augmentation"]
    assert isinstance(part, AdaptiveAugmentation)
    critic = training.networks["critic"]
    with torch.no_grad():
        critic.get_parameter("score.bias").fill_(1e3)
    logged = training.play(0, iter([(images, labels)]))
    assert (logged[SIGN], logged[PROBABILITY]) == (1, 0)
    assert float(part.probability) == pytest.approx(8 / 80)
    with torch.no_grad():
        critic.get_parameter("score.bias").fill_(-1e3)
    logged = training.play(1, iter([(images, labels)]))
    assert logged[SIGN] == -1
    assert float(logged[PROBABILITY]) == pytest.approx(8 / 80)
    assert float(part.probability) == 0


def test_in_a_training_it_moves_after_every_fourth_round() -> None:
    training = build(augmentation_pictures=320)
    part = training.system.parts["augmentation"]
    assert isinstance(part, AdaptiveAugmentation)
    found = []
    for step in range(9):
        with torch.no_grad():
            training.networks["critic"].get_parameter("score.bias").fill_(1e3)
        training.play(step, iter([batch()]))
        found.append(round(float(part.probability), 6))
    assert found == [0, 0, 0, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2]


def test_without_augmentation_there_is_nothing_to_follow_or_keep() -> None:
    training, (images, labels) = build(augmentation=False), batch()
    assert training.system.parts == {}
    seen: list[torch.Tensor] = []
    training.networks["critic"].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].detach()))
    logged = training.play(0, iter([(images, labels)]))
    assert seen[0].data_ptr() == images.data_ptr()  # not even copied
    assert not [name for name in logged if name.startswith("augmentation/")]

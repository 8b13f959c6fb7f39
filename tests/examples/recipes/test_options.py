"""Options of recipes check themselves."""

import pytest

from examples.anime_faces.recipes import find_options, recipe_names


@pytest.mark.parametrize(
    ("recipe", "options", "message"),
    [
        ("gan_cls", {"width": 0}, "--width must be at least 1, but it is 0"),
        ("gan_cls", {"generator_steps": 0}, "--generator-steps must be at least 1, but it is 0"),
        ("matching_wgan", {"batch_size": 0}, "--batch-size must be at least 1, but it is 0"),
        ("matching_wgan", {"critic_steps": -2}, "--critic-steps must be at least 1, but it is -2"),
        ("acgan", {"embedding": 0}, "--embedding must be at least 1, but it is 0"),
        ("acgan", {"batch_size": 1}, "--batch-size must be at least 2, for two half batches, but it is 1"),
        ("default", {"batch_size": 6}, "--batch-size must be a multiple of 4, but it is 6"),
        ("default", {"constant_share": 1.5}, "--constant-share must be a number from 0 to 1, but it is 1.5"),
        ("tags_wgan_gp", {"penalty_weight": -1.0}, r"--penalty-weight must be 0 or more, but it is -1\.0"),
        ("tags_wgan_gp", {"learning_rate": float("nan")}, "--learning-rate must be 0 or more, but it is nan"),
        ("gan_cls", {"beta": -0.1}, r"--beta must be 0 or more, but it is -0\.1"),
        ("gan_cls", {"beta": float("nan")}, "--beta must be 0 or more"),
        ("gan_cls", {"beta": float("inf")}, "--beta must be 0 or more"),
        ("gan_cls", {"cheat": 1.5}, "--cheat must be a number from 0 to 1, but it is 1.5"),
        ("gan_cls", {"cheat": -0.1}, "--cheat must be 0 or more"),
        ("gan_cls", {"cheat_decays": True, "cheat_adapts": True}, "--cheat-decays and --cheat-adapts must not both"),
    ],
)
def test_nonsense_is_refused_by_its_flag(recipe: str, options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_options(recipe)(**options)


def test_switches_and_weights_may_be_zero() -> None:
    find_options("gan_cls")(literal=False, beta=0.0, cheat=0.0)
    for name in recipe_names():
        find_options(name)()

"""Options of recipes check themselves."""

from dataclasses import asdict
from typing import Any

import pytest

from examples.anime_faces.recipes import find_options, find_recipe, recipe_names, saved_options


@pytest.mark.parametrize(
    ("recipe", "options", "message"),
    [
        ("gan_cls", {"width": 0}, "--width must be at least 1, but it is 0"),
        ("gan_cls", {"generator_steps": 0}, "--generator-steps must be at least 1, but it is 0"),
        ("matching_wgan", {"batch_size": 0}, "--batch-size must be at least 1, but it is 0"),
        ("matching_wgan", {"critic_steps": -2}, "--critic-steps must be at least 1, but it is -2"),
        ("acgan", {"embedding": 0}, "--embedding must be at least 1, but it is 0"),
        ("acgan", {"batch_size": 1}, "--batch-size must be at least 2, for two half batches, but it is 1"),
        ("acgan", {"adam_epsilon": 0.0}, "--adam-epsilon must be above 0, but it is 0"),
        ("acgan", {"fake_class_weight": -0.5}, r"--fake-class-weight must be 0 or more and finite, but it is -0\.5"),
        ("acgan", {"critic_batches": "full", "batch_size": 0}, "--batch-size must be at least 1, but it is 0"),
        ("retrofit", {"penalty_every": 0}, "--penalty-every must be at least 1, but it is 0"),
        ("retrofit", {"penalty_weight": -1.0}, r"--penalty-weight must be 0 or more and finite, but it is -1\.0"),
        ("retrofit", {"learning_rate": 0.0}, "--learning-rate must be above 0, but it is 0"),
        ("retrofit", {"augmentation_target": 1.5}, "--augmentation-target must be a number from 0 to 1, but it is 1.5"),
        ("retrofit", {"augmentation_pictures": 0}, "--augmentation-pictures must be at least 1, but it is 0"),
        ("default", {"batch_size": 6}, "--batch-size must be a multiple of 4, but it is 6"),
        ("default", {"constant_share": 1.5}, "--constant-share must be a number from 0 to 1, but it is 1.5"),
        ("tags_wgan_gp", {"penalty_weight": -1.0}, r"--penalty-weight must be 0 or more and finite, but it is -1\.0"),
        (
            "tags_wgan_gp",
            {"learning_rate": float("nan")},
            "--learning-rate must be 0 or more and finite, but it is nan",
        ),
        ("gan_cls", {"beta": -0.1}, r"--beta must be 0 or more and finite, but it is -0\.1"),
        ("gan_cls", {"beta": float("nan")}, "--beta must be 0 or more"),
        ("gan_cls", {"beta": float("inf")}, "--beta must be 0 or more and finite, but it is inf"),
        ("gan_cls", {"cheat": 1.5}, "--cheat must be a number from 0 to 1, but it is 1.5"),
        ("gan_cls", {"cheat": -0.1}, r"--cheat must be a number from 0 to 1, but it is -0\.1"),
        ("gan_cls", {"cheat": float("nan")}, "--cheat must be a number from 0 to 1, but it is nan"),
        ("default", {"constant_share": float("inf")}, "--constant-share must be a number from 0 to 1, but it is inf"),
        ("default", {"constant_share": -1.0}, r"--constant-share must be a number from 0 to 1, but it is -1\.0"),
        ("gan_cls", {"batch_size": 1}, "--batch-size must be at least 2, for pictures with two texts, but it is 1"),
        ("matching_wgan", {"batch_size": 1}, "--batch-size must be at least 2"),
        ("matching_wgan", {"clip": 0.0}, "--clip must be above 0, but it is 0"),
        ("gan_cls", {"cheat_decays": True, "cheat_adapts": True}, "--cheat-decays and --cheat-adapts must not both"),
        ("gan_cls", {"augmented": 0}, "--augmented must be at least 1, but it is 0"),
        ("gan_cls", {"r1": -1.0}, r"--r1 must be 0 or more and finite, but it is -1\.0"),
        ("gan_cls", {"mode_seeking": float("inf")}, "--mode-seeking must be 0 or more and finite, but it is inf"),
        ("gan_cls", {"kl_weight": -2.0}, r"--kl-weight must be 0 or more and finite, but it is -2\.0"),
        ("gan_cls", {"apa": True, "cheat_adapts": True}, "--cheat-adapts must not be given with --apa, which takes"),
        ("gan_cls", {"apa": True, "cheat_decays": True}, "--cheat-decays must not be given with --apa, which takes"),
        ("gan_cls", {"apa": True, "cheat_per_batch": True}, "--cheat-per-batch must not be given with --apa, which"),
        ("df_gan", {"batch_size": 1}, "--batch-size must be at least 2, for pictures with two texts, but it is 1"),
        ("df_gan", {"augmented": 0}, "--augmented must be at least 1, but it is 0"),
        ("df_gan", {"penalty_weight": -2.0}, r"--penalty-weight must be 0 or more and finite, but it is -2\.0"),
        ("dcgan", {"batch_size": 0}, "--batch-size must be at least 1, but it is 0"),
        ("dcgan", {"width": 0}, "--width must be at least 1, but it is 0"),
        ("dcgan", {"critic_steps": 0}, "--critic-steps must be at least 1, but it is 0"),
        ("dcgan", {"dropout": 1.0}, r"--dropout must be from 0 to below 1, but it is 1\.0"),
        ("dcgan", {"dropout": -0.5}, r"--dropout must be from 0 to below 1, but it is -0\.5"),
        ("dcgan", {"dropout": float("nan")}, "--dropout must be from 0 to below 1, but it is nan"),
        ("dcgan", {"learning_rate": -1.0}, r"--learning-rate must be 0 or more and finite, but it is -1\.0"),
        ("dcgan", {"real_low": -0.1}, r"--real-low must be 0 or more and finite, but it is -0\.1"),
        ("dcgan", {"real_low": 1.1}, r"--real-low must be at most --real-high, but they are 1\.1 and 1\.0"),
        (
            "dcgan",
            {"fake_low": 0.2, "fake_high": 0.1},
            "--fake-low must be at most --fake-high, but they are 0.2 and 0.1",
        ),
        ("dcgan", {"literal_sign": True}, "--literal-sign must not be given without --literal"),
        (
            "gray_then_color",
            {"fine_tuned_share": 1.5},
            "--fine-tuned-share must be a number from 0 to 1, but it is 1.5",
        ),
        ("r3gan", {"horizon": 1.5}, r"--horizon must be a number from 0 to 1, but it is 1\.5"),
        ("r3gan", {"augmentation": -0.1}, r"--augmentation must be a number from 0 to 1, but it is -0\.1"),
        ("r3gan", {"group_channels": 0}, "--group-channels must be at least 1, but it is 0"),
        ("r3gan", {"average_half_life": -1.0}, r"--average-half-life must be 0 or more and finite, but it is -1\.0"),
        ("reacgan", {"temperature": 0.0}, "--temperature must be above 0, but it is 0"),
        ("reacgan", {"margin": 1.5}, r"--margin must be a number from 0 to 1, but it is 1\.5"),
        ("reacgan", {"average_decay": 1.5}, r"--average-decay must be a number from 0 to 1, but it is 1\.5"),
        ("reacgan", {"average_start": -1}, "--average-start must be at least 0, but it is -1"),
        ("reacgan", {"embedding": 0}, "--embedding must be at least 1, but it is 0"),
        ("gray_then_color", {"blocks": 0}, "--blocks must be at least 1, but it is 0"),
        ("gray_then_color", {"pixel_weight": -1.0}, r"--pixel-weight must be 0 or more and finite, but it is -1\.0"),
        ("gray_then_color", {"penalty_weight": float("inf")}, "--penalty-weight must be 0 or more and finite"),
        ("wgan_clip", {"dropout": 1.0}, r"--dropout must be from 0 to below 1, but it is 1\.0"),
        ("wgan_clip", {"clip": 0.0}, "--clip must be above 0, but it is 0"),
        ("wgan_clip", {"clip": -1.0}, r"--clip must be 0 or more and finite, but it is -1\.0"),
        ("wgan_clip", {"critic_steps": 0}, "--critic-steps must be at least 1, but it is 0"),
        ("srresnet_acgan", {"critic_steps": 0}, "--critic-steps must be at least 1, but it is 0"),
        ("srresnet_acgan", {"replay": -1}, "--replay must be at least 0, but it is -1"),
        ("srresnet_acgan", {"batch_size": 1}, "--batch-size must be at least 2 with --replay, for two half batches"),
        ("srresnet_acgan", {"tag_probability": 1.5}, "--tag-probability must be a number from 0 to 1, but it is 1.5"),
        ("srresnet_acgan", {"penalty_weight": -1.0}, r"--penalty-weight must be 0 or more and finite, but it is -1\.0"),
    ],
)
def test_nonsense_is_refused_by_its_flag(recipe: str, options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_options(recipe)(**options)


def test_options_of_an_earlier_version_are_read_as_what_runs_did_then() -> None:
    options = saved_options("default", {"width": 8, "batch_size": 32})
    assert (options.width, options.batch_size, options.detail_weight, options.critic_rate_factor) == (8, 32, 0.0, 1.0)
    assert saved_options("default", asdict(find_options("default")())) == find_options("default")()
    assert saved_options("acgan", {"width": 16}).width == 16
    assert saved_options("acgan", {"width": 16}).fakes == "train"
    assert saved_options("acgan", {"width": 16, "fakes": "predict"}).fakes == "predict"
    with pytest.raises(ValueError, match=r"--recipe acgan does not have the options of this run: .*'wide'"):
        saved_options("acgan", {"wide": 1})


def test_switches_and_weights_may_be_zero() -> None:
    find_options("gan_cls")(literal=False, beta=0.0, cheat=0.0)
    find_options("srresnet_acgan")(replay=0, batch_size=1, penalty_weight=0.0)
    for name in recipe_names():
        find_options(name)()


REPORTED: dict[str, tuple[int, dict[str, Any]]] = {
    "acgan": (
        20_000,
        {
            "batch_size": 128,
            "width": 64,
            "embedding": 8,
            "critic_learning_rate": 2e-4,
            "generator_learning_rate": 1.5e-4,
        }
        | {"score_weight": 1.4, "class_weight": 0.8, "fake_class_weight": "auto", "adam_epsilon": 1e-8}
        | {"generator_score_weight": 1.0, "generator_class_weight": 1.0, "embedding_form": "joined"}
        | {"fakes": "predict"}
        | {"critic_batches": "half", "critic_step": "two", "fake_labels": "uniform", "sampling": "epochs"},
    ),
    "retrofit": (
        20_000,
        {"batch_size": 64, "width": 64, "embedding": 8, "critic_norm": "batch", "learning_rate": 2e-4}
        | {"score_weight": 1.4, "class_weight": 0.8, "fake_class_weight": 0.0, "generator_class_weight": 1.0}
        | {"penalty_weight": "auto", "penalty_every": 16, "augmentation": True, "augmentation_target": 0.6}
        | {"augmentation_every": 4, "augmentation_pictures": 500_000},
    ),
    "tags_wgan_gp": (
        10_000,
        {
            "batch_size": 64,
            "width": 64,
            "learning_rate": 1e-4,
            "penalty_weight": 10.0,
            "critic_steps": 5,
            "generator_steps": 1,
            "generator_first": False,
            "literal": False,
        },
    ),
    "matching_wgan": (
        55_000,
        {"batch_size": 64, "width": 64, "projected": 128, "learning_rate": 5e-5, "clip": 0.01, "clip_norms": True}
        | {"critic_steps": 5, "boosted_steps": 25, "literal": False, "all_tags": True},
    ),
    "gan_cls": (
        25_000,
        {"batch_size": 64, "width": 64, "projected": 256, "learning_rate": 2e-4, "generator_steps": 2, "beta": 0.1}
        | {"cheat": 0.1, "cheat_per_batch": False, "cheat_decays": False, "cheat_adapts": False, "literal": False}
        | {"all_tags": False, "generator_first": False, "fresh_texts": False, "conditioning_augmentation": False}
        | {"augmented": 128, "kl_weight": 2.0, "mode_seeking": 0.0, "r1": 0.0, "apa": False},
    ),
    "df_gan": (
        50_000,
        {"batch_size": 32, "width": 32, "projected": 256, "conditioning_augmentation": True, "augmented": 128}
        | {"kl_weight": 2.0, "generator_learning_rate": 1e-4, "critic_learning_rate": 4e-4, "penalty_weight": 2.0}
        | {"all_tags": False},
    ),
    "dcgan": (
        20_000,
        {"batch_size": 64, "width": 64, "upsampled": False, "norm_first": True, "dropout": 0.0, "learning_rate": 2e-4}
        | {"generator_activation": "leaky", "critic_activation": "leaky", "dropout_when_sampling": True}
        | {"real_low": 1.0, "real_high": 1.0, "fake_low": 0.0, "fake_high": 0.0, "critic_steps": 1}
        | {"literal": False, "literal_sign": False},
    ),
    "gray_then_color": (
        20_000,
        {"batch_size": 64, "width": 64, "blocks": 16, "learning_rate": 2e-4, "penalty_weight": 0.5}
        | {"pixel_weight": 100.0, "fine_tuned_share": 0.25},
    ),
    "srresnet_acgan": (
        20_000,
        {"objective": "wgan_gp", "batch_size": 64, "width": 64, "blocks": 16, "learning_rate": 2e-4, "replay": 512}
        | {"critic_steps": "auto", "penalty_weight": "auto", "score_weight": "auto", "class_weight": 1.0}
        | {"fake_class_weight": "auto", "generator_class_weight": "auto", "fake_tags": "auto", "tag_probability": 0.25},
    ),
    "wgan_clip": (
        20_000,
        {"batch_size": 64, "width": 64, "norm_first": True, "critic_steps": 3, "clip": 0.01, "clip_norms": True}
        | {"critic_learning_rate": 5e-5, "generator_learning_rate": 2e-4, "literal": False, "clip_after": False},
    ),
}


@pytest.mark.parametrize("recipe", REPORTED)
def test_the_defaults_are_those_of_the_reports(recipe: str) -> None:
    steps, options = REPORTED[recipe]
    assert find_recipe(recipe).steps == steps
    chosen = asdict(find_options(recipe)())
    assert {name: chosen[name] for name in options} == options

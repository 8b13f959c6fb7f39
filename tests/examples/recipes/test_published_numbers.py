"""The numbers that recipes take from their sources, in one table: another default makes another run."""

from dataclasses import asdict
from typing import Any
from unittest import mock

import pytest
import torch
from support.recipes import FACES, assembled

import gankit as gk
from examples.anime_faces.recipes import find_options, find_recipe, recipe_names

STEPS = {
    "default": 12_000,
    "acgan": 20_000,
    "dcgan": 20_000,
    "df_gan": 50_000,
    "gan_cls": 25_000,
    "gray_then_color": 20_000,
    "matching_wgan": 55_000,
    "r3gan": 20_000,
    "reacgan": 20_000,
    "retrofit": 20_000,
    "srresnet_acgan": 20_000,
    "stargan": 40_000,
    "tags_wgan_gp": 10_000,
    "wgan_clip": 20_000,
}
"""Every recipe has a row. Numbers of newer recipes are in the files of their own tests."""

DEFAULTS: dict[str, dict[str, Any]] = {
    "default": {
        "batch_size": 16,
        "learning_rate": 1e-3,
        "critic_rate_factor": 0.5,
        "constant_share": 0.6,
        "penalty_weight": 0.3,
        "class_weight": 0.1,
        "detail_weight": 0.5,
        "color_weight": 50.0,
    },
    "acgan": {
        "batch_size": 128,
        "width": 64,
        "embedding": 8,
        "critic_learning_rate": 2e-4,
        "generator_learning_rate": 1.5e-4,
        "score_weight": 1.4,
        "class_weight": 0.8,
    },
    "dcgan": {
        "batch_size": 64,
        "width": 64,
        "learning_rate": 2e-4,
        "critic_steps": 1,
        "norm_first": True,
        "dropout": 0.0,
    },
    "gan_cls": {
        "batch_size": 64,
        "width": 64,
        "projected": 256,
        "learning_rate": 2e-4,
        "generator_steps": 2,
        "beta": 0.1,
        "cheat": 0.1,
    },
    "gray_then_color": {
        "batch_size": 64,
        "width": 64,
        "blocks": 16,
        "learning_rate": 2e-4,
        "penalty_weight": 0.5,
        "pixel_weight": 100.0,
        "fine_tuned_share": 0.25,
    },
    "matching_wgan": {
        "batch_size": 64,
        "width": 64,
        "projected": 128,
        "learning_rate": 5e-5,
        "clip": 0.01,
        "critic_steps": 5,
        "boosted_steps": 25,
    },
    "srresnet_acgan": {
        "batch_size": 64,
        "width": 64,
        "blocks": 16,
        "learning_rate": 2e-4,
        "class_weight": 1.0,
        "tag_probability": 0.25,
        "replay": 512,
        "critic_steps": 5,
        "penalty_weight": 10.0,
        "score_weight": 1.0,
        "fake_class_weight": 0.0,
        "generator_class_weight": 0.1,
    },
    "stargan": {
        "batch_size": 16,
        "width": 64,
        "blocks": 6,
        "critic_steps": 5,
        "learning_rate": 1e-4,
        "decay_share": 0.5,
        "class_weight": 1.0,
        "cycle_weight": 10.0,
        "penalty_weight": 10.0,
    },
    "tags_wgan_gp": {
        "batch_size": 64,
        "width": 64,
        "learning_rate": 1e-4,
        "penalty_weight": 10.0,
        "critic_steps": 5,
        "generator_steps": 1,
    },
    "wgan_clip": {
        "batch_size": 64,
        "width": 64,
        "critic_learning_rate": 5e-5,
        "generator_learning_rate": 2e-4,
        "critic_steps": 3,
        "clip": 0.01,
    },
}


def test_every_recipe_has_its_steps_here() -> None:
    assert set(STEPS) == set(recipe_names())


@pytest.mark.parametrize("name", STEPS)
def test_steps_and_defaults_are_the_sources(name: str) -> None:
    assert find_recipe(name).steps == STEPS[name]
    options = find_options(name)()
    expected, defaults = DEFAULTS.get(name, {}), asdict(options)
    found = {option: options.chosen(option) if defaults[option] == "auto" else defaults[option] for option in expected}
    assert found == expected


@pytest.mark.parametrize(
    ("name", "form", "kind", "weight"),
    [
        ("tags_wgan_gp", {}, "gradient_penalty", 10.0),
        ("tags_wgan_gp", {"literal": True}, "gradient_penalty", 10.0),
        ("tags_wgan_gp", {"penalty_weight": 3.0}, "gradient_penalty", 3.0),
        ("srresnet_acgan", {}, "gradient_penalty", 10.0),
        ("srresnet_acgan", {"objective": "dragan"}, "dragan_penalty", 0.5),
        ("stargan", {}, "gradient_penalty", 10.0),
        ("stargan", {"penalty_weight": 3.0}, "gradient_penalty", 3.0),
        ("gray_then_color", {}, "dragan_penalty", 0.5),
        ("gray_then_color", {"penalty_weight": 3.0}, "dragan_penalty", 3.0),
    ],
)
def test_the_penalty_has_its_weight(name: str, form: dict[str, Any], kind: str, weight: float) -> None:
    small = {"width": 4} | ({} if name == "tags_wgan_gp" else {"blocks": 1})
    training = assembled(name, FACES, options={**small, **form})
    wanted = torch.eye(3 if name == "stargan" else 23)[torch.arange(5) % 3]
    batch = (torch.rand(5, 3, 32, 32) * 2 - 1, wanted)
    inputs = batch if training.system.prepare is None else training.system.prepare(batch)
    values: list[torch.Tensor] = []
    penalty = getattr(gk.constraints, kind)

    def kept(*given: Any, **named: Any) -> torch.Tensor:
        value = penalty(*given, **named)
        values.append(value.detach().clone())
        return value

    critic = "critic/gray" if name == "gray_then_color" else "critic"
    with mock.patch.object(gk.constraints, kind, kept):
        logged = training.updates[critic](*inputs)
    (value,) = values
    torch.testing.assert_close(logged["penalty"], weight * value)
    assert value > 0

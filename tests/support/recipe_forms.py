"""Every recipe in forms that take different paths through it, with small networks; and in float64."""

from dataclasses import fields, replace
from typing import Any

import torch

from examples.anime_faces.recipes import find_options, recipe_names
from examples.anime_faces.systems import Blueprint, Description, Recipe

SMALL = {"width": 4, "batch_size": 8, "critic_steps": 2, "boosted_steps": 2, "projected": 5}
SMALL |= {"group_channels": 4, "embedding": 8}
SMALL |= {"blocks": 2, "fine_tuned_share": 0.6}  # so that both kinds of terms are taken twice in the rounds below
FORMS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in recipe_names()),
    ("tags_wgan_gp", {"literal": True}),
    ("tags_wgan_gp", {"constraint": "clip", "fresh_losses": True}),
    ("tags_wgan_gp", {"constraint": "clip", "literal": True}),
    ("matching_wgan", {"literal": True, "round_batches": "shared", "text_first": True}),
    ("gan_cls", {"literal": True, "cheat_per_batch": True}),
    ("gan_cls", {"cheat": 0.5, "cheat_decays": True}),
    ("gan_cls", {"cheat": 0.5, "cheat_adapts": True}),
    ("gan_cls", {"apa": True, "r1": 1.0, "conditioning_augmentation": True, "fresh_texts": True}),
    ("gan_cls", {"mode_seeking": 1.0, "conditioning_augmentation": True, "generator_first": True, "beta": 0.0}),
    ("df_gan", {"conditioning_augmentation": False}),
    ("default", {"augmentation": 0.6}),
    ("dcgan", {"dropout": 0.5, "real_low": 0.8, "real_high": 1.2, "fake_high": 0.2, "upsampled": True}),
    ("dcgan", {"literal": True, "dropout": 0.5, "dropout_when_sampling": False}),
    ("wgan_clip", {"literal": True, "clip_after": True}),
    ("stargan", {"targets": "red eyes, blue hair, white hair", "mirrored": False}),
    ("srresnet_acgan", {"objective": "dragan", "replay": 0}),
    ("srresnet_acgan", {"pre_activation": True}),
    (
        "retrofit",
        {"critic_norm": "layer", "augmentation_every": 1, "augmentation_pictures": 20, "fake_class_weight": 0.5},
    ),
    ("retrofit", {"critic_norm": "none", "augmentation": False}),
    ("acgan", {"fakes": "train", "fake_labels": "data", "embedding_form": "noise_product", "fake_class_weight": 0.0}),
    ("acgan", {"critic_step": "mixed", "critic_batches": "full", "embedding_form": "norms"}),
    ("r3gan", {"augmentation": 0.0, "mirrored": False}),
    ("reacgan", {"attention": True}),
]

WIDE = {"reacgan", "r3gan", "gray_then_color", "srresnet_acgan", "retrofit"}
"""Recipes with the most work: the longest of their tests are in the slow suite only."""


def in_float64(recipe: Recipe) -> Recipe:
    """The recipe with networks of float64."""

    def networks(description: Description, options: Any) -> Blueprint:
        blueprint = recipe.networks(description, options)
        makers = {name: lambda make=make: make().double() for name, make in blueprint.makers.items()}
        return replace(blueprint, makers=makers)

    return replace(recipe, networks=networks)


def in_double(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor


def options_of(name: str, form: dict[str, Any]) -> Any:
    known = {one.name for one in fields(find_options(name))}
    return find_options(name)(**{key: value for key, value in SMALL.items() if key in known}, **form)

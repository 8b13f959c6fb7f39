"""Which pictures of a data set each recipe is trained on, what it reads of them, and which learning rates are constant."""

from dataclasses import replace

import numpy as np
import pytest
from support.recipes import FACES, assembled, described

from examples.anime_faces.data import Dataset
from examples.anime_faces.recipes import find_options, find_recipe, recipe_names

SEVERAL, NO_EYES, NOTHING = 0, 1, 2
"""Rows of pictures with two hair colors, without a color of eyes, and without any label."""


@pytest.fixture
def tagged(faces: Dataset) -> Dataset:
    """Faces of which three are labeled as those of tag files may be."""
    labels = faces.labels.copy()
    hair, eyes = slice(0, 12), slice(12, 23)
    labels[SEVERAL, hair] = np.arange(12) < 2
    labels[[NO_EYES, NOTHING], eyes] = 0
    labels[NOTHING, hair] = 0
    return replace(faces, labels=labels)


LEFT_OUT = {
    "default": (),
    "acgan": (SEVERAL, NO_EYES, NOTHING),
    "dcgan": (),
    "df_gan": (NOTHING,),
    "gan_cls": (NOTHING,),
    "gray_then_color": (NOTHING,),
    "matching_wgan": (NOTHING,),
    "r3gan": (),
    "reacgan": (SEVERAL, NO_EYES, NOTHING),
    "retrofit": (SEVERAL, NO_EYES, NOTHING),
    "srresnet_acgan": (NOTHING,),
    "stargan": (SEVERAL, NOTHING),  # the color of eyes is not in its vector
    "tags_wgan_gp": (NOTHING,),
    "wgan_clip": (),
}


def test_every_recipe_is_in_the_table() -> None:
    assert set(LEFT_OUT) == set(recipe_names())


@pytest.mark.parametrize("name", LEFT_OUT)
def test_pictures_with_the_labels_that_a_recipe_needs_are_used(name: str, tagged: Dataset) -> None:
    selection = find_recipe(name).conditioning(find_options(name)()).select(tagged)
    assert set(range(len(tagged))) - set(selection.rows.tolist()) == set(LEFT_OUT[name])


@pytest.mark.parametrize("name", ["tags_wgan_gp", "srresnet_acgan", "gray_then_color"])
def test_recipes_of_tags_read_all_of_them(name: str, tagged: Dataset) -> None:
    conditions = find_recipe(name).conditioning(find_options(name)()).select(tagged).conditions
    assert conditions is not None
    assert np.array_equal(conditions, np.delete(tagged.labels, NOTHING, axis=0))
    assert conditions[SEVERAL].sum() == 3


@pytest.mark.parametrize("name", ["dcgan", "wgan_clip"])
def test_recipes_without_labels_read_none(name: str, tagged: Dataset) -> None:
    assert find_recipe(name).conditioning(find_options(name)()).select(tagged).conditions is None


CONSTANT = ["acgan", "dcgan", "gan_cls", "gray_then_color", "matching_wgan", "tags_wgan_gp", "wgan_clip"]


@pytest.mark.parametrize("name", CONSTANT)
def test_learning_rates_of_reports_are_constant(name: str) -> None:
    description = described() if name in ("gan_cls", "matching_wgan") else FACES
    training = assembled(name, description, width=2, steps=40)
    for players in training.players.values():
        for player in players.values():
            found: set[float] = set()
            for step in (0, 20, 39):
                player.set_learning_rate(step)
                found |= {group["lr"] for one in player.updates.values() for group in one.optimizer.param_groups}
            assert len(found) == 1

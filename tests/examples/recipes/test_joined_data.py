"""Recipes that read labels are given the domain of joined data sets as one more attribute, in data and in prompts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from examples.anime_faces.data import Dataset, join_datasets, write_rendered
from examples.anime_faces.data.render import Knobs
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.run import Feed
from examples.anime_faces.run._stores import ResidentStore
from examples.anime_faces.systems import Hardware, assemble

SMALL: dict[str, dict[str, Any]] = {
    "default": {"width": 4, "batch_size": 8},
    "acgan": {"width": 4, "batch_size": 8},
    "srresnet_acgan": {"width": 4, "batch_size": 8, "blocks": 1, "critic_steps": 1},
    "tags_wgan_gp": {"width": 4, "batch_size": 8, "critic_steps": 1},
    "stargan": {"width": 4, "batch_size": 8, "blocks": 1, "critic_steps": 1},
    "gray_then_color": {"width": 4, "batch_size": 8, "blocks": 1},
}
IDS = {"default", "acgan"}  # recipes that are given class ids; the others are given a number for each class


@pytest.fixture(scope="module")
def joined(faces_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """70 faces and 9 that are much alike."""
    folder = tmp_path_factory.mktemp("joined")
    alike = write_rendered(folder / "alike", 9, 32, 3, Knobs(second_domain_share=1.0), workers=0)
    return join_datasets(folder / "joined", [faces_folder, alike.path])


@pytest.mark.parametrize("name", SMALL)
def test_the_domain_is_a_label_of_data_and_prompts(name: str, joined: Dataset) -> None:
    recipe, options = find_recipe(name), find_options(name)(**SMALL[name])
    conditioning = recipe.conditioning(options)
    selection = conditioning.select(joined)
    description = selection.description
    assert [one.name for one in description.attributes] == ["hair", "eyes", "domain"]
    assert len(selection.rows) == 79
    assert selection.conditions is not None
    second = torch.arange(79) >= 70
    last = torch.from_numpy(selection.conditions)[:, -1]
    assert torch.equal(last == 1, second)  # the class "alike" of the domain: its id, or the last number
    prompts = ["black hair red eyes faces", "black hair red eyes domain=alike"]
    if name == "stargan":
        prompts = ["black hair faces", "black hair domain=alike"]
    asked = conditioning.read(prompts, description, torch.Generator().manual_seed(0))
    assert asked is not None
    assert asked[:, -1].tolist() == [0, 1]
    assert torch.equal(asked[0, : 2 if name in IDS else 3], asked[1, : 2 if name in IDS else 3])
    training = assemble(recipe, description, options, steps=3, hardware=Hardware(threads=1))
    feed = Feed(
        ResidentStore(joined.images, "cpu"),
        selection,
        batch_size=training.system.batch_size,
        seed=0,
        hardware=training.hardware,
        group=training.system.group,
    )
    batches: Iterator[Any] = iter(feed)
    before = [parameter.clone() for parameter in training.networks[training.blueprint.drawing[0]].parameters()]
    logged = training.play(1, batches)
    after = training.networks[training.blueprint.drawing[0]].parameters()
    assert all(value.isfinite() for value in logged.values())
    assert any(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    if name == "acgan":
        assert {"critic/real/domain", "generator/domain"} <= logged.keys()  # its class head, in both losses


def test_the_generator_draws_each_domain_by_its_own_label(joined: Dataset) -> None:
    recipe, options = find_recipe("acgan"), find_options("acgan")(**SMALL["acgan"])
    conditioning = recipe.conditioning(options)
    description = conditioning.select(joined).description
    networks = {"generator": recipe.networks(description, options).makers["generator"]().eval()}
    rng = torch.Generator().manual_seed(0)
    condition = conditioning.read(["red hair red eyes faces", "red hair red eyes alike"], description, rng)
    latents = torch.randn(1, 100, generator=rng).repeat(2, 1)
    first, second = networks["generator"](latents, condition)
    assert not torch.equal(first, second)

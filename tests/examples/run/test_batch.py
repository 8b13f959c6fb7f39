"""Batches with more pictures than there are: what is advised is accepted by `train`."""

from dataclasses import asdict, dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from examples.anime_faces.data import FACE_ATTRIBUTES
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.run import Settings, large_batch
from examples.anime_faces.run._batch import fitting_size
from examples.anime_faces.run._beginning import announce
from examples.anime_faces.systems import Description, Hardware, training_on_meta


def said(recipe: str, pictures: int, **options: object) -> tuple[str, str] | None:
    description = Description(size=32, kind="rendered", attributes=FACE_ATTRIBUTES, incomplete=(False, False))
    chosen = find_options(recipe)(width=4, **options)
    found = large_batch(training_on_meta(find_recipe(recipe), description, chosen, steps=100).system, chosen, pictures)
    if found is not None and "--batch-size" in found[1]:
        replace(chosen, batch_size=int(found[1].split()[2].rstrip(",")))  # or it raises
    return found


@pytest.mark.parametrize(
    ("recipe", "pictures", "options", "advice"),
    [
        ("default", 12, {}, "give --batch-size 4, or add pictures"),
        ("default", 7, {"batch_size": 8}, "give --batch-size 4, or add pictures"),
        ("default", 3, {}, "add pictures"),
        ("acgan", 12, {"batch_size": 64}, "give --batch-size 12, or add pictures"),
        ("acgan", 12, {"batch_size": 64, "critic_batches": "full"}, "give --batch-size 6, or add pictures"),
    ],
)
def test_the_advice_is_a_size_that_the_recipe_accepts(
    recipe: str, pictures: int, options: dict[str, object], advice: str
) -> None:
    found = said(recipe, pictures, **options)
    assert found is not None
    assert found[0].endswith(f", and only {pictures} are in use, so it holds some twice or more")
    assert found[1] == advice


def test_enough_pictures_are_no_finding() -> None:
    assert said("default", 16) is None
    assert said("default", 15) == (
        "a batch has 16 pictures, and only 15 are in use, so it holds some twice or more",
        "give --batch-size 4, or add pictures",
    )


@dataclass(frozen=True)
class _EvenOptions:
    batch_size: int

    def __post_init__(self) -> None:
        if self.batch_size % 2:
            raise ValueError("batch_size must be even")


@pytest.mark.parametrize(
    ("pictures", "in_batch", "group", "asked", "expected"),
    [
        (40, 64, 1, 64, 20),  # half of the pictures
        (41, 64, 1, 64, 20),
        (44, 64, 1, 64, 22),
        (200, 64, 1, 64, 64),  # never more than was asked for
        (4, 64, 1, 64, 2),  # a half that would be too small is
        (3, 64, 1, 64, 2),  # replaced by all of them at most
        (2, 64, 1, 64, 2),
        (1, 64, 1, 64, None),
        (40, 64, 3, 64, 18),  # a multiple of the group
        (40, 128, 8, 64, 8),  # two pictures for each one that was asked for: 16 of 40
        (12, 128, 8, 64, 4),  # 8 of 12, since no multiple of 8 is half of them
        (40, 32, 1, 64, 40),  # half a picture for each
    ],
)
def test_a_fitting_size_is_the_largest_that_half_of_the_pictures_fill(
    pictures: int, in_batch: int, group: int, asked: int, expected: int | None
) -> None:
    system: Any = SimpleNamespace(batch_size=in_batch, group=group)
    assert fitting_size(system, _EvenOptions(asked), pictures) == expected


@pytest.mark.parametrize("options", [SimpleNamespace(), SimpleNamespace(batch_size="all")])
def test_recipes_without_a_size_of_batches_are_advised_to_add_pictures(options: Any) -> None:
    system: Any = SimpleNamespace(batch_size=8, group=1)
    assert fitting_size(system, options, 7) is None
    assert large_batch(system, options, 7) == (
        "a batch has 8 pictures, and only 7 are in use, so it holds some twice or more",
        "add pictures",
    )
    assert large_batch(system, options, 8) is None


def test_train_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    description = Description(size=32, kind="rendered", attributes=FACE_ATTRIBUTES, incomplete=(False, False))
    options = find_options("default")(width=4)
    system = training_on_meta(find_recipe("default"), description, options, steps=100).system
    settings = Settings(
        recipe="default",
        options=asdict(options),
        seed=0,
        steps=100,
        minutes=None,
        data="faces",
        fingerprint="a",
        description=description,
        pictures=12,
        start=None,
        grid_every=None,
        hardware=Hardware(),
        versions={},
    )
    announce(settings, 12, system, options)
    assert "warning   a batch has 16 pictures, and only 12 are in use" in (said := capsys.readouterr().out)
    assert "twice or more: give --batch-size 4, or add pictures" in said

"""What StarGAN's vector consists of, which classes are changed, and how labels and words become it."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from examples.anime_faces.data import FACE_ATTRIBUTES, Attribute
from examples.anime_faces.recipes.stargan.conditioning import TargetLabels
from examples.anime_faces.recipes.stargan.vector import TargetVector, target_vector, yes_of
from examples.anime_faces.systems import Description

HAIR = Attribute("hair", ("black", "blue", "brown"))
GLASSES, RIBBON = Attribute("glasses", ("no", "yes")), Attribute("ribbon", ("no", "yes"))
SEASON = Attribute("season", ("autumn", "spring", "summer", "winter"))
CELEBA = tuple(Attribute(name, ("1", "-1")) for name in ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"))
OURS = (HAIR, GLASSES, RIBBON)
VECTOR = target_vector(OURS)


def described(attributes: tuple[Attribute, ...] = OURS) -> Description:
    return Description(size=32, kind="table", attributes=attributes, incomplete=(False,) * len(attributes))


@dataclass
class Labeled:
    ids: np.ndarray
    attributes: tuple[Attribute, ...] = OURS
    size: int = 32
    kind: str = "table"
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.ids)

    def class_ids(self) -> np.ndarray:
        return self.ids


@pytest.mark.parametrize(
    ("attributes", "names", "groups"),
    [
        (OURS, ("black hair", "brown hair", "glasses", "ribbon"), ((0, 1), (2,), (3,))),
        (FACE_ATTRIBUTES, ("black hair", "brown hair", "blonde hair"), ((0, 1, 2),)),
        ((SEASON, GLASSES), (*SEASON.classes, "glasses"), ((0, 1, 2, 3), (4,))),
        (CELEBA, tuple(one.name for one in CELEBA), ((0, 1, 2), (3,), (4,))),
        ((Attribute("hair", ("blue", "green", "red")),), ("blue hair", "green hair", "red hair"), ((0, 1, 2),)),
        ((GLASSES, Attribute("tag", ("seen",))), ("glasses",), ((0,),)),
    ],
)
def test_what_is_changed_by_default(
    attributes: tuple[Attribute, ...], names: tuple[str, ...], groups: tuple[tuple[int, ...], ...]
) -> None:
    vector = target_vector(attributes)
    assert vector.names == names
    assert vector.groups == groups


def test_what_is_changed_can_be_named() -> None:
    vector = target_vector(OURS, "blue hair, ribbon=no")
    assert vector.names == ("blue hair", "ribbon")
    assert vector.groups == ((0,), (1,))
    ids = torch.tensor([[1, 0, 0], [0, 1, 1]])
    assert vector.encode(ids).tolist() == [[1, 1], [0, 0]]
    with pytest.raises(ValueError, match="--targets: 'green' is not known"):
        target_vector(OURS, "green")
    with pytest.raises(ValueError, match=r"--targets must name one class of an attribute with two, .* both of ribbon"):
        target_vector(OURS, "ribbon=no ribbon=yes")


@pytest.mark.parametrize("attributes", [(), (Attribute("eyes", ("red", "blue", "pink")), Attribute("tag", ("seen",)))])
def test_data_without_anything_to_change_is_refused(attributes: tuple[Attribute, ...]) -> None:
    with pytest.raises(ValueError, match="this recipe needs"):
        target_vector(attributes)


@pytest.mark.parametrize(
    ("classes", "yes"),
    [
        (("1", "-1"), 0),
        (("-1", "1"), 1),
        (("yes", "no"), 0),
        (("0", "1"), 1),
        (("smile", "no smile"), 0),
        (("Yes", "maybe"), 0),
        (("cat", "dog"), 1),
    ],
)
def test_which_of_two_classes_is_one(classes: tuple[str, str], yes: int) -> None:
    attribute = Attribute("any", classes)
    assert yes_of(attribute) == yes
    vector = target_vector((attribute,))
    assert vector.encode(torch.tensor([[0], [1]])).tolist() == [[1 - yes], [yes]]


def test_classes_become_zeros_and_ones() -> None:
    ids = torch.tensor([[0, 1, 0], [1, 0, 1], [2, 1, 1]])
    assert VECTOR.encode(ids).tolist() == [[1, 0, 1, 0], [0, 0, 0, 1], [0, 1, 1, 1]]


def test_what_one_picture_is_changed_to() -> None:
    assert VECTOR.targets(torch.tensor([0.0, 1.0, 1.0, 0.0])).tolist() == [
        [1, 0, 1, 0],  # each hair color is set and the other one cleared
        [0, 1, 1, 0],
        [0, 1, 0, 0],  # glasses are taken off
        [0, 1, 1, 1],  # a ribbon is put on
    ]
    male = target_vector(CELEBA).targets(torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0]))
    assert male[0].tolist() == [1, 0, 0, 1, 1]
    assert male[3].tolist() == [0, 1, 0, 0, 1]
    assert male[4].tolist() == [0, 1, 0, 1, 0]


def test_complete_groups_always_have_a_one() -> None:
    assert [VECTOR.is_complete(group) for group in VECTOR.groups] == [False, False, False]
    vector = target_vector((SEASON, GLASSES))
    assert [vector.is_complete(group) for group in vector.groups] == [True, False]
    assert not target_vector(CELEBA).is_complete((0, 1, 2))


def test_pictures_with_an_unknown_class_are_left_out() -> None:
    ids = np.array([[0, 1, 0], [1, -1, 0], [2, 0, 1], [-1, 0, 0]])
    selection = TargetLabels().select(Labeled(ids))  # pyright: ignore[reportArgumentType]
    assert selection.rows.tolist() == [0, 2]
    assert selection.conditions is not None
    assert selection.conditions.dtype == np.float32
    assert selection.conditions.tolist() == [[1, 0, 1, 0], [0, 1, 0, 1]]
    assert selection.description == Description(
        size=32, kind="table", attributes=OURS, incomplete=(False,) * 3, pictures=2
    )
    without = TargetLabels("ribbon=yes").select(Labeled(ids))  # pyright: ignore[reportArgumentType]
    assert without.rows.tolist() == [0, 1, 2, 3]
    assert without.description.incomplete == (True, True, False)
    with pytest.raises(
        ValueError, match=r"exactly one class of .* \(black hair, brown hair, glasses, ribbon\), but none"
    ):
        TargetLabels().select(Labeled(ids[1:2]))  # pyright: ignore[reportArgumentType]


def test_a_tag_that_a_picture_may_lack_is_always_known() -> None:
    attributes = (Attribute("tag", ("seen",)), GLASSES)
    vector = target_vector(attributes, "seen")
    ids = torch.tensor([[0, -1], [-1, -1]])
    assert vector.is_known(ids).tolist() == [True, True]
    assert vector.encode(ids).tolist() == [[1], [0]]


def test_a_request_has_one_hair_color_at_most() -> None:
    labels = TargetLabels()
    encoded = labels.encode(torch.tensor([[0, 0, 1, 0, 1], [1, 1, 1, 1, 0]]), described(CELEBA))
    assert encoded is not None
    assert encoded.tolist() == [[1, 0, 0, 1, 0], [0, 0, 0, 0, 1]]


def read(*prompts: str, attributes: tuple[Attribute, ...] = OURS, seed: int = 0) -> list[list[float]]:
    wanted = TargetLabels().read(prompts, described(attributes), torch.Generator().manual_seed(seed))
    assert wanted is not None
    return wanted.tolist()


def test_prompts_name_what_is_changed() -> None:
    assert read("brown hair glasses=yes ribbon=no", "ribbon=yes black hair glasses=no") == [[0, 1, 1, 0], [1, 0, 0, 1]]
    with pytest.raises(ValueError, match="'blue hair' is not known"):
        read("blue hair")
    with pytest.raises(ValueError, match="asks for Black_Hair and Blond_Hair, of which a picture can have only one"):
        read("Black_Hair=1 Blond_Hair=1", attributes=CELEBA)
    both = read("Black_Hair=-1 Blond_Hair=-1 Brown_Hair=-1 Male=1 Young=-1", attributes=CELEBA)
    assert both == [[0, 0, 0, 1, 0]]


def test_what_a_prompt_leaves_open_is_drawn() -> None:
    drawn = [read("glasses=yes", seed=seed)[0] for seed in range(40)]
    assert all(row[0] + row[1] == 1 and row[2] == 1 for row in drawn)
    assert {tuple(row) for row in drawn} == {(1, 0, 1, 0), (1, 0, 1, 1), (0, 1, 1, 0), (0, 1, 1, 1)}
    hair = [read("Black_Hair=-1", attributes=CELEBA, seed=seed)[0][:3] for seed in range(20)]
    assert {tuple(row) for row in hair} == {(0, 1, 0), (0, 0, 1)}


@pytest.mark.parametrize("attributes", [OURS, CELEBA, (SEASON, GLASSES), (GLASSES, RIBBON), FACE_ATTRIBUTES])
def test_rows_of_grids_differ_and_can_be_pasted_back(attributes: tuple[Attribute, ...]) -> None:
    grid = TargetLabels().grid(described(attributes), 8)
    assert grid.condition is not None
    assert len(grid.names) == len(grid.condition) >= 3
    assert len(np.unique(grid.condition.numpy(), axis=0)) == len(grid.names)
    assert read(*grid.names, attributes=attributes) == grid.condition.tolist()
    fewer = TargetLabels().grid(described(attributes), 2)
    assert len(fewer.names) == 2


def test_the_same_words_give_the_same_vector() -> None:
    assert target_vector(OURS, "glasses=yes") == TargetVector(OURS, ((1, 1),))  # pyright: ignore[reportArgumentType]

import pytest
import torch

from examples.anime_faces.data import FACE_ATTRIBUTES, Attribute
from examples.anime_faces.recipes import DefaultOptions
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._hardware import Hardware
from examples.anime_faces.recipes.default import RECIPE

THREE = (Attribute("style", ("a", "b")), Attribute("pose", ("x", "y", "z")), Attribute("mood", ("m",)))


@pytest.mark.parametrize(
    ("attributes", "incomplete"),
    [((), ()), (THREE[:1], (False,)), (THREE, (False, True, False)), (FACE_ATTRIBUTES, (True, True))],
)
@pytest.mark.parametrize("size", [32, 48])
def test_trains_with_any_labels_and_any_size(
    attributes: tuple[Attribute, ...], incomplete: tuple[bool, ...], size: int
) -> None:
    description = Description(size=size, kind="table", attributes=attributes, incomplete=incomplete)
    system = RECIPE.build(description, DefaultOptions(width=4, batch_size=4), Hardware(), 10)
    counts = [len(attribute.classes) + missing for attribute, missing in zip(attributes, incomplete, strict=True)]
    labels = torch.stack([torch.randint(count, (4,)) for count in counts], dim=1) if counts else None
    images = torch.rand(4, 3, size, size) * 2 - 1
    system.plan(0)
    updates = system.critic_updates.values() if isinstance(system.critic_updates, dict) else [system.critic_updates]
    for update in updates:
        update(images, labels)  # pyright: ignore[reportCallIssue]
    system.generator_updates(images, labels)  # pyright: ignore[reportCallIssue]
    drawn = system.generator(system.latents(3, None), None if labels is None else labels[:3])
    assert drawn.shape == (3, 3, size, size)
    assert float(drawn.detach().abs().max()) <= 1
    assert {"real", "fake"} <= set(system.scores)


def test_the_last_class_may_be_unknown() -> None:
    description = Description(size=32, kind="tags", attributes=THREE[:1], incomplete=(True,))
    system = RECIPE.build(description, DefaultOptions(width=4, batch_size=4), Hardware(), 10)
    system.generator(system.latents(1, None), torch.tensor([[2]]))
    with pytest.raises(ValueError, match="label"):
        system.generator(system.latents(1, None), torch.tensor([[3]]))

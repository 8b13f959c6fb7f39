import numpy as np
import pytest
import torch
from torch.nn import functional

from examples.anime_faces.data import FACE_ATTRIBUTES, Attribute
from examples.anime_faces.recipes import DefaultOptions
from examples.anime_faces.recipes._default_networks import DefaultGenerator, GroupDeviation
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._hardware import Hardware
from examples.anime_faces.recipes._recipe import System
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


def tiny(steps: int = 100) -> System:
    description = Description(size=32, kind="rendered", attributes=FACE_ATTRIBUTES, incomplete=(False, False))
    return RECIPE.build(description, DefaultOptions(width=4, batch_size=8), Hardware(), steps)


def a_batch() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(8, 3, 32, 32) * 2 - 1, torch.randint(11, (2, 2)).repeat(4, 1)


def test_one_fake_batch_serves_both_networks() -> None:
    system = tiny()
    drawn: list[int] = []
    system.generator.register_forward_hook(lambda _module, inputs, _output: drawn.append(len(inputs[0])))
    system.plan(60)
    images, labels = a_batch()
    before = [parameter.clone() for parameter in system.generator.parameters()]
    system.critic_updates(images, labels)  # pyright: ignore[reportCallIssue]
    assert all(torch.equal(old, new) for old, new in zip(before, system.generator.parameters(), strict=True))
    system.generator_updates(images, labels)  # pyright: ignore[reportCallIssue]
    assert drawn == [8]
    assert any(not torch.equal(old, new) for old, new in zip(before, system.generator.parameters(), strict=True))


def test_the_penalty_comes_at_every_eighth_step_with_eight_times_its_weight() -> None:
    system = tiny()
    images, labels = a_batch()
    for step in range(17):
        system.plan(step)
        points = images.clone().requires_grad_()
        (slope,) = torch.autograd.grad(system.critic(points, labels).scores.sum(), points)
        logged = system.critic_updates(images, labels)  # pyright: ignore[reportCallIssue]
        system.generator_updates(images, labels)  # pyright: ignore[reportCallIssue]
        assert ("penalty" in logged) == (step % 8 == 0)
        if "penalty" in logged:
            expected = 0.5 * 0.3 * 8 * slope.square().sum((1, 2, 3)).mean()
            torch.testing.assert_close(logged["penalty"], expected)
        assert not images.requires_grad


def test_losses_are_weighed_as_said() -> None:
    system = tiny()
    system.plan(1)
    system.critic.eval()
    images, labels = a_batch()
    output = system.critic(images, labels)
    logged = system.critic_updates(images, labels)  # pyright: ignore[reportCallIssue]
    expected = sum(functional.cross_entropy(logits, labels[:, k]) for k, logits in enumerate(output.classes))
    torch.testing.assert_close(logged["classes"], torch.as_tensor(expected).detach())
    generator = system.generator_updates(images, labels)  # pyright: ignore[reportCallIssue]
    assert 0.1 * 3 < float(generator["classes"]) < 0.1 * 8  # about log 12 + log 11, weighed by a tenth


def test_learning_rates_follow_the_step() -> None:
    system = tiny(steps=1000)
    rates = []
    for step in (0, 25, 50, 599, 800, 999):
        system.plan(step)
        rates.append([optimizer.param_groups[0]["lr"] for optimizer in system.optimizers.values()])
    assert [round(both[0], 7) for both in rates] == [0, 0.0005, 0.001, 0.001, 0.0005, 2e-5]
    assert all(both[0] == both[1] for both in rates)


def test_the_deviation_is_that_of_each_group() -> None:
    groups = torch.randn(5, 3, 7, 2, 2)  # five pictures in each of three groups
    groups[:, 1] = groups[:1, 1]  # the second group is one picture again and again
    joined = GroupDeviation(5)(groups.flatten(0, 1))
    assert joined.shape == (15, 8, 2, 2)
    expected = torch.from_numpy(np.sqrt(groups.numpy().var(axis=0) + 1e-4).mean(axis=(1, 2, 3)))
    torch.testing.assert_close(joined[:, 7, 0, 0].reshape(5, 3), expected.expand(5, 3))
    torch.testing.assert_close(joined[:, :7], groups.flatten(0, 1))
    assert float(joined[1, 7, 0, 0]) == pytest.approx(1e-2)  # the root of what stands under it where pictures agree


def test_layouts_come_from_latents_alone() -> None:
    system = tiny()
    assert isinstance(system.generator, DefaultGenerator)
    assert system.generator.layout.in_features == 64


def test_batches_are_made_of_groups() -> None:
    assert tiny().group == 4
    description = Description(size=32, kind="rendered", attributes=FACE_ATTRIBUTES, incomplete=(False, False))
    with pytest.raises(ValueError, match="--batch-size must be a multiple of 4, but it is 6"):
        RECIPE.build(description, DefaultOptions(width=4, batch_size=6), Hardware(), 10)

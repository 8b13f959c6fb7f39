from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.data import FACE_ATTRIBUTES
from examples.anime_faces.recipes import AcganOptions
from examples.anime_faces.recipes._acgan_networks import AcganCritic, AcganGenerator
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._hardware import Hardware
from examples.anime_faces.recipes._recipe import System
from examples.anime_faces.recipes.acgan import RECIPE

FACES = Description(size=32, kind="rendered", attributes=FACE_ATTRIBUTES, incomplete=(False, False))


@pytest.fixture
def system() -> System:
    return RECIPE.build(FACES, AcganOptions(width=4, batch_size=14), Hardware(), 10)


def test_generator_is_the_reports_layer_for_layer() -> None:
    generator = AcganGenerator(size=64, embedder=gk.embedders.LabelEmbedder((12, 11), 8))
    assert generator.in_features == 116
    assert [table.weight.shape for table in generator.embedder.tables] == [(12, 8), (11, 8)]
    convolutions = [layer for layer in generator.layers if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    shapes = [
        (type(layer).__name__, layer.in_channels, layer.out_channels, layer.kernel_size[0]) for layer in convolutions
    ]
    assert shapes == [
        ("ConvTranspose2d", 116, 512, 4),
        ("ConvTranspose2d", 512, 256, 4),
        ("ConvTranspose2d", 256, 128, 4),
        ("ConvTranspose2d", 128, 64, 4),
        ("Conv2d", 64, 64, 3),
        ("ConvTranspose2d", 64, 3, 4),
    ]
    norms = [layer for layer in generator.layers if isinstance(layer, nn.BatchNorm2d)]
    assert [norm.num_features for norm in norms] == [512, 256, 128, 64, 64]
    assert {norm.momentum for norm in norms} == {0.5}
    assert {layer.negative_slope for layer in generator.layers if isinstance(layer, nn.LeakyReLU)} == {0.2}
    assert isinstance(generator.layers[-1], nn.Tanh)


def test_critic_is_the_reports_layer_for_layer() -> None:
    critic = AcganCritic(size=64, class_head=partial(gk.blocks.ClassHead, num_classes=(12, 11)))
    convolutions = [layer for layer in critic.layers if isinstance(layer, nn.Conv2d)]
    assert [(layer.in_channels, layer.out_channels) for layer in convolutions] == [
        (3, 64),
        (64, 128),
        (128, 256),
        (256, 512),
    ]
    assert critic.score.in_features == 8192
    assert critic.classes.num_classes == (12, 11)
    output = critic(torch.zeros(2, 3, 64, 64))
    assert output.scores.shape == (2,)
    assert [logits.shape for logits in output.classes] == [(2, 12), (2, 11)]


@pytest.mark.parametrize("size", [32, 48, 128])
def test_other_sizes(size: int) -> None:
    generator = AcganGenerator(size=size, embedder=gk.embedders.LabelEmbedder(3, 8), width=2)
    critic = AcganCritic(size=size, class_head=partial(gk.blocks.ClassHead, num_classes=3), width=2)
    images = generator(torch.randn(2, 100), torch.tensor([[0], [2]]))
    assert images.shape == (2, 3, size, size)
    assert critic(images).scores.shape == (2,)


def test_optimizers_are_the_reports(system: System) -> None:
    groups = {name: optimizer.param_groups[0] for name, optimizer in system.optimizers.items()}
    assert groups["critic"]["lr"] == 2e-4
    assert groups["generator"]["lr"] == 1.5e-4
    assert groups["critic"]["betas"] == groups["generator"]["betas"] == (0.5, 0.999)
    assert RECIPE.build(FACES, AcganOptions(width=2), Hardware(), 1).batch_size == 64  # half of 128


def test_critic_takes_two_half_batches_real_first_and_generator_one_whole(system: System) -> None:
    seen: list[tuple[str, int]] = []
    system.critic.register_forward_hook(lambda _module, inputs, _output: seen.append(("critic", len(inputs[0]))))
    system.generator.register_forward_hook(lambda _module, inputs, _output: seen.append(("generator", len(inputs[0]))))
    assert isinstance(system.critic_updates, dict)
    assert list(system.critic_updates) == ["real", "fake"]
    images, labels = torch.rand(7, 3, 32, 32), torch.zeros(7, 2, dtype=torch.int64)
    for update in system.critic_updates.values():
        update(images, labels)
    assert seen == [("critic", 7), ("generator", 7), ("critic", 7)]
    seen.clear()
    system.generator_updates(images, labels)  # pyright: ignore[reportCallIssue]
    assert seen == [("generator", 14), ("critic", 14)]


def test_the_critics_losses_are_weighed_and_softly_labeled(system: System) -> None:
    images, labels = torch.rand(7, 3, 32, 32), torch.randint(11, (7, 2))
    assert isinstance(system.critic_updates, dict)
    output = system.critic(images)
    torch.manual_seed(3)
    soft = 1 - 0.2 * torch.rand(7)
    assert bool(((soft > 0.8) & (soft <= 1)).all())
    torch.manual_seed(3)
    logged = system.critic_updates["real"](images, labels)
    torch.testing.assert_close(
        logged["score"], 1.4 * functional.binary_cross_entropy_with_logits(output.scores, soft).detach()
    )
    for index, name in enumerate(("hair", "eyes")):
        expected = 0.8 * functional.cross_entropy(output.classes[index], labels[:, index])
        torch.testing.assert_close(logged[name], expected.detach())


def test_the_generators_losses_are_not_weighed(system: System) -> None:
    system.critic.eval()
    system.generator.eval()
    images = torch.rand(7, 3, 32, 32)
    torch.manual_seed(4)
    labels = torch.stack([torch.randint(12, (14,)), torch.randint(11, (14,))], dim=1)
    output = system.critic(system.generator(torch.randn(14, 100), labels))
    soft = 1 - 0.2 * torch.rand(14)
    torch.manual_seed(4)
    logged = system.generator_updates(images, labels[:7])  # pyright: ignore[reportCallIssue]
    torch.testing.assert_close(
        logged["score"], functional.binary_cross_entropy_with_logits(output.scores, soft).detach()
    )
    for index, name in enumerate(("hair", "eyes")):
        torch.testing.assert_close(
            logged[name], functional.cross_entropy(output.classes[index], labels[:, index]).detach()
        )


def test_fake_labels_are_uniform_whatever_the_data_has(system: System) -> None:
    drawn: list[torch.Tensor] = []
    system.generator.register_forward_pre_hook(lambda _module, inputs: drawn.append(inputs[1]))
    assert isinstance(system.critic_updates, dict)
    for _ in range(60):
        system.critic_updates["fake"](torch.rand(7, 3, 32, 32), torch.zeros(7, 2, dtype=torch.int64))
    labels = torch.cat(drawn)
    hair = torch.bincount(labels[:, 0], minlength=12)
    # 420 draws over 12 classes: 35 each, with a standard deviation below 6.
    assert hair.min() > 10
    assert hair.max() < 65
    assert torch.bincount(labels[:, 1], minlength=11).min() > 10

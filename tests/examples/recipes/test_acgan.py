from functools import partial

import pytest
import torch
from support.recipes import FACES, assembled
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.data import Attribute
from examples.anime_faces.recipes.acgan.networks import AcganCritic, AcganGenerator
from examples.anime_faces.systems import Description, Training


@pytest.fixture
def training() -> Training:
    return assembled("acgan", FACES, width=4, batch_size=14, fakes="train")  # whose fakes hooks see


def test_generator_is_the_reports_layer_for_layer() -> None:
    generator = AcganGenerator(size=64, embedder=gk.embedders.LabelEmbedder((12, 11), 8))
    assert generator.in_features == 116
    assert isinstance(generator.embedder, gk.embedders.LabelEmbedder)
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


def test_optimizers_are_the_reports(training: Training) -> None:
    groups = {name: update.optimizer.param_groups[0] for name, update in training.updates.items()}
    assert groups["critic/real"] is groups["critic/fake"]
    assert groups["critic/real"]["lr"] == 2e-4
    assert groups["generator"]["lr"] == 1.5e-4
    assert groups["critic/real"]["betas"] == groups["generator"]["betas"] == (0.5, 0.999)
    assert assembled("acgan", FACES, width=2, steps=1).system.batch_size == 64  # half of 128


def test_critic_takes_two_half_batches_real_first_and_generator_one_whole(training: Training) -> None:
    seen: list[tuple[str, int]] = []
    for name, network in training.networks.items():
        network.register_forward_hook(lambda _module, inputs, _output, name=name: seen.append((name, len(inputs[0]))))
    assert list(training.updates) == ["critic/real", "critic/fake", "generator"]
    images, labels = torch.rand(7, 3, 32, 32), torch.zeros(7, 2, dtype=torch.int64)
    training.updates["critic/real"](images, labels)
    training.updates["critic/fake"](images, labels)
    assert seen == [("critic", 7), ("generator", 7), ("critic", 7)]
    seen.clear()
    training.updates["generator"](images, labels)
    assert seen == [("generator", 14), ("critic", 14)]


def test_the_critics_losses_are_weighed_and_softly_labeled(training: Training) -> None:
    images, labels = torch.rand(7, 3, 32, 32), torch.randint(11, (7, 2))
    output = training.networks["critic"](images)
    torch.manual_seed(3)
    soft = 1 - 0.2 * torch.rand(7)
    assert bool(((soft > 0.8) & (soft <= 1)).all())
    torch.manual_seed(3)
    logged = training.updates["critic/real"](images, labels)
    torch.testing.assert_close(logged["scores/real"], output.scores.detach().mean())
    torch.testing.assert_close(
        logged["score"], 1.4 * functional.binary_cross_entropy_with_logits(output.scores, soft).detach()
    )
    for index, name in enumerate(("hair", "eyes")):
        expected = 0.8 * functional.cross_entropy(output.classes[index], labels[:, index])
        torch.testing.assert_close(logged[name], expected.detach())


def test_the_fakes_of_the_critic_are_softly_labeled_too(training: Training) -> None:
    images, labels = torch.rand(7, 3, 32, 32), torch.zeros(7, 2, dtype=torch.int64)
    torch.manual_seed(3)
    drawn = torch.stack([torch.randint(12, (7,)), torch.randint(11, (7,))], dim=1)
    with torch.no_grad():
        output = training.networks["critic"](training.networks["generator"](torch.randn(7, 100), drawn))
    soft = 0.2 * torch.rand(7)
    torch.manual_seed(3)
    logged = training.updates["critic/fake"](images, labels)
    expected = 1.4 * functional.binary_cross_entropy_with_logits(output.scores, soft)
    torch.testing.assert_close(logged["score"], expected)
    for index, name in enumerate(("hair", "eyes")):
        torch.testing.assert_close(logged[name], 0.8 * functional.cross_entropy(output.classes[index], drawn[:, index]))


def test_the_generators_losses_are_not_weighed(training: Training) -> None:
    training.networks["critic"].eval()
    training.networks["generator"].eval()
    images = torch.rand(7, 3, 32, 32)
    torch.manual_seed(4)
    labels = torch.stack([torch.randint(12, (14,)), torch.randint(11, (14,))], dim=1)
    output = training.networks["critic"](training.networks["generator"](torch.randn(14, 100), labels))
    soft = 1 - 0.2 * torch.rand(14)
    torch.manual_seed(4)
    logged = training.updates["generator"](images, labels[:7])
    torch.testing.assert_close(
        logged["score"], functional.binary_cross_entropy_with_logits(output.scores, soft).detach()
    )
    for index, name in enumerate(("hair", "eyes")):
        torch.testing.assert_close(
            logged[name], functional.cross_entropy(output.classes[index], labels[:, index]).detach()
        )


def test_fake_labels_are_uniform_whatever_the_data_has(training: Training) -> None:
    drawn: list[torch.Tensor] = []
    training.networks["generator"].register_forward_pre_hook(lambda _module, inputs: drawn.append(inputs[1]))
    for _ in range(60):
        training.updates["critic/fake"](torch.rand(7, 3, 32, 32), torch.zeros(7, 2, dtype=torch.int64))
    labels = torch.cat(drawn)
    hair = torch.bincount(labels[:, 0], minlength=12)
    # 420 draws over 12 classes: 35 each, with a standard deviation below 6.
    assert hair.min() > 10
    assert hair.max() < 65
    assert torch.bincount(labels[:, 1], minlength=11).min() > 10


def test_attributes_of_any_name_leave_the_score_in_the_loss() -> None:
    names = ("score", "left/right", "class score", "left-right", "hair")
    attributes = tuple(Attribute(name, ("one", "two")) for name in names)
    described = Description(size=32, kind="labeled", attributes=attributes, incomplete=(False,) * len(names))
    training = assembled("acgan", described, width=2, batch_size=6)
    images, labels = torch.rand(3, 3, 32, 32), torch.randint(2, (3, len(names)))
    logged = training.play(0, iter([(images, labels)] * 2))
    own = ["score", "class score", "left-right", "class class score", "class left-right", "hair"]
    costs = [f"critic/{update}/{name}" for update in ("real", "fake") for name in own]
    readings = ["scores/real", "accuracy/real", "scores/fake", "accuracy/fake"]
    watched = ["gradients/critic", "gradients/generator", "weights/condition of generator"]
    assert sorted(logged) == sorted([*costs, *(f"generator/{name}" for name in own), *readings, *watched])

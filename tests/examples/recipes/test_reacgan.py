"""ReACGAN: hinge losses beside the data-to-data cross-entropy of each attribute, and BigGAN's networks."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from support.recipes import FACES, assembled
from torch import nn

import gankit as gk
from examples.anime_faces.recipes import find_recipe
from examples.anime_faces.recipes.reacgan.networks import (
    SphereCritic,
    SphereGenerator,
    SphereOutput,
    critic_blocks,
    generator_channels,
    latents_of,
)
from examples.anime_faces.recipes.reacgan.options import Options
from examples.anime_faces.systems import Training


def build(**options: Any) -> Training:
    """A small system, whose norms and spectral norms stay as they are from update to update."""
    training = assembled("reacgan", FACES, **{"width": 2, "batch_size": 7, "embedding": 5, **options})
    for network in training.networks.values():
        network.eval()
    return training


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(3)
    return torch.rand(7, 3, 32, 32, generator=rng) * 2 - 1, torch.randint(3, (7, 2), generator=rng)


def parts(training: Training) -> tuple[SphereGenerator, SphereCritic]:
    generator, critic = training.networks["generator"], training.networks["critic"]
    assert isinstance(generator, SphereGenerator)
    assert isinstance(critic, SphereCritic)
    return generator, critic


def data_to_data(
    embeddings: torch.Tensor,
    proxies: torch.Tensor,
    labels: torch.Tensor,
    *,
    temperature: float = 0.5,
    near: float = 0.98,
    far: float = 0.02,
) -> float:
    """Picture by picture, as the paper writes it."""
    total = 0.0
    for own, label in zip(embeddings, labels.tolist(), strict=True):
        pull = torch.exp(torch.clamp(own @ proxies[label] - near, max=0) / temperature)
        pushes = [
            torch.exp(torch.clamp(own @ other - far, min=0) / temperature)
            for other, its in zip(embeddings, labels.tolist(), strict=True)
            if its != label
        ]
        total -= float(torch.log(pull / (pull + sum(pushes))))
    return total / len(labels)


def outputs(training: Training, batch: tuple[torch.Tensor, torch.Tensor]) -> tuple[SphereOutput, SphereOutput]:
    """Of the real pictures, and of those that the next update draws, if the random numbers are those of now."""
    generator, critic = parts(training)
    with torch.no_grad():
        return critic(batch[0]), critic(generator(torch.randn(7, 80), batch[1]))


@pytest.mark.parametrize(
    ("options", "weight", "settings"),
    [
        ({}, 0.5, {}),
        ({"class_weight": 2.0}, 2.0, {}),
        ({"temperature": 0.1}, 0.5, {"temperature": 0.1}),
        ({"margin": 0.6}, 0.5, {"near": 0.6, "far": 0.4}),
    ],
)
def test_losses(
    options: dict[str, float], weight: float, settings: dict[str, float], batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """The critic learns classes from real pictures only, the generator from its own, of the labels of the batch."""
    training, labels = build(**options), batch[1]
    torch.manual_seed(1)
    real, fake = outputs(training, batch)
    torch.manual_seed(1)
    logged = training.updates["critic"](*batch)
    assert list(logged) == ["score", "hair", "eyes", "scores/real", "scores/fake", "accuracy/real", "accuracy/fake"]
    hinge = torch.relu(1 - real.scores).mean() + torch.relu(1 + fake.scores).mean()
    torch.testing.assert_close(logged["score"], hinge)
    torch.testing.assert_close(logged["scores/real"], real.scores.mean())
    torch.testing.assert_close(logged["scores/fake"], fake.scores.mean())
    for index, name in enumerate(("hair", "eyes")):
        loss = data_to_data(*real.classes[index], labels[:, index], **settings)
        assert float(logged[name]) == pytest.approx(weight * loss, rel=1e-4)
    torch.manual_seed(1)
    _, fake = outputs(training, batch)
    torch.manual_seed(1)
    logged = training.updates["generator"](*batch)
    assert list(logged) == ["score", "hair", "eyes"]
    torch.testing.assert_close(logged["score"], -fake.scores.mean())
    for index, name in enumerate(("hair", "eyes")):
        loss = data_to_data(*fake.classes[index], labels[:, index], **settings)
        assert float(logged[name]) == pytest.approx(weight * loss, rel=1e-4)


def test_the_critic_learns_to_score_real_pictures_above_generated_ones(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    torch.manual_seed(0)
    training = build(learning_rate=1e-2)
    logged: list[dict[str, torch.Tensor]] = []
    for _ in range(40):
        torch.manual_seed(2)  # the same generated pictures
        logged.append(training.updates["critic"](*batch))
    assert logged[-1]["score"] < 0.2 * logged[0]["score"]
    assert float(logged[-1]["scores/real"]) > 0.5 > -0.5 > float(logged[-1]["scores/fake"])
    _, fake = outputs(training, batch)
    for _ in range(20):
        training.updates["generator"](*batch)
    _, better = outputs(training, batch)
    assert better.scores.mean() > fake.scores.mean() + 0.5


def test_settings_are_the_card_s() -> None:
    assert find_recipe("reacgan").steps == 20_000
    options = Options()
    assert (options.batch_size, options.width, options.embedding, options.critic_steps) == (64, 16, 512, 2)
    assert (options.class_weight, options.temperature, options.margin) == (0.5, 0.5, 0.98)
    assert (options.average_decay, options.average_start) == (0.9999, 1000)
    assert not options.attention
    training = build()
    for update in training.updates.values():
        assert type(update.optimizer) is torch.optim.Adam
        group = update.optimizer.param_groups[0]
        assert (group["lr"], group["betas"]) == (2.83e-4, (0.5, 0.999))
    assert training.system.schedule(0) == gk.schedules.Round(2)
    assert build(critic_steps=4).system.schedule(9) == gk.schedules.Round(4)
    assert training.system.batch_size == 7
    rates = {update.optimizer.param_groups[0]["lr"] for update in build(learning_rate=1e-3).updates.values()}
    assert rates == {1e-3}


def test_the_average_begins_at_its_round(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    decay = build().system.average_decay
    assert decay is not None
    assert [decay(step) for step in (0, 999, 1000, 5000)] == [0.0, 0.0, 0.9999, 0.9999]
    training = build(average_start=2, average_decay=0.75)
    name = "stem.0.parametrizations.weight.original"
    own = []
    for step in range(3):
        training.play(step, iter([batch] * 2))
        own.append(training.networks["generator"].get_parameter(name).detach().clone())
        average = training.averages["generator"].network.get_parameter(name)
        torch.testing.assert_close(average, own[-1] if step < 2 else 0.75 * own[-2] + 0.25 * own[-1])
    assert not torch.equal(own[1], own[2])


def test_channels_latents_and_halvings_are_those_of_the_program() -> None:
    assert generator_channels(32, 96) == [384] * 4
    assert generator_channels(64, 96) == [96 * one for one in (16, 8, 4, 2, 1)]
    assert critic_blocks(32, 96) == [(192, True), (192, True), (192, False), (192, False)]
    assert critic_blocks(64, 96) == [(96, True), (192, True), (384, True), (768, True), (1536, False)]
    assert critic_blocks(8, 1) == [(2, True), (2, False), (2, False)]
    assert (latents_of(32), latents_of(64)) == (80, 100)
    generator, critic = parts(build(width=3))
    assert [
        (block.conv1.in_channels, block.conv2.out_channels)
        for block in generator.blocks
        if isinstance(block, gk.blocks.PreActivationBlock)
    ] == [(12, 12)] * 3
    blocks = [one for one in critic.body if isinstance(one, gk.blocks.PreActivationBlock)]
    assert [(one.in_channels, one.hidden, one.out_channels, one.first, one.down is not None) for one in blocks] == [
        (3, 6, 6, True, True),
        (6, 6, 6, False, True),
        (6, 6, 6, False, False),
        (6, 6, 6, False, False),
    ]
    assert [(head.embed.in_features, head.embed.out_features, len(head.proxies)) for head in heads(critic)] == [
        (6, 5, 12),
        (6, 5, 11),
    ]


def heads(critic: SphereCritic) -> list[gk.blocks.DataToDataHead]:
    return [head for head in critic.classes if isinstance(head, gk.blocks.DataToDataHead)]


def test_each_block_is_given_its_own_latents_and_the_labels() -> None:
    generator, _ = parts(build())
    given: list[torch.Tensor] = []
    for block in generator.blocks:
        block.register_forward_pre_hook(lambda _module, inputs: given.append(inputs[1]))
    generator.stem.register_forward_pre_hook(lambda _module, inputs: given.append(inputs[0]))
    latents, labels = torch.randn(3, 80), torch.tensor([[0, 1], [2, 3], [11, 10]])
    generator(latents, labels)
    embedded = generator.embedder(labels)
    assert embedded.shape == (3, 2 * 128)
    expected = [latents[:, :20]]
    expected += [torch.cat([latents[:, at : at + 20], embedded], dim=1) for at in (20, 40, 60)]
    for found, wanted in zip(given, expected, strict=True):
        torch.testing.assert_close(found, wanted)


def test_both_networks_have_spectral_norm_and_begin_orthogonal() -> None:
    for network in parts(build(attention=True)):
        layers = [one for one in network.modules() if isinstance(one, nn.Conv2d | nn.Linear)]
        assert len(layers) > 15
        for layer in layers:
            original = layer.get_parameter("parametrizations.weight.original")
            singular = torch.linalg.svdvals(original.flatten(1))
            torch.testing.assert_close(singular, torch.ones_like(singular))
            with torch.no_grad():
                original.mul_(3)
            torch.testing.assert_close(torch.linalg.svdvals(layer.weight.flatten(1))[0], torch.tensor(1.0))
            assert layer.bias is None or not layer.bias.any()
    generator, critic = parts(build())
    for rows in (*(table.weight for table in generator.embedder.tables), *(head.proxies for head in heads(critic))):
        assert isinstance(rows, torch.Tensor)
        singular = torch.linalg.svdvals(rows)
        torch.testing.assert_close(singular, torch.ones_like(singular))


@pytest.mark.parametrize(("size", "half"), [(32, 16), (64, 32)])
def test_attention_is_at_half_the_size_and_only_on_request(size: int, half: int) -> None:
    description = replace(FACES, size=size)
    training = assembled("reacgan", description, width=2, embedding=5, attention=True)
    sizes: list[tuple[str, tuple[int, ...]]] = []
    for name, network in training.networks.items():
        (layer,) = [one for one in network.modules() if isinstance(one, gk.blocks.SelfAttention2d)]
        layer.register_forward_hook(
            lambda _module, inputs, _output, name=name: sizes.append((name, tuple(inputs[0].shape[2:])))
        )
        with torch.no_grad():
            layer.gate.fill_(1.0)
    generator, critic = parts(training)
    critic(generator(torch.randn(2, latents_of(size)), torch.zeros(2, 2).long()))
    assert sizes == [("generator", (half, half)), ("critic", (half, half))]
    plain = assembled("reacgan", description, width=2, embedding=5)
    for network in plain.networks.values():
        assert not any(isinstance(one, gk.blocks.SelfAttention2d) for one in network.modules())


@pytest.mark.parametrize("size", [8, 48, 64])
def test_other_sizes(size: int) -> None:
    training = assembled("reacgan", replace(FACES, size=size), width=2, embedding=5, batch_size=4, attention=True)
    batch = torch.rand(4, 3, size, size) * 2 - 1, torch.tensor([[0, 1], [2, 3], [11, 10], [0, 3]])
    logged = training.play(0, iter([batch] * 2))
    assert all(bool(torch.isfinite(value)) for value in logged.values())
    assert training.blueprint.latents is not None
    pictures = training.networks["generator"](training.blueprint.latents(4, rng=None), batch[1])
    assert pictures.shape == (4, 3, size, size)
    assert float(pictures.detach().abs().max()) <= 1


def test_names_of_attributes_that_other_costs_have() -> None:
    first, second = FACES.attributes
    description = replace(FACES, attributes=(replace(first, name="score"), second))
    training = assembled("reacgan", description, width=2, embedding=5, batch_size=4)
    batch = torch.rand(4, 3, 32, 32), torch.tensor([[0, 1], [2, 3], [11, 10], [0, 3]])
    assert list(training.updates["generator"](*batch)) == ["score", "class score", "eyes"]


def test_channels_only_fall_on_the_way_to_the_picture() -> None:
    for size in (32, 64, 96, 128):
        assert all(before >= after for before, after in pairwise(generator_channels(size, 4)))

"""The ACGAN of report B: the losses of both objectives, tags of generated pictures, and the pool of earlier ones."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from support.recipes import FACES, assembled
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.data import Attribute
from examples.anime_faces.recipes.srresnet_acgan.terms import drawn_tags
from examples.anime_faces.systems import Description, Training

TAGS = 23
entropy = functional.binary_cross_entropy_with_logits


def build(**options: Any) -> Training:
    return assembled("srresnet_acgan", FACES, **{"width": 4, "blocks": 1, "batch_size": 6, **options})


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1


@pytest.fixture
def tags() -> torch.Tensor:
    return torch.randint(2, (6, TAGS), generator=torch.Generator().manual_seed(4)).float()


@pytest.fixture
def fakes(tags: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Generated pictures with tags of their own."""
    return torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(5)) * 2 - 1, 1 - tags


def updated(training: Training, name: str, *batch: torch.Tensor) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return training.updates[name](*batch)


def prepared(training: Training, *batch: torch.Tensor) -> tuple[Any, ...]:
    assert training.system.prepare is not None
    return training.system.prepare(batch)


@pytest.mark.parametrize(
    ("objective", "critic_steps", "betas", "rates"),
    [("wgan_gp", 5, (0.0, 0.9), [2e-4, 1e-4, 2e-5]), ("dragan", 1, (0.5, 0.999), [2e-4, 2e-4, 2e-4])],
)
def test_settings(objective: str, critic_steps: int, betas: tuple[float, float], rates: list[float]) -> None:
    training = build(objective=objective)
    assert training.system.schedule(0) == gk.schedules.Round(critic_steps)
    assert build(objective=objective, critic_steps=3).system.schedule(7) == gk.schedules.Round(3)
    assert training.system.batch_size == 6
    for turn in ("critic", "generator"):
        optimizer = training.updates[turn].optimizer
        assert type(optimizer) is torch.optim.Adam
        assert optimizer.param_groups[0]["betas"] == betas
        found: list[float] = []
        for step in (0, 5, 9):  # of 10
            training.players[turn][""].set_learning_rate(step)
            found.append(optimizer.param_groups[0]["lr"])
        assert found == pytest.approx(rates)


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, (1.0, 1.0, 10.0)),
        ({"score_weight": 3.0, "class_weight": 0.5, "penalty_weight": 2.0}, (3.0, 0.5, 2.0)),
    ],
)
def test_losses_of_the_critic_with_wgan_gp(
    options: dict[str, float],
    weights: tuple[float, float, float],
    images: torch.Tensor,
    tags: torch.Tensor,
    fakes: tuple[torch.Tensor, torch.Tensor],
) -> None:
    training = build(**options)
    critic = training.networks["critic"]
    torch.manual_seed(1)
    penalty = gk.constraints.gradient_penalty(lambda points: critic(points).scores, images, fakes[0]).detach()
    with torch.no_grad():
        real, fake = critic(images), critic(fakes[0])
    logged = updated(training, "critic", images, tags, *fakes)
    assert list(logged) == ["score", "tags", "penalty", "scores/real", "scores/fake", "accuracy/real", "accuracy/fake"]
    torch.testing.assert_close(logged["score"], weights[0] * (fake.scores.mean() - real.scores.mean()))
    torch.testing.assert_close(logged["tags"], weights[1] * TAGS * entropy(real.classes[0], tags))  # summed over tags
    torch.testing.assert_close(logged["penalty"], weights[2] * penalty)
    torch.testing.assert_close(logged["scores/real"], real.scores.mean())
    torch.testing.assert_close(logged["scores/fake"], fake.scores.mean())


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, (TAGS, 1.0, 0.5)),
        ({"score_weight": 3.0, "fake_class_weight": 0.3, "penalty_weight": 2.0}, (3.0, 0.3, 2.0)),
    ],
)
def test_losses_of_the_critic_with_dragan(
    options: dict[str, float],
    weights: tuple[float, float, float],
    images: torch.Tensor,
    tags: torch.Tensor,
    fakes: tuple[torch.Tensor, torch.Tensor],
) -> None:
    training = build(objective="dragan", **options)
    critic = training.networks["critic"]
    torch.manual_seed(1)
    penalty = gk.constraints.dragan_penalty(lambda points: critic(points).scores, images).detach()
    with torch.no_grad():
        real, fake = critic(images), critic(fakes[0])
    logged = updated(training, "critic", images, tags, *fakes)
    scores = entropy(real.scores, torch.ones(6)) + entropy(fake.scores, torch.zeros(6))
    torch.testing.assert_close(logged["score"], weights[0] * scores)
    torch.testing.assert_close(logged["tags"], TAGS * entropy(real.classes[0], tags))
    torch.testing.assert_close(logged["tags of fakes"], weights[1] * TAGS * entropy(fake.classes[0], fakes[1]))
    torch.testing.assert_close(logged["penalty"], weights[2] * penalty)


@pytest.mark.parametrize(
    ("options", "weights"),
    [({}, (1.0, 0.1)), ({"score_weight": 3.0, "generator_class_weight": 2.0}, (3.0, 2.0))],
)
def test_losses_of_the_generator_with_wgan_gp(
    options: dict[str, float], weights: tuple[float, float], images: torch.Tensor, tags: torch.Tensor
) -> None:
    training = build(**options)
    wanted = torch.cat([tags, tags])  # twice as many as the critic sees
    torch.manual_seed(1)
    with torch.no_grad():
        output = training.networks["critic"](training.networks["generator"](torch.randn(12, 128), wanted))
    logged = updated(training, "generator", images, tags, images, tags)
    torch.testing.assert_close(logged["score"], -weights[0] * output.scores.mean())
    torch.testing.assert_close(logged["tags"], weights[1] * TAGS * entropy(output.classes[0], wanted))


def test_losses_of_the_generator_with_dragan(images: torch.Tensor, tags: torch.Tensor) -> None:
    training = build(objective="dragan")
    torch.manual_seed(1)
    wanted = drawn_tags(FACES, tags, 0.25)
    with torch.no_grad():
        output = training.networks["critic"](training.networks["generator"](torch.randn(6, 128), wanted))
    logged = updated(training, "generator", images, tags, images, tags)
    torch.testing.assert_close(logged["score"], TAGS * entropy(output.scores, torch.ones(6)))
    torch.testing.assert_close(logged["tags"], TAGS * entropy(output.classes[0], wanted))


def test_tags_are_drawn_one_of_each_attribute_and_others_by_their_probability() -> None:
    attributes = (
        Attribute("hair", ("red", "blue", "green")),
        Attribute("hat", ("hat",)),
        Attribute("eyes", ("a", "b")),
    )
    described = Description(size=32, kind="tags", attributes=attributes, incomplete=(True, True, False))
    torch.manual_seed(0)
    drawn = drawn_tags(described, torch.zeros(3000, 6, dtype=torch.float64), 0.25)
    assert drawn.dtype == torch.float64
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    for of_one in (drawn[:, :3], drawn[:, 4:]):
        assert bool((of_one.sum(dim=1) == 1).all())
    # Five standard deviations of a share of 3,000 are below 0.05.
    expected = torch.tensor([1 / 3, 1 / 3, 1 / 3, 0.25, 0.5, 0.5], dtype=torch.float64)
    assert float((drawn.mean(dim=0) - expected).abs().max()) < 0.05
    assert drawn_tags(described, torch.zeros(50, 6), 0.0)[:, 3].sum() == 0
    assert drawn_tags(described, torch.zeros(50, 6), 1.0)[:, 3].sum() == 50


@pytest.mark.parametrize(
    ("objective", "fake_tags", "drawn"),
    [("wgan_gp", "auto", False), ("dragan", "auto", True), ("wgan_gp", "drawn", True), ("dragan", "batch", False)],
)
def test_fakes_have_the_tags_of_the_batch_or_drawn_ones(
    objective: str, fake_tags: str, drawn: bool, images: torch.Tensor
) -> None:
    training = build(objective=objective, fake_tags=fake_tags, replay=0)
    nothing = torch.zeros(6, TAGS)
    same_images, same_tags, _, tags = prepared(training, images, nothing)
    assert same_images is images
    assert same_tags is nothing
    assert tags.sum(dim=1).tolist() == [2.0 if drawn else 0.0] * 6


def test_without_a_pool_the_critic_sees_new_pictures_with_their_tags(images: torch.Tensor, tags: torch.Tensor) -> None:
    training = build(replay=0)
    torch.manual_seed(8)
    with torch.no_grad():
        drawn = training.networks["generator"](torch.randn(6, 128), tags)
    torch.manual_seed(8)
    *_, fakes, fake_tags = prepared(training, images, tags)
    assert not fakes.requires_grad
    assert torch.equal(fakes, drawn)
    assert fake_tags is tags


def test_half_of_the_fakes_are_earlier_ones_with_their_tags(images: torch.Tensor) -> None:
    training = build(replay=12)
    replay = training.system.parts["replay"]
    assert isinstance(replay, gk.training.Replay)
    earlier: dict[bytes, int] = {}
    drawn: list[torch.Tensor] = []
    training.networks["generator"].register_forward_hook(lambda *given: drawn.append(given[2]))
    for number in range(6):
        tags = torch.zeros(6, TAGS)
        tags[:, number] = 1
        *_, fakes, fake_tags = prepared(training, images, tags)
        now = {one.numpy().tobytes(): number for one in drawn[-1]}
        found = [{**earlier, **now}[one.numpy().tobytes()] for one in fakes]  # in which round each was drawn
        assert fake_tags.argmax(dim=1).tolist() == found
        assert sum(one < number for one in found) == (3 if number else 0)
        earlier |= now
    assert len(replay) == 12


def test_the_generator_is_trained_on_new_pictures_alone(images: torch.Tensor, tags: torch.Tensor) -> None:
    results = [
        updated(training, "generator", images, tags, fakes, 1 - tags)
        for training, fakes in ((seeded(), images), (seeded(), torch.full_like(images, 0.5)))
    ]
    assert results[0] == results[1]


def seeded(**options: Any) -> Training:
    torch.manual_seed(6)
    return build(**options)


def test_the_pool_is_saved_with_the_run(images: torch.Tensor, tags: torch.Tensor) -> None:
    training, again = build(replay=8), build(replay=8)
    for _ in range(3):
        prepared(training, images, tags)
    again.load_state_dict(training.state_dict())
    mixed: list[torch.Tensor] = []
    for one in (training, again):
        torch.manual_seed(2)
        mixed.append(prepared(one, images, tags)[2])
    assert torch.equal(*mixed)
    torch.manual_seed(2)
    assert not torch.equal(prepared(build(replay=8), images, tags)[2], mixed[0])


def test_with_a_second_set_both_networks_see_which_set_a_picture_is_of(
    images: torch.Tensor, tags: torch.Tensor
) -> None:
    training = build(extra="somewhere", replay=0, objective="dragan")
    sets = torch.tensor([[0.0], [1.0], [1.0], [0.0], [1.0], [0.0]])
    joined = torch.cat([tags, sets], dim=1)
    *_, fake_tags = prepared(training, images, joined)
    assert torch.equal(fake_tags[:, TAGS:], sets)  # though the other tags are drawn
    assert fake_tags[:, :TAGS].sum(dim=1).tolist() == [2.0] * 6
    assert [head.shape for head in training.networks["critic"](images).classes] == [(6, TAGS + 1)]
    generator = training.networks["generator"].eval()
    latents = torch.randn(6, 128)
    assert not torch.equal(generator(latents, joined), generator(latents, torch.cat([tags, 1 - sets], dim=1)))
    assert set(training.play(0, iter([(images, joined)]))) >= {"critic/tags of fakes", "scores/real"}


def test_unknown_tags_cost_nothing_and_are_zeros_for_the_generator(images: torch.Tensor, tags: torch.Tensor) -> None:
    training = build(extra="somewhere", extra_labels=False, replay=0)
    tags[3:] = -1
    seen: list[torch.Tensor] = []
    training.networks["generator"].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[1]))
    *_, fakes, fake_tags = prepared(training, images, tags)
    assert torch.equal(seen[0], tags.clamp(min=0))
    with torch.no_grad():
        (logits,) = training.networks["critic"](images).classes
    logged = updated(training, "critic", images, tags, fakes, fake_tags)
    torch.testing.assert_close(logged["tags"], TAGS * entropy(logits[:3], tags[:3]) / 2)  # half of the batch has tags
    updated(training, "generator", images, tags, fakes, fake_tags)
    assert torch.equal(seen[-1], torch.cat([tags, tags]).clamp(min=0))


@pytest.mark.parametrize(("update", "network"), [("critic", "critic"), ("generator", "generator")])
def test_an_update_changes_the_weights_of_one_network(
    update: str, network: str, images: torch.Tensor, tags: torch.Tensor
) -> None:
    training = build()
    before = {name: [one.clone() for one in net.parameters()] for name, net in training.networks.items()}
    training.updates[update](images, tags, images.flip(0), tags)
    changed = {
        name
        for name, net in training.networks.items()
        if any(not torch.equal(old, new) for old, new in zip(before[name], net.parameters(), strict=True))
    }
    assert changed == {network}


@pytest.mark.parametrize("size", [8, 14, 32, 40, 48, 56, 64, 96, 128])
def test_other_sizes(size: int) -> None:
    training = assembled("srresnet_acgan", replace(FACES, size=size), width=2, blocks=1)
    pictures = training.networks["generator"](torch.randn(2, 128), torch.zeros(2, TAGS))
    assert pictures.shape == (2, 3, size, size)
    output = training.networks["critic"](pictures)
    assert output.scores.shape == (2,)
    assert [head.shape for head in output.classes] == [(2, TAGS)]


@pytest.mark.parametrize("pre_activation", [False, True])
@pytest.mark.parametrize(("size", "width"), [(64, 64), (64, 8), (32, 16), (32, 4)])
def test_the_critic_passes_its_signal_on_at_every_width(size: int, width: int, pre_activation: bool) -> None:
    """Scores and slopes of a new critic are of the order of 1, whatever its width."""
    torch.manual_seed(2)
    options = {"width": width, "blocks": 1, "pre_activation": pre_activation}
    critic = assembled("srresnet_acgan", replace(FACES, size=size), options=options).networks["critic"]
    images = (torch.rand(6, 3, size, size) * 2 - 1).requires_grad_()
    scores = critic(images).scores
    (slopes,) = torch.autograd.grad(scores.sum(), images)
    assert 0.2 < float(scores.detach().std()) < 20
    assert 0.5 < float(slopes.flatten(1).norm(dim=1).mean()) < 50


def test_width_and_blocks_set_the_size_of_the_networks() -> None:
    def numbers(**options: int) -> dict[str, int]:
        networks: dict[str, nn.Module] = dict(build(**options).networks)
        return {name: sum(one.numel() for one in network.parameters()) for name, network in networks.items()}

    plain, wide, deep = numbers(), numbers(width=8), numbers(blocks=3)
    assert all(wide[name] > plain[name] for name in plain)
    assert {name for name in plain if deep[name] != plain[name]} == {"generator"}

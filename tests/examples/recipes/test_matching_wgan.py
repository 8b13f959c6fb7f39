"""Report A: layers, prices, clip, schedule."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.recipes import assembled, batch, described, shapes
from torch import nn

import gankit as gk
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.systems import Training


def build(**options: Any) -> Training:
    return assembled("matching_wgan", described(), **{"width": 4, "projected": 5, "batch_size": 7, **options})


def whole() -> Training:
    return assembled("matching_wgan", described(size=96, features=2400, pictures=33_430))


def test_the_plan_is_the_reports() -> None:
    assert find_recipe("matching_wgan").steps == 55_000
    assert find_options("matching_wgan")().batch_size == 64
    assert find_options("matching_wgan")().clip == 0.01
    assert find_options("matching_wgan")().projected == 128


def test_networks_are_the_reports_layer_for_layer() -> None:
    training = whole()
    generator, critic = training.networks["generator"], training.networks["critic"]
    assert shapes(generator) == [
        ("Linear", (128, 2400)),
        ("Linear", (512 * 6 * 6, 228)),  # the same as a transposed convolution of kernel 6 over 1x1
        ("BatchNorm2d", (512,)),
        ("ConvTranspose2d", (512, 256, 4, 4)),
        ("BatchNorm2d", (256,)),
        ("ConvTranspose2d", (256, 128, 4, 4)),
        ("BatchNorm2d", (128,)),
        ("ConvTranspose2d", (128, 64, 4, 4)),
        ("BatchNorm2d", (64,)),
        ("ConvTranspose2d", (64, 3, 4, 4)),
    ]
    assert [type(one) for one in generator.modules() if not list(one.children())][-1] is nn.Sigmoid
    assert shapes(critic) == [
        ("Linear", (128, 2400)),
        ("Conv2d", (64, 3, 4, 4)),
        ("Conv2d", (128, 64, 4, 4)),
        ("BatchNorm2d", (128,)),
        ("Conv2d", (256, 128, 4, 4)),
        ("BatchNorm2d", (256,)),
        ("Conv2d", (512, 256, 4, 4)),
        ("BatchNorm2d", (512,)),
        ("Conv2d", (512, 640, 1, 1)),
        ("BatchNorm2d", (512,)),
        ("Linear", (1, 512 * 6 * 6)),
    ]
    activations = [one for one in critic.modules() if isinstance(one, nn.LeakyReLU)]
    assert [one.negative_slope for one in activations] == [0.2] * 6
    text = 2400 * 128 + 128
    drawn = 228 * 18_432 + (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) * 16 + 3 + 2 * (512 + 256 + 128 + 64)
    judged = (
        (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) * 16 + 64 + 640 * 512 + 18_432 + 1 + 2 * (128 + 256 + 512 + 512)
    )
    assert sum(one.numel() for one in generator.parameters()) == text + drawn
    assert sum(one.numel() for one in critic.parameters()) == text + judged


def test_pictures_in_0_to_1_go_with_a_generator_that_draws_in_0_to_1() -> None:
    """At the report's size: what the critic sees of black and white pictures, and of drawn ones."""
    training = assembled("matching_wgan", described(size=96), width=2, projected=3, batch_size=4, critic_steps=1)
    with torch.no_grad():
        for parameter in training.networks["generator"].parameters():
            parameter.mul_(300)  # so that a picture reaches both ends of its range
    seen: list[torch.Tensor] = []
    training.networks["critic"].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].detach()))
    images = torch.tensor([-1.0, 1.0, 1.0, -1.0])[:, None, None, None].expand(4, 3, 96, 96)
    training.updates["critic"](images, torch.randn(4, 11))
    real, mismatched, fake = seen
    assert real[:, 0, 0, 0].tolist() == [0.0, 1.0, 1.0, 0.0]
    assert set(mismatched.unique().tolist()) <= {0.0, 1.0}
    assert 0 <= float(fake.min()) < 0.01
    assert 0.99 < float(fake.max()) <= 1
    latents, texts = torch.randn(3, 100), torch.randn(3, 11)
    with torch.no_grad():
        shown = training.blueprint.draw(training.networks, latents, texts)
        drawn = training.networks["generator"](latents, texts)
    torch.testing.assert_close(shown, 2 * drawn - 1)  # the pipeline's range
    assert float(shown.min()) < -0.98


@pytest.mark.parametrize("size", [32, 48, 64])
def test_other_sizes(size: int) -> None:
    training = assembled("matching_wgan", described(size=size), width=2, projected=3, steps=1)
    drawn = training.blueprint.draw(training.networks, torch.randn(2, 100), torch.randn(2, 11))
    assert float(drawn.detach().min()) < 0
    assert drawn.shape == (2, 3, size, size)
    assert float(drawn.detach().abs().max()) <= 1


def test_optimizers_are_the_reports() -> None:
    training = build()
    for optimizer in (update.optimizer for update in training.updates.values()):
        assert isinstance(optimizer, torch.optim.RMSprop)
        assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["alpha"]) == (5e-5, 0.99)
    assert training.blueprint.latents is not None
    assert training.blueprint.latents(3, rng=None).shape == (3, 100)


@pytest.mark.parametrize(
    ("pictures", "rounds", "from_one", "updates"),
    [
        (32_000, 500, False, 3000),
        (32_000, 500, True, 3020),
        (33_430, 522, False, 3130),
        (33_430, 522, True, 3130),
        (9, 1, False, 25),
    ],
)
def test_every_epoch_has_its_bursts(pictures: int, rounds: int, from_one: bool, updates: int) -> None:
    description = described(pictures=pictures)
    schedule = assembled("matching_wgan", description, width=2, steps=1, count_from_one=from_one).system.schedule
    for epoch in range(3):
        played = [schedule(epoch * rounds + place) for place in range(rounds)]
        assert sum(one.critic for one in played) == updates
        assert {one.critic for one in played} <= {5, 25}
        assert {one.generator for one in played} == {1}
        assert not any(one.generator_first for one in played)
        if rounds == 500:
            assert [place for place, one in enumerate(played) if one.critic == 25] == [*range(25), *[499] * from_one]


def test_critic_updates_have_batches_of_their_own_or_share_that_of_the_round() -> None:
    options: dict[str, Any] = {"critic_steps": 2, "boosted_steps": 3}
    fresh, shared = build(**options), build(**options, round_batches="shared")
    assert fresh.system.fresh_batches
    assert fresh.system.shared is None
    assert not shared.system.fresh_batches
    assert shared.system.shared is shared.system.schedule


@pytest.mark.parametrize("text_first", [False, True])
def test_the_text_comes_after_the_noise_or_before(text_first: bool) -> None:
    training = build(text_first=text_first)
    generator = training.networks["generator"]
    joined: list[torch.Tensor] = []
    generator.get_submodule("stem").register_forward_pre_hook(lambda _module, inputs: joined.append(inputs[0].detach()))
    latents, texts = torch.randn(3, 100), torch.randn(3, 11)
    generator(latents, texts)
    parts = [latents, generator.get_submodule("embedder")(texts).detach()]
    assert torch.equal(joined[0], torch.cat(parts[::-1] if text_first else parts, dim=1))


def test_lengths_of_noise_and_text_are_logged() -> None:
    training = build()
    images, texts = batch()
    embedder = training.networks["generator"].get_submodule("embedder")
    length = embedder(texts).detach().square().sum(dim=1).sqrt().mean()
    torch.manual_seed(2)
    noise = torch.randn(7, 100).square().sum(dim=1).sqrt().mean()
    torch.manual_seed(2)
    logged = training.updates["generator"](images, texts)
    assert list(logged) == ["score", "inputs/noise", "inputs/text"]
    torch.testing.assert_close(logged["inputs/noise"], noise)
    torch.testing.assert_close(logged["inputs/text"], length)


@pytest.mark.parametrize("literal", [False, True])
def test_the_critics_cost_has_three_kinds_of_pairs(literal: bool) -> None:
    training = build(literal=literal)
    images, texts = batch()
    texts[[1, 4]] = texts[0].clone()
    seen: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
    training.networks["critic"].register_forward_hook(
        lambda _m, inputs, output: seen.append((*inputs, output.detach()))
    )
    logged = training.updates["critic"](images, texts)
    (real, _, r), (mismatched, _, w), (fake, _, f) = seen
    torch.testing.assert_close(real, (images + 1) / 2)
    weight = 1.0 if literal else 0.5
    torch.testing.assert_close(logged["score"], weight * w.mean() + weight * f.mean() - r.mean())
    assert list(logged) == [
        "score",
        *(f"{group}/{kind}" for group in ("scores", "accuracy") for kind in ("real", "mismatched", "fake")),
    ]
    torch.testing.assert_close(torch.stack(list(logged.values())[1:4]), torch.stack([r.mean(), w.mean(), f.mean()]))
    border = (r.mean() + f.mean()) / 2
    shares = [(r > border).float().mean(), (w < border).float().mean(), (f < border).float().mean()]
    torch.testing.assert_close(torch.stack(list(logged.values())[-3:]), torch.stack(shares))
    assert all(torch.equal(given, texts) for _, given, _ in seen)
    assert float(fake.min()) >= 0
    assert float(fake.max()) <= 1
    for row, picture in enumerate(mismatched):
        source = next(index for index in range(7) if torch.equal(picture, real[index]))
        assert not torch.equal(texts[source], texts[row])


def test_the_generators_cost_is_the_critics_score_of_what_it_draws() -> None:
    training = build()
    images, texts = batch()
    seen: list[torch.Tensor] = []
    training.networks["critic"].register_forward_hook(lambda _m, _i, output: seen.append(output.detach()))
    before = [one.clone() for one in training.networks["critic"].parameters()]
    logged = training.updates["generator"](images, texts)
    torch.testing.assert_close(logged["score"], -seen[0].mean())
    assert all(torch.equal(one, old) for one, old in zip(training.networks["critic"].parameters(), before, strict=True))


def test_every_weight_of_the_critic_is_clipped_and_no_buffer() -> None:
    training = build()
    training.updates["critic"](*batch())
    assert max(float(one.detach().abs().max()) for one in training.networks["critic"].parameters()) == pytest.approx(
        0.01
    )
    variances = [value for name, value in training.networks["critic"].named_buffers() if name.endswith("running_var")]
    assert all(float(value.max()) > 0.5 for value in variances)
    assert max(float(one.detach().abs().max()) for one in training.networks["generator"].parameters()) > 0.5


def test_norms_may_be_left_alone() -> None:
    training = build(clip_norms=False)
    training.updates["critic"](*batch())
    norms = [one for one in training.networks["critic"].modules() if isinstance(one, nn.BatchNorm2d)]
    assert all(float(one.weight.detach().min()) > 0.5 for one in norms)
    others = [one for one in training.networks["critic"].modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    assert max(float(one.weight.detach().abs().max()) for one in others) == pytest.approx(0.01)


@pytest.mark.parametrize("names", [("text_vectors",), ("skip_thoughts",)])
def test_the_encoder_is_an_option(names: tuple[str, ...], tmp_path: Path) -> None:
    options = find_options("matching_wgan")(**{names[0]: str(tmp_path / "none")})
    conditioning = find_recipe("matching_wgan").conditioning(options)
    with pytest.raises(ValueError, match="none"):
        conditioning.encode(torch.zeros(1, 2, dtype=torch.int64), described())


def test_the_shift_of_all_scores_costs_nothing_unless_literal() -> None:
    objective, scores = gk.losses.Wasserstein(), torch.randn(3, 7)
    for weight, slope in ((0.5, 0.0), (1.0, 1.0)):
        first, second = (
            gk.losses.matching_aware_critic_loss(
                objective, *(scores + shift), mismatched_weight=weight, fake_weight=weight, balanced=False
            )
            for shift in (0.0, 2.0)
        )
        torch.testing.assert_close(second - first, torch.tensor(2 * slope))

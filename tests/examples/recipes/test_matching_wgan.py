"""Report A: layers, prices, clip, schedule."""

from pathlib import Path

import pytest
import torch
from support.recipes import assembled, batch, described, shapes
from torch import nn

import gankit as gk
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.systems import Training


def build(*, literal: bool = False, clip_norms: bool = True) -> Training:
    options = {"width": 4, "projected": 5, "batch_size": 7, "literal": literal, "clip_norms": clip_norms}
    return assembled("matching_wgan", described(), options=options)


def whole() -> Training:
    return assembled("matching_wgan", described(size=96, features=2400, pictures=33_430))


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


@pytest.mark.parametrize(("pictures", "rounds", "updates"), [(32_000, 500, 3000), (33_430, 522, 3130), (9, 1, 25)])
def test_every_epoch_has_its_bursts(pictures: int, rounds: int, updates: int) -> None:
    schedule = assembled("matching_wgan", described(pictures=pictures), width=2, steps=1).system.schedule
    for epoch in range(3):
        played = [schedule(epoch * rounds + place) for place in range(rounds)]
        assert sum(one.critic for one in played) == updates
        assert {one.generator for one in played} == {1}
        assert not any(one.generator_first for one in played)


@pytest.mark.parametrize("literal", [False, True])
def test_the_critic_pays_for_three_kinds_of_pairs(literal: bool) -> None:
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
    assert list(logged) == ["score", "scores/real", "scores/mismatched", "scores/fake"]
    torch.testing.assert_close(torch.stack(list(logged.values())[1:]), torch.stack([r.mean(), w.mean(), f.mean()]))
    assert all(torch.equal(given, texts) for _, given, _ in seen)
    assert float(fake.min()) >= 0
    assert float(fake.max()) <= 1
    for row, picture in enumerate(mismatched):
        source = next(index for index in range(7) if torch.equal(picture, real[index]))
        assert not torch.equal(texts[source], texts[row])


def test_the_generator_pays_the_critics_score_of_what_it_draws() -> None:
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


def test_the_shift_of_all_scores_has_no_price_unless_literal() -> None:
    objective, scores = gk.losses.Wasserstein(), torch.randn(3, 7)
    for weight, slope in ((0.5, 0.0), (1.0, 1.0)):
        first, second = (
            gk.losses.matching_aware_critic_loss(
                objective, *(scores + shift), mismatched_weight=weight, fake_weight=weight, balanced=False
            )
            for shift in (0.0, 2.0)
        )
        torch.testing.assert_close(second - first, torch.tensor(2 * slope))

import numpy as np
import pytest
import scipy.fft
import torch
from support.recipes import FACES, assembled, prepared
from torch.nn import functional

import gankit as gk
from examples.anime_faces.data import FACE_ATTRIBUTES, Attribute
from examples.anime_faces.recipes.default.critics import DefaultCritic, Waves
from examples.anime_faces.recipes.default.networks import DefaultGenerator
from examples.anime_faces.recipes.default.terms import OPPONENT_COLORS
from examples.anime_faces.systems import Description, Training

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
    training = assembled("default", description, width=4, batch_size=4)
    counts = [len(attribute.classes) + missing for attribute, missing in zip(attributes, incomplete, strict=True)]
    labels = torch.stack([torch.randint(count, (4,)) for count in counts], dim=1) if counts else None
    images = torch.rand(4, 3, size, size) * 2 - 1
    logged = training.play(0, iter([(images, labels)]))
    assert training.blueprint.latents is not None
    generator = training.networks["generator"]
    drawn = generator(training.blueprint.latents(3, rng=None), None if labels is None else labels[:3])
    assert drawn.shape == (3, 3, size, size)
    assert float(drawn.detach().abs().max()) <= 1
    assert {"scores/real", "scores/fake", "critic/score", "critic/penalty", "generator/score"} <= logged.keys()


def test_the_last_class_may_be_unknown() -> None:
    description = Description(size=32, kind="tags", attributes=THREE[:1], incomplete=(True,))
    training = assembled("default", description, width=4, batch_size=4)
    generator = training.networks["generator"]
    generator(torch.randn(1, 64), torch.tensor([[2]]))
    with pytest.raises(ValueError, match="label"):
        generator(torch.randn(1, 64), torch.tensor([[3]]))


def tiny(steps: int = 100) -> Training:
    return assembled("default", FACES, steps=steps, width=4, batch_size=8)


def a_batch() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(8, 3, 32, 32) * 2 - 1, torch.randint(11, (2, 2)).repeat(4, 1)


def test_one_fake_batch_serves_both_networks() -> None:
    training = tiny()
    generator = training.networks["generator"]
    drawn: list[int] = []
    generator.register_forward_hook(lambda _module, inputs, _output: drawn.append(len(inputs[0])))
    inputs = prepared(training, *a_batch())
    before = [parameter.clone() for parameter in generator.parameters()]
    training.updates["critic/plain"](*inputs)
    assert all(torch.equal(old, new) for old, new in zip(before, generator.parameters(), strict=True))
    training.updates["generator"](*inputs)
    assert drawn == [8]
    assert any(not torch.equal(old, new) for old, new in zip(before, generator.parameters(), strict=True))
    training.play(60, iter([a_batch()]))
    assert drawn == [8, 8]


def test_the_penalty_comes_at_every_eighth_step_with_eight_times_its_weight() -> None:
    training = tiny()
    images, labels = a_batch()
    for step in range(17):
        points = images.clone().requires_grad_()
        (slope,) = torch.autograd.grad(training.networks["critic"](points, labels).scores.sum(), points)
        logged = training.play(step, iter([(images, labels)]))
        assert ("critic/penalty" in logged) == (step % 8 == 0)
        assert {"critic/score", "critic/classes", "scores/real", "scores/fake"} <= logged.keys()
        if "critic/penalty" in logged:
            expected = 0.5 * 0.3 * 8 * slope.square().sum((1, 2, 3)).mean()
            torch.testing.assert_close(logged["critic/penalty"], expected)
        assert not images.requires_grad


def test_both_networks_are_given_the_scores_of_details_with_their_weights() -> None:
    for weight in (0.5, 2.0):
        training = assembled("default", FACES, width=4, batch_size=8, detail_weight=weight)
        critic = training.networks["critic"]
        assert isinstance(critic, DefaultCritic)
        assert critic.details is not None
        images, labels, fakes = prepared(training, *a_batch())
        assert images is not None
        assert fakes is not None
        with torch.no_grad():
            real, fake = (critic.details(critic.details.waves(some), labels) for some in (images, fakes))
        of_generator = training.updates["generator"](images, labels, fakes)
        torch.testing.assert_close(of_generator["details"], weight * functional.softplus(-fake).mean())
        of_critic = training.updates["critic/plain"](images, labels, fakes)
        torch.testing.assert_close(
            of_critic["details"], functional.softplus(-real).mean() + functional.softplus(fake).mean()
        )


def test_waves_are_a_cosine_transform_of_blocks_amplified_by_frequency() -> None:
    images = torch.rand(2, 3, 8, 16, dtype=torch.float64)
    waves = Waves()(images).unflatten(1, (3, 15))
    cosines = np.asarray(scipy.fft.dctn(images.reshape(2, 3, 2, 4, 4, 4).numpy(), axes=(3, 5), norm="ortho"))
    for wave in range(1, 16):
        down, right = divmod(wave, 4)
        expected = (down**2 + right**2) ** 0.75 * cosines[:, :, :, down, :, right]
        torch.testing.assert_close(waves[:, :, wave - 1], torch.as_tensor(expected), atol=1e-6, rtol=1e-6)


def test_flat_pictures_have_no_waves_and_the_finest_pattern_only_the_highest() -> None:
    places = torch.arange(8)
    board = ((places[:, None] + places) % 2 * 2.0 - 1.0).expand(1, 3, 8, 8)
    assert float(Waves()(torch.full((1, 3, 8, 8), 0.7)).abs().max()) < 1e-6
    strengths = Waves()(board).abs().mean((0, 2, 3)).unflatten(0, (3, 15))
    assert (strengths.argmax(dim=1) == 14).all()


def test_a_second_critic_sees_details_alone_and_is_penalized_in_their_waves() -> None:
    training = tiny()
    critic = training.networks["critic"]
    assert isinstance(critic, DefaultCritic)
    assert critic.details is not None
    images, labels = a_batch()
    with torch.no_grad():
        pale = critic.details(critic.details.waves(images + 0.3), labels)
        torch.testing.assert_close(pale, critic.details(critic.details.waves(images), labels), atol=1e-4, rtol=1e-4)
    waves = critic.details.waves(images).requires_grad_()
    (slope,) = torch.autograd.grad(critic.details(waves, labels).sum(), waves)
    logged = training.play(0, iter([(images, labels)]))
    torch.testing.assert_close(logged["critic/detail_penalty"], 0.5 * 0.3 * 8 * slope.square().sum((1, 2, 3)).mean())
    assert {"critic/details", "generator/details"} <= logged.keys()
    assert "critic/detail_penalty" not in training.play(1, iter([a_batch()]))


def test_the_loss_of_details_is_weighed_for_the_generator_and_can_be_left_out() -> None:
    def logged(weight: float) -> tuple[dict[str, torch.Tensor], Training]:
        torch.manual_seed(0)
        training = assembled("default", FACES, width=4, batch_size=8, detail_weight=weight)
        torch.manual_seed(1)
        return training.play(0, iter([a_batch()])), training

    (once, _), (twice, _), (never, plain) = (logged(weight) for weight in (0.5, 1.0, 0.0))
    torch.testing.assert_close(2 * once["generator/details"], twice["generator/details"])
    assert {name for name in once if "detail" in name} == {
        *("critic/details", "critic/detail_penalty", "generator/details"),
    }
    assert not any("detail" in name for name in (*never, *plain.networks["critic"].state_dict()))


def test_the_colors_of_a_batch_are_compared_with_those_of_the_real_batch() -> None:
    training = assembled("default", FACES, width=4, batch_size=8, color_weight=20.0)
    images, labels = a_batch()
    inputs = prepared(training, images, labels)
    assert inputs[2] is not None
    fakes = inputs[2].detach()
    orthonormal = torch.tensor(OPPONENT_COLORS)
    torch.testing.assert_close(orthonormal @ orthonormal.T, torch.eye(3))
    real, fake = (
        torch.einsum("oc,nchw->nohw", orthonormal, one.unfold(2, 4, 4).unfold(3, 4, 4).mean((4, 5)))
        for one in (images, fakes)
    )
    expected = 20 * gk.losses.energy_distance_loss(real, fake)
    torch.testing.assert_close(training.updates["generator"](*inputs)["colors"], expected)
    plain = assembled("default", FACES, width=4, batch_size=8, color_weight=0.0)
    assert "generator/colors" not in plain.play(0, iter([a_batch()]))


def test_pictures_too_small_for_blocks_have_one_critic() -> None:
    for size, there in ((8, False), (12, False), (16, True), (20, True)):
        critic = DefaultCritic(size=size, classes=(2,), width=2, group=4)
        assert (critic.details is not None) == there
        critic(torch.zeros(4, 3, size, size), torch.zeros(4, 1, dtype=torch.int64))
        if critic.details is not None:
            assert critic.details(
                critic.details.waves(torch.zeros(4, 3, size, size)), torch.zeros(4, 1).long()
            ).shape == (4,)


def test_losses_are_weighed_as_said() -> None:
    training = tiny()
    training.networks["critic"].eval()
    images, labels = a_batch()
    inputs = prepared(training, images, labels)
    output = training.networks["critic"](images, labels)
    logged = training.updates["critic/plain"](*inputs)
    expected = sum(functional.cross_entropy(logits, labels[:, k]) for k, logits in enumerate(output.classes))
    torch.testing.assert_close(logged["classes"], torch.as_tensor(expected).detach())
    generator = training.updates["generator"](*inputs)
    assert 0.1 * 3 < float(generator["classes"]) < 0.1 * 8  # about log 12 + log 11, weighed by a tenth


def test_learning_rates_follow_the_step() -> None:
    training = tiny(steps=1000)
    rates = []
    for step in (0, 25, 50, 599, 800, 999):
        training.play(step, iter([a_batch()]))
        rates.append({name: update.optimizer.param_groups[0]["lr"] for name, update in training.updates.items()})
    expected = [0, 0.0005, 0.001, 0.001, 0.0005, 2e-5]
    assert [round(all_rates["generator"], 7) for all_rates in rates] == expected
    assert all(
        own == all_rates["generator"] / 2 for all_rates in rates for name, own in all_rates.items() if "critic" in name
    )


def test_the_critic_sees_the_deviation_within_a_condition() -> None:
    layers = [m for m in tiny().networks["critic"].modules() if isinstance(m, gk.blocks.MinibatchStandardDeviation)]
    assert [(one.group_size, one.features, one.epsilon) for one in layers] == [(4, 1, 1e-4)] * 2  # and that of details


def test_layouts_come_from_latents_alone() -> None:
    generator = tiny().networks["generator"]
    assert isinstance(generator, DefaultGenerator)
    assert generator.layout.in_features == 64


def test_batches_are_made_of_groups() -> None:
    assert tiny().system.group == 4

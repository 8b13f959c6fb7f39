"""Report C in its four forms, penalty or clip, corrected or literal: losses, optimizers, order, batches, what is logged."""

import math
from dataclasses import asdict, replace
from typing import Any
from unittest import mock

import pytest
import torch
from support.recipes import FACES, assembled
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.recipes import find_options, find_recipe, saved_options
from examples.anime_faces.recipes.tags_wgan_gp.recipe import rmsprop_of_tensorflow
from examples.anime_faces.systems import Training

FORMS = [("gp", False), ("gp", True), ("clip", False), ("clip", True)]
every_form = pytest.mark.parametrize(("constraint", "literal"), FORMS)
entropy = functional.binary_cross_entropy_with_logits


def build(*, literal: bool = False, **options: Any) -> Training:
    return assembled("tags_wgan_gp", FACES, **{"width": 4, "literal": literal, **options})


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(5, 3, 32, 32) * 2 - 1, torch.randint(2, (5, 23)).float()


def norms(training: Training, network: str) -> list[nn.Module]:
    kinds = nn.BatchNorm2d | nn.GroupNorm
    return [module for module in training.networks[network].modules() if isinstance(module, kinds)]


def drawn(training: Training, tags: torch.Tensor) -> torch.Tensor:
    """What the generator draws from the next numbers of the default generator."""
    with torch.no_grad():
        return training.networks["generator"](2 * torch.rand(len(tags), 100) - 1, tags)


def absolute(network: nn.Module) -> float:
    """The sum of absolute weights of convolutions and linear layers."""
    layers = [one for one in network.modules() if isinstance(one, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    return math.fsum(float(one.weight.detach().double().abs().sum()) for one in layers)


def largest(training: Training) -> float:
    return max(float(one.detach().abs().max()) for one in training.networks["critic"].parameters())


def test_the_plan_is_the_reports() -> None:
    assert find_recipe("tags_wgan_gp").steps == 10_000
    training = assembled("tags_wgan_gp", replace(FACES, size=64), steps=1)
    assert training.system.schedule(0) == training.system.schedule(9_999) == gk.schedules.Round(5)
    assert training.system.batch_size == 64
    assert build(batch_size=6).system.batch_size == 6


@pytest.mark.parametrize("literal", [False, True])
def test_with_a_penalty_both_networks_have_adam(literal: bool) -> None:
    training, other = build(literal=literal), build(literal=literal, learning_rate=3e-3)
    for name in ("critic", "generator"):
        optimizer = training.updates[name].optimizer
        assert type(optimizer) is torch.optim.Adam
        assert optimizer.param_groups[0]["lr"] == 1e-4
        assert optimizer.param_groups[0]["betas"] == (0.5, 0.9)
        assert other.updates[name].optimizer.param_groups[0]["lr"] == 3e-3
    assert training.players["critic"][""].side.before is None
    assert training.players["critic"][""].side.constraint is None


@pytest.mark.parametrize(("literal", "alpha", "eps", "square"), [(False, 0.99, 1e-8, None), (True, 0.9, 1e-10, 1.0)])
def test_with_clipped_weights_both_networks_have_rmsprop(
    literal: bool, alpha: float, eps: float, square: float | None
) -> None:
    training = build(literal=literal, constraint="clip")
    other = build(literal=literal, constraint="clip", learning_rate=3e-3)
    for name in ("critic", "generator"):
        optimizer = training.updates[name].optimizer
        assert type(optimizer) is torch.optim.RMSprop
        assert optimizer.param_groups[0]["lr"] == 5e-5
        assert optimizer.param_groups[0]["alpha"] == alpha
        assert optimizer.param_groups[0]["eps"] == eps
        assert (optimizer.param_groups[0]["momentum"], optimizer.param_groups[0]["centered"]) == (0, False)
        starts = {float(one["square_avg"].unique()) for one in optimizer.state.values()}
        assert starts == (set() if square is None else {square})
        assert other.updates[name].optimizer.param_groups[0]["lr"] == 3e-3


def test_rmsprop_of_tensorflow_begins_with_short_steps() -> None:
    weight = nn.Parameter(torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64))
    optimizer = rmsprop_of_tensorflow([weight], lr=0.1)
    square, expected = [1.0] * 3, weight.tolist()
    for _ in range(4):
        optimizer.zero_grad()
        (weight * torch.tensor([0.01, 0.5, -20.0])).sum().backward()
        optimizer.step()
        for place, slope in enumerate((0.01, 0.5, -20.0)):
            square[place] = 0.9 * square[place] + 0.1 * slope**2
            expected[place] -= 0.1 * slope / math.sqrt(square[place] + 1e-10)
        assert weight.tolist() == pytest.approx(expected, rel=1e-7)


def test_the_first_program_is_saved_and_goes_on(faces_batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    training, again = (build(literal=True, constraint="clip") for _ in range(2))
    training.play(0, iter([faces_batch] * 5))
    again.load_state_dict(training.state_dict())
    for one in (training, again):
        torch.manual_seed(3)
        one.play(1, iter([faces_batch] * 5))
    torch.testing.assert_close(again.state_dict(), training.state_dict(), rtol=0, atol=0)


@pytest.fixture
def faces_batch() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(8)
    return batch()


@every_form
@pytest.mark.parametrize(("critic", "generator", "first"), [(1, 5, False), (1, 5, True), (3, 1, True), (2, 1, False)])
def test_the_ratios_and_orders_of_the_report_are_played(
    critic: int, generator: int, first: bool, constraint: str, literal: bool
) -> None:
    turns: dict[str, Any] = {"critic_steps": critic, "generator_steps": generator, "generator_first": first}
    training = build(width=2, literal=literal, constraint=constraint, **turns)
    played: list[str] = []
    for name, update in training.updates.items():
        update.optimizer.register_step_post_hook(lambda *_, name=name: played.append(name))
    training.play(0, iter([batch()] * critic))
    of_both = ["generator"] * generator, ["critic"] * critic
    assert played == [*of_both[not first], *of_both[first]]


@every_form
def test_critic_updates_of_the_programs_share_a_batch(constraint: str, literal: bool) -> None:
    assert build(literal=literal, constraint=constraint).system.fresh_batches is not literal
    for chosen in ("fresh", "shared"):
        training = build(literal=literal, constraint=constraint, round_batches=chosen)
        assert training.system.fresh_batches is (chosen == "fresh")
        assert (training.system.shared is training.system.schedule) is (chosen == "shared")


def test_noise_is_uniform_in_minus_one_to_one() -> None:
    draw = build().blueprint.latents
    assert draw is not None
    latents = draw(200, rng=None)
    assert latents.shape == (200, 100)
    assert -1 <= float(latents.min()) < -0.99
    assert 0.99 < float(latents.max()) <= 1


@pytest.mark.parametrize("literal", [False, True])
def test_one_share_for_each_picture_or_for_the_batch(literal: bool) -> None:
    training = build(literal=literal)
    with mock.patch.object(gk.constraints, "gradient_penalty", wraps=gk.constraints.gradient_penalty) as penalty:
        training.updates["critic"](*batch())
    mix = penalty.call_args.kwargs.get("mix")
    if literal:
        assert mix is not None
        assert mix.shape == (5, 1, 1, 1)
        assert len(mix.unique()) == 1
    else:
        assert mix is None  # drawn for each picture by gankit


def penalty_of(training: Training, images: torch.Tensor, fakes: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
    """The penalty without its weight, from the next random numbers, by torch alone."""
    literal = isinstance(norms(training, "critic")[0], nn.BatchNorm2d)
    mix = torch.rand(1, 1, 1, 1) if literal else torch.rand(5, 1, 1, 1)
    points = (mix * images + (1 - mix) * fakes).requires_grad_()
    (slopes,) = torch.autograd.grad(training.networks["critic"](points, tags).sum(), points)
    return (slopes.flatten(1).norm(dim=1) - 1).square().mean()


@every_form
@pytest.mark.parametrize("weights", [{}, {"penalty_weight": 3.0, "l1_weight": 0.01}])
def test_losses(
    constraint: str, literal: bool, weights: dict[str, float], faces_batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    given = {name: one for name, one in weights.items() if name == "l1_weight" or constraint == "gp"}
    training = build(literal=literal, constraint=constraint, **given)
    images, tags = faces_batch
    generator, critic = (training.networks[name] for name in ("generator", "critic"))
    for network in (generator, critic):
        network.eval()  # so that batch norm gives the same scores again
    if constraint == "clip" and literal:
        gk.constraints.clip_weights_(critic, 0.01)
    torch.manual_seed(1)
    fakes = drawn(training, tags)
    real, fake = critic(images, tags).detach(), critic(fakes, tags).detach()
    expected = {"score": fake.mean() - real.mean()}  # the critic wants high scores of real pictures
    if literal:
        expected["score"] = entropy(real, torch.ones(5)) + entropy(fake, torch.zeros(5))
    if constraint == "gp":
        expected["penalty"] = given.get("penalty_weight", 10.0) * penalty_of(training, images, fakes, tags)
    l1 = given.get("l1_weight", 2.5e-5 if literal and constraint == "clip" else 0.0)
    if l1:
        expected["weights"] = torch.tensor(l1 * absolute(critic))
    expected |= {"scores/real": real.mean(), "scores/fake": fake.mean()}
    border = torch.zeros(()) if literal else (real.mean() + fake.mean()) / 2
    expected |= {"accuracy/real": (real > border).float().mean(), "accuracy/fake": (fake < border).float().mean()}
    torch.manual_seed(1)
    logged = training.updates["critic"](images, tags)
    assert list(logged) == list(expected)
    torch.testing.assert_close(logged, expected)

    torch.manual_seed(1)
    scored = critic(drawn(training, tags), tags).detach()
    # The generator wants high scores.
    expected = {"score": entropy(scored, torch.ones(5)) if literal else -scored.mean()}
    if l1:
        expected["weights"] = torch.tensor(l1 * absolute(generator))
    torch.manual_seed(1)
    logged = training.updates["generator"](images, tags)
    assert list(logged) == list(expected)
    torch.testing.assert_close(logged, expected)


@every_form
def test_the_generator_learns_to_raise_its_scores(
    constraint: str, literal: bool, faces_batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    training = build(literal=literal, constraint=constraint, learning_rate=1e-3)
    images, tags = faces_batch
    latents = 2 * torch.rand(5, 100) - 1

    def score() -> float:
        with torch.no_grad():
            return float(training.networks["critic"](training.networks["generator"](latents, tags), tags).mean())

    before = score()
    for _ in range(30):
        training.updates["generator"](images, tags)
    assert score() > before + 0.01


@pytest.mark.parametrize("literal", [False, True])
def test_absolute_weights_pull_weights_of_their_own_network_toward_zero(
    literal: bool, faces_batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """Against the same update without: gradients differ by the weight times the sign, and not in biases and shifts."""
    gradients: list[dict[str, torch.Tensor]] = []
    for weight in (0.0, 0.01):
        torch.manual_seed(5)
        training = build(literal=literal, constraint="clip", l1_weight=weight)
        found: dict[str, torch.Tensor] = {}
        signs = {
            (name, key): one.detach().clamp(-0.01, 0.01).sign()  # where clipping comes before, it keeps the signs
            for name, network in training.networks.items()
            for key, one in network.named_parameters()
        }
        for name in ("critic", "generator"):
            torch.manual_seed(6)
            training.updates[name](*faces_batch)
            for key, one in training.networks[name].named_parameters():
                assert one.grad is not None
                found[f"{name} {key}"] = one.grad.clone()
            training.updates[name].optimizer.zero_grad()
            for other in training.networks.values():
                assert all(one.grad is None for one in other.parameters())
        gradients.append(found)
    without, with_them = gradients
    for key, gradient in with_them.items():
        name, parameter = key.split(" ")
        expected = torch.zeros_like(gradient) if gradient.ndim == 1 else 0.01 * signs[name, parameter]
        if name == "critic":
            torch.testing.assert_close(gradient - without[key], expected, rtol=1e-4, atol=1e-6)
        else:
            assert float((gradient - without[key] - expected).abs().max()) < 2e-3


@pytest.mark.parametrize("literal", [False, True])
@pytest.mark.parametrize("when", ["auto", "before", "after"])
def test_weights_are_clipped_before_each_critic_update_or_after(
    literal: bool, when: str, faces_batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """The largest weight when the critic scores: twice in each of three updates, and in that of the generator."""
    training = build(literal=literal, constraint="clip", clip_when=when, critic_steps=3, learning_rate=1e-3)
    scored: list[float] = []
    training.networks["critic"].register_forward_pre_hook(lambda *_: scored.append(largest(training)))
    assert largest(training) > 0.05
    training.play(0, iter([faces_batch] * 3))
    *in_critic_updates, in_generator_update = scored
    assert len(in_critic_updates) == 6
    bound = pytest.approx(0.01)
    if when == "after" or (when == "auto" and not literal):
        assert in_critic_updates[0] > 0.05
        assert in_critic_updates[2:] == [bound] * 4
        assert in_generator_update == bound
    else:
        assert in_critic_updates == [bound] * 6
        assert 0.01001 < in_generator_update < 0.02
    assert largest(training) == in_generator_update


def test_the_bound_is_an_option(faces_batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    training = build(constraint="clip", clip=0.003, critic_steps=1)
    training.play(0, iter([faces_batch]))
    assert largest(training) == pytest.approx(0.003)


@every_form
def test_norms(constraint: str, literal: bool) -> None:
    training = build(literal=literal, constraint=constraint)
    layered = constraint == "gp" and not literal
    of_critic, of_generator = norms(training, "critic"), norms(training, "generator")
    assert {type(norm) for norm in of_critic} == {nn.GroupNorm if layered else nn.BatchNorm2d}
    for norm in of_generator if layered else [*of_critic, *of_generator]:
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.track_running_stats is not literal
        assert norm.weight is None  # no gain that a clip could make a hundred times smaller


def test_the_corrected_critic_treats_pictures_apart_under_a_penalty() -> None:
    training = build()
    images, tags = batch()
    alone = training.networks["critic"](images[:1], tags[:1])
    torch.testing.assert_close(training.networks["critic"](images, tags)[:1], alone)


def test_the_critic_sees_the_tags() -> None:
    training = build()
    images, tags = batch()
    assert not torch.allclose(training.networks["critic"](images, tags), training.networks["critic"](images, 1 - tags))


@every_form
def test_losses_are_measured_on_the_batch_that_comes_next(constraint: str, literal: bool) -> None:
    training = build(literal=literal, constraint=constraint, critic_steps=2, fresh_losses=True, l1_weight=0.5)
    (images, tags), other = batch(), batch()
    torch.manual_seed(4)
    fakes = drawn(training, tags)
    critic = training.networks["critic"]
    real, fake = critic(images, tags).detach(), critic(fakes, tags).detach()
    if literal:
        expected = entropy(real, torch.ones(5)) + entropy(fake, torch.zeros(5)), entropy(fake, torch.ones(5))
    else:
        expected = fake.mean() - real.mean(), -fake.mean()
    of_critic = expected[0] + (10 * penalty_of(training, images, fakes, tags) if constraint == "gp" else 0)
    torch.manual_seed(4)
    logged = training.play(0, iter([(images, tags), other]))
    torch.testing.assert_close(logged["fresh/critic"], of_critic)
    torch.testing.assert_close(logged["fresh/generator"], expected[1])
    assert {"critic/score", "generator/score", "scores/real"} < logged.keys()
    assert not any(name.startswith("fresh/") for name in build().play(0, iter([batch()] * 5)))


@every_form
def test_logging_fresh_losses_does_not_change_the_training(constraint: str, literal: bool) -> None:
    ends: list[dict[str, Any]] = []
    torch.manual_seed(1)
    batches = [batch() for _ in range(4)]
    for fresh_losses in (False, True):
        torch.manual_seed(2)
        training = build(literal=literal, constraint=constraint, critic_steps=2, fresh_losses=fresh_losses)
        given = iter(batches)
        for step in range(2):
            training.play(step, given)
        ends.append(training.state_dict())
    torch.testing.assert_close(ends[1], ends[0], rtol=0, atol=0)


@pytest.mark.parametrize("literal", [False, True])
def test_a_run_from_before_there_were_forms_goes_on_with_the_options_of_then(literal: bool) -> None:
    numbers = {"batch_size": 64, "width": 64, "learning_rate": 1e-4, "penalty_weight": 10.0, "critic_steps": 5}
    assert saved_options("tags_wgan_gp", {"literal": literal, **numbers}) == find_options("tags_wgan_gp")(
        literal=literal, joined="summed"
    )


def mixed_difference(critic: nn.Module) -> float:
    """How much more one picture gains by other tags than another one: 0 for a score of the picture plus one of the tags."""
    images = (torch.rand(2, 3, 32, 32) * 2 - 1).repeat_interleave(2, dim=0)
    tags = torch.eye(2, 23).repeat(2, 1)
    with torch.no_grad():
        scores = critic(images, tags).double()  # in one batch, since some norms take statistics of it
    return float((scores[0] - scores[1] - scores[2] + scores[3]).abs() / scores.std())


@every_form
def test_the_critic_compares_pictures_with_tags_but_not_that_of_the_report(constraint: str, literal: bool) -> None:
    def critic(**options: Any) -> nn.Module:
        torch.manual_seed(3)
        network = build(constraint=constraint, literal=literal, **options).networks["critic"].eval()
        with torch.no_grad():
            for one in network.parameters():
                one.add_(0.1 * torch.randn_like(one))
        return network

    assert mixed_difference(critic(joined="summed")) < 1e-4
    assert mixed_difference(critic(joined="compared")) > 1e-2
    kept, other = ("summed", "compared") if literal else ("compared", "summed")
    assert find_options("tags_wgan_gp")(constraint=constraint, literal=literal).joined == kept
    names = dict(critic().named_parameters()).keys()
    assert (
        names
        == dict(critic(joined=kept).named_parameters()).keys()
        != dict(critic(joined=other).named_parameters()).keys()
    )


@every_form
def test_options_are_saved_as_they_are_in_the_form_and_read_again(constraint: str, literal: bool) -> None:
    options = find_options("tags_wgan_gp")(constraint=constraint, literal=literal)
    missing = [name for name, value in asdict(options).items() if value == "auto"]
    assert missing == (["clip", "clip_when"] if constraint == "gp" else ["penalty_weight"])
    assert saved_options("tags_wgan_gp", asdict(options)) == options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip": 0.1}, "--clip is for --constraint clip, but that is gp: leave it out"),
        ({"clip_when": "before"}, "--clip-when is for --constraint clip, but that is gp"),
        ({"constraint": "clip", "penalty_weight": 10.0}, "--penalty-weight is for --constraint gp, but that is clip"),
        ({"constraint": "clip", "clip": 0.0}, "--clip must be above 0, but it is 0"),
        ({"l1_weight": -1.0}, r"--l1-weight must be 0 or more and finite, but it is -1\.0"),
        ({"generator_steps": 0}, "--generator-steps must be at least 1, but it is 0"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_options("tags_wgan_gp")(**options)

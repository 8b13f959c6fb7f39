from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

import gankit as gk
from benchmarks.toys.coverage import ring
from benchmarks.toys.networks import digit_critic, digit_generator, plane_critic, plane_generator
from benchmarks.toys.plane import GRID, RING
from benchmarks.toys.training import PAIRS, Arm, Course, non_saturating, regularized_pairs, train

REAL = torch.tensor([[1.0, 2.0], [0.5, -1.0], [-2.0, 0.3]], dtype=torch.float64)
FAKE = torch.tensor([[0.1, -0.4], [1.5, 0.7], [0.2, 0.9]], dtype=torch.float64)


def _bent(samples: torch.Tensor) -> torch.Tensor:
    """A critic whose gradient depends on where it is taken."""
    return (samples**3).sum(1, keepdim=True) + samples[:, :1] * samples[:, 1:]


def test_one_pass_gives_the_same_pairs_and_penalties_as_five() -> None:
    terms = regularized_pairs(gamma=0.7).critic_terms(_bent, REAL, FAKE)
    r1, r2 = (gk.constraints.zero_centered_penalty(_bent, samples) for samples in (REAL, FAKE))
    torch.testing.assert_close(terms["penalty"], 0.35 * r1 + 0.35 * r2)
    expected = gk.losses.paired_critic_loss(gk.losses.Logistic(), _bent(REAL), _bent(FAKE))
    torch.testing.assert_close(terms["loss"], expected)


def test_pairs_compare_the_generator_with_the_same_reals() -> None:
    fake = FAKE.clone().requires_grad_()
    terms = regularized_pairs(gamma=0.7).generator_terms(_bent, REAL, fake)
    expected = nn.functional.softplus(_bent(REAL) - _bent(FAKE)).mean()
    torch.testing.assert_close(terms["loss"], expected, check_dtype=False)
    assert list(terms) == ["loss"]


def test_the_plain_arm_is_the_original() -> None:
    arm, softplus = non_saturating(), nn.functional.softplus
    expected = (softplus(-_bent(REAL)) + softplus(_bent(FAKE))).mean()
    torch.testing.assert_close(arm.critic_terms(_bent, REAL, FAKE)["loss"], expected)
    torch.testing.assert_close(arm.generator_terms(_bent, REAL, FAKE)["loss"], softplus(-_bent(FAKE)).mean())


def _critic() -> nn.Module:
    """A critic without a last bias: pairs give that no gradient but rounding, which Adam would turn into steps."""
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1, bias=False))


def _linear_run(arm: Arm, course: Course) -> tuple[nn.Module, nn.Module, nn.Module]:
    torch.manual_seed(5)
    generator, critic = nn.Linear(2, 2), _critic()
    rng = torch.Generator().manual_seed(5)
    draw = partial(_normal, rng)
    averaged = train(arm, course, generator=generator, critic=critic, draw_real=draw, draw_latents=draw)
    return generator, critic, averaged


def _normal(rng: torch.Generator, count: int) -> torch.Tensor:
    return torch.randn(count, 2, generator=rng)


@pytest.mark.parametrize("arm", [non_saturating(), regularized_pairs(gamma=0.3)], ids=["plain", "pairs"])
def test_training_is_the_plain_loop(arm: Arm) -> None:
    course = Course(steps=5, batch=7, learning_rate=0.03)
    generator, critic, averaged = _linear_run(arm, course)
    torch.manual_seed(5)
    expected, judge = nn.Linear(2, 2), _critic()
    rng = torch.Generator().manual_seed(5)
    average = [parameter.detach().clone() for parameter in expected.parameters()]
    optimizers = [torch.optim.Adam(each.parameters(), lr=0.03, betas=(0.0, 0.99)) for each in (judge, expected)]
    for step in range(5):
        real, fake = torch.randn(7, 2, generator=rng), expected(torch.randn(7, 2, generator=rng))
        for optimizer, terms, shown in zip(
            optimizers, (arm.critic_terms, arm.generator_terms), (fake.detach(), fake), strict=True
        ):
            optimizer.param_groups[0]["lr"] = 0.03 * (1 - step / 5)
            optimizer.zero_grad()
            sum(terms(judge, real, shown).values(), torch.zeros(())).backward()
            optimizer.step()
        decay = min(0.999, (2 + step) / (11 + step))
        for kept, parameter in zip(average, expected.parameters(), strict=True):
            kept.lerp_(parameter.detach(), 1 - decay)
    for got, wanted in ((generator, expected), (critic, judge)):
        torch.testing.assert_close(list(got.parameters()), list(wanted.parameters()), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close([parameter.data for parameter in averaged.parameters()], average, rtol=1e-4, atol=1e-6)


def test_networks_have_the_stated_shapes() -> None:
    assert plane_generator(latent_features=3, width=5, layers=2)(torch.zeros(7, 3)).shape == (7, 2)
    critic = plane_critic(width=5, layers=3)
    assert critic(torch.zeros(7, 2)).shape == (7, 1)
    assert sum(isinstance(part, nn.Linear) for part in critic) == 4
    stacks = digit_generator(latent_features=3, width=2)(torch.randn(5, 3))
    assert stacks.shape == (5, 3, 8, 8)
    assert float(stacks.detach().abs().max()) <= 1
    assert digit_critic(width=2)(stacks).shape == (5, 1)


@pytest.mark.parametrize("toy", [RING, GRID], ids=lambda toy: toy.name)
def test_a_tiny_run_measures_its_samples_and_repeats_itself(toy) -> None:
    tiny = toy.quick()
    before = torch.get_rng_state()
    for arm in tiny.arms:
        figures = tiny.run(arm, 1)
        assert set(figures) == {"modes", "high_quality", "reverse_divergence"}
        assert 0 <= figures["modes"] <= len(toy.mixture().centers)
        assert figures == tiny.run(arm, 1)
    assert torch.equal(before, torch.get_rng_state())


def test_a_short_run_learns_an_easy_ring() -> None:
    course = replace(RING.course, steps=300, learning_rate=5e-3, decay=0.9)
    easy = replace(RING, mixture=partial(ring, modes=3, deviation=0.2), course=course, width=32, points=5_000)
    learned, untrained = easy.run(PAIRS, 0), replace(easy, course=replace(course, steps=1)).run(PAIRS, 0)
    assert learned["modes"] == 3
    assert learned["high_quality"] > 0.8
    assert learned["reverse_divergence"] < 0.1
    assert untrained["high_quality"] < 0.6

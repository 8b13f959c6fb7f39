import math
from typing import Any

import pytest
import torch

from benchmarks.toys import dirac, dirac_theory
from benchmarks.toys.dirac import GAMES, unpaired
from benchmarks.toys.dirac_toy import DIRAC, TURNS
from gankit.losses import Logistic, Wasserstein

SMOOTH = [name for name, game in GAMES.items() if game.theory.damping is not None]
PLAY: dict[str, Any] = {"start": (1.0, -1.0), "rate": 0.2}

# Where the authors' program ends after 500 steps of rate 0.2: simultaneous, alternating, 5 critic steps.
PUBLISHED = {
    "GAN": (3.097, 1.421, 1.845),
    "NSGAN": (0.640, 0.284, 0.139),
    "WGAN, clip 1": (1.002, 1.024, 0.917),
    "WGAN-GP, weight 0.7": (1.802, 1.221, 0.716),
    "GAN + R1, gamma 0.3": (2.6e-6, 2.3e-7, 9e-34),
    "GAN + R1, gamma 1": (9.5e-22, 7.5e-17, 5e-12),
    "NSGAN + R1, gamma 0.3": (2.2e-6, 1.5e-7, 4e-34),
}


def _largest(got: list[complex], expected: list[complex]) -> float:
    return max(abs(one - other) for one, other in zip(got, expected, strict=True))


@pytest.mark.parametrize("name", SMOOTH)
def test_eigenvalues_are_the_published_ones(name: str) -> None:
    expected = dirac_theory.eigenvalues(GAMES[name].theory)
    assert expected is not None
    assert _largest(dirac.eigenvalues_at_equilibrium(GAMES[name].arm), expected) < 1e-6


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GAN", [-0.5j, 0.5j]),
        ("NSGAN", [-0.5j, 0.5j]),
        ("WGAN, clip 1", [-1j, 1j]),
        ("GAN + R1, gamma 0.3", [-0.15 - 0.476970j, -0.15 + 0.476970j]),
        ("GAN + R1, gamma 1", [-0.5, -0.5]),
        ("GAN + R1, gamma 2", [-1.866025, -0.133975]),
        ("RpGAN + R1 + R2, gamma 0.3", [-0.3 - 0.4j, -0.3 + 0.4j]),
    ],
)
def test_eigenvalues_as_numbers(name: str, expected: list[complex]) -> None:
    assert _largest(dirac.eigenvalues_at_equilibrium(GAMES[name].arm), expected) < 1e-6


def test_eigenvalues_see_what_a_missing_half_would_do() -> None:
    doubled = dirac.eigenvalues_at_equilibrium(GAMES["GAN + R1, gamma 2"].arm)
    halved = dirac_theory.eigenvalues(GAMES["GAN + R1, gamma 1"].theory)
    assert halved is not None
    assert _largest(doubled, halved) > 0.3


@pytest.mark.parametrize("alternate", [False, True])
@pytest.mark.parametrize("name", SMOOTH)
def test_one_step_stretches_as_published(name: str, alternate: bool) -> None:
    game = GAMES[name]
    expected = dirac_theory.step_radius(game.theory, rate=0.2, alternate=alternate)
    assert dirac.step_radius(game.arm, rate=0.2, alternate=alternate) == pytest.approx(expected, abs=1e-6)


def test_simultaneous_steps_without_a_penalty_diverge_and_alternating_ones_circle() -> None:
    arm = GAMES["GAN"].arm
    assert dirac.step_radius(arm, rate=0.2, alternate=False) == pytest.approx(math.sqrt(1 + 0.2**2 / 4), abs=1e-9)
    assert dirac.step_radius(arm, rate=0.2, alternate=True) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("rate", "stable"), [(0.19, True), (0.21, False)])
def test_r1_is_stable_below_four_gamma(rate: float, stable: bool) -> None:
    gamma = 0.05
    theory = dirac_theory.saturating_theory(gamma)
    radius = dirac_theory.step_radius(theory, rate=rate, alternate=False)
    assert radius is not None
    assert radius == pytest.approx(math.sqrt(1 - rate * gamma + rate**2 / 4), abs=1e-12)
    assert (radius < 1) is stable


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("name", GAMES)
def test_trajectories_follow_the_formulas(name: str, turn: str) -> None:
    game = GAMES[name]
    play: dict[str, Any] = {**PLAY, "steps": 40, "critic_steps": TURNS[turn], "bound": game.bound}
    expected = dirac_theory.distance_after(game.theory, **play)
    assert dirac.distance_after(game.arm, **play) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_formulas_end_where_the_authors_program_does(name: str) -> None:
    game = GAMES[name]
    for published, critic_steps in zip(PUBLISHED[name], TURNS.values(), strict=True):
        got = dirac_theory.distance_after(game.theory, **PLAY, steps=500, critic_steps=critic_steps, bound=game.bound)
        # As many digits as the program's numbers are known with.
        assert got == pytest.approx(published, rel=0.002 if published > 0.1 else 0.08)


def test_r1_converges_and_wgan_gp_does_not() -> None:
    """Mescheder et al. 2018, sections 2 and 3, in numbers, with gankit's own terms."""
    play: dict[str, Any] = {**PLAY, "critic_steps": None, "bound": None}
    with_r1 = [dirac.distance_after(GAMES["GAN + R1, gamma 1"].arm, **play, steps=steps) for steps in (50, 150)]
    assert with_r1[0] < 0.1
    assert with_r1[1] < 1e-5
    with_target = [dirac.distance_after(GAMES["WGAN-GP, weight 0.7"].arm, **play, steps=steps) for steps in (50, 150)]
    assert min(with_target) > 0.5


def test_clipping_holds_the_critic() -> None:
    play: dict[str, Any] = {"start": (1.0, -5.0), "rate": 0.2, "steps": 1, "critic_steps": None}
    arm = unpaired(Wasserstein())
    free, clipped = (dirac.distance_after(arm, **play, bound=bound) for bound in (None, 0.5))
    assert free == pytest.approx(math.hypot(1 - 0.2 * 5, -5 - 0.2), abs=1e-12)
    assert clipped == pytest.approx(math.hypot(1 - 0.2 * 0.5, -0.5), abs=1e-12)


def test_the_field_is_that_of_the_losses() -> None:
    point = torch.tensor([0.7, -0.4], dtype=torch.float64, requires_grad=True)
    field = dirac.vector_field(unpaired(Logistic()), point)
    score = 0.7 * -0.4
    expected = [-0.4 / (1 + math.exp(score)), -0.7 / (1 + math.exp(-score))]
    torch.testing.assert_close(field, torch.tensor(expected, dtype=torch.float64))


def test_the_toy_says_what_converges() -> None:
    def distances(*ends: float) -> dict[str, Any]:
        return {"distances": {str(turn): [end, end] for turn, end in enumerate(ends)}}

    assert DIRAC.outcome(distances(1e-5, 1e-9)) is True
    assert DIRAC.outcome(distances(0.5, 3.0)) is False
    assert DIRAC.outcome(distances(1e-5, 3.0)) is None

"""Dirac-GAN as an experiment: every game by gankit and by formula."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.toys import dirac, dirac_theory
from benchmarks.toys.dirac_games import GAMES, Game

# Steps of the critic after each of the generator; None where both step at once.
TURNS: dict[str, int | None] = {"simultaneous": None, "alternating": 1, "5 critic steps": 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class DiracToy:
    """The games and how they are played.

    Attributes:
        start: The generator's weight and the critic's. The authors start at (1, 1), their critic having the other sign.
        rate: Learning rate of both sides.
        steps: Steps of a trajectory.
        near: A trajectory that ends nearer to the equilibrium than this has converged.
        far: One that ends farther away has not.
    """

    name: str = "dirac"
    start: tuple[float, float] = (1.0, -1.0)
    rate: float = 0.2
    steps: int = 500
    near: float = 1e-4
    far: float = 0.1
    drawn: bool = False

    @property
    def arms(self) -> Mapping[str, Game]:
        """Return the games by name."""
        return GAMES

    def protocol(self, arm: str) -> dict[str, object]:
        """Return all that a run depends on but its arm's name, as plain values."""
        del arm
        return asdict(self)

    def quick(self) -> "DiracToy":
        """Return the same with a few steps: does it run at all."""
        return replace(self, steps=5)

    def run(self, arm: str, seed: int) -> dict[str, Any]:
        """Return eigenvalues, radii of a step and lengths of trajectories, each by gankit and by formula. Nothing is drawn."""
        del seed
        game = GAMES[arm]
        expected = dirac_theory.eigenvalues(game.theory)
        figures: dict[str, Any] = {"distances": {name: self._distances(game, TURNS[name]) for name in TURNS}}
        if expected is not None:
            values = dirac.eigenvalues_at_equilibrium(game.arm)
            figures["eigenvalues"] = [_pairs(values), _pairs(expected)]
            figures["step_radii"] = {
                "simultaneous": self._step_radii(game, alternate=False),
                "alternating": self._step_radii(game, alternate=True),
            }
        return figures

    def outcome(self, figures: Mapping[str, Any]) -> bool | None:
        """Return whether all trajectories ended at the equilibrium, or all away from it; None where neither."""
        ends = [distance for distance, _ in figures["distances"].values()]
        if max(ends) < self.near:
            return True
        return False if min(ends) > self.far else None

    def _distances(self, game: Game, critic_steps: int | None) -> list[float]:
        play: dict[str, Any] = {
            "start": self.start,
            "rate": self.rate,
            "steps": self.steps,
            "critic_steps": critic_steps,
            "bound": game.bound,
        }
        return [dirac.distance_after(game.arm, **play), dirac_theory.distance_after(game.theory, **play)]

    def _step_radii(self, game: Game, *, alternate: bool) -> list[float | None]:
        return [
            dirac.step_radius(game.arm, rate=self.rate, alternate=alternate),
            dirac_theory.step_radius(game.theory, rate=self.rate, alternate=alternate),
        ]


def _pairs(values: list[complex]) -> list[list[float]]:
    return [[value.real, value.imag] for value in values]


DIRAC = DiracToy()

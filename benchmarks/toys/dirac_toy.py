"""Dirac-GAN as an experiment: every game by gankit and by formula, and its part of the page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.toys import dirac, dirac_theory
from benchmarks.toys.dirac import GAMES, Game
from benchmarks.toys.runs import Record
from benchmarks.toys.tables import short, table

# Steps of the critic after each of the generator; None if both step simultaneously.
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
        """Return everything that a run depends on except its arm's name, as plain values."""
        del arm
        return asdict(self)

    def quick(self) -> "DiracToy":
        """Return the same toy with a few steps, to see that it runs."""
        return replace(self, steps=5)

    def run(self, arm: str, seed: int) -> dict[str, Any]:
        """Return eigenvalues, radii of a step and lengths of trajectories, by gankit and by formula. Draws nothing."""
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
        """Return whether all trajectories ended at the equilibrium, or all away from it; None if neither."""
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


def dirac_section(toy: DiracToy, records: Sequence[Record]) -> list[str]:
    """Return what is played, the eigenvalues, and where trajectories end."""
    smooth = [record for record in records if "eigenvalues" in record.figures]
    game = (
        "One weight against one weight: the real sample is 0, the generated one is the generator's weight, the score is the "
        "critic's weight times the sample (Mescheder, Geiger and Nowozin 2018, section 2). Directions come from gankit's "
        "losses and penalties by autograd, in float64; the formulas are the paper's, written out without gankit. R1 and R2 "
        "have the factor gamma / 2. There is no randomness."
    )
    eigenvalues = (
        "Eigenvalues of the vector field's Jacobian at the equilibrium, how far they are from the formula, and the spectral "
        f"radius of a step with rate {toy.rate:g}: below 1 it converges, above 1 it diverges."
    )
    distances = (
        f"Distance from the equilibrium after {toy.steps} steps with rate {toy.rate:g} from {toy.start}, and how far it is "
        "from the formula's, relatively: simultaneous steps, alternating ones, and 5 of the critic for each of the generator. "
        f"*here* a game converges if all three end nearer than {toy.near:g}, and does not if all end farther than "
        f"{toy.far:g}; *published* is what the paper proves. WGAN-GP has no Jacobian at the equilibrium, where its penalty "
        "changes direction. In the plain non-saturating game the distance shrinks ever more slowly; its eigenvalues do not "
        "show this."
    )
    return [
        "## Dirac-GAN",
        "",
        game,
        "",
        eigenvalues,
        "",
        *table(
            ["game", "eigenvalues", "off by", "simultaneous step", "off by", "alternating step", "off by"],
            [_eigenvalue_row(record) for record in smooth],
        ),
        f"The largest difference of an eigenvalue is {max((_difference(record) for record in smooth), default=0.0):.1e}.",
        "",
        distances,
        "",
        *table(["game", *TURNS, "off by", "published", "here"], [_distance_row(toy, record) for record in records]),
    ]


def _eigenvalue_row(record: Record) -> list[str]:
    values, _ = record.figures["eigenvalues"]
    cells = [record.arm, ", ".join(_complex(*value) for value in values), f"{_difference(record):.0e}"]
    for got, expected in record.figures["step_radii"].values():
        cells += [f"{got:.6f}", f"{abs(got - expected):.0e}"]
    return cells


def _difference(record: Record) -> float:
    got, expected = record.figures["eigenvalues"]
    return max(abs(complex(*one) - complex(*other)) for one, other in zip(got, expected, strict=True))


def _distance_row(toy: DiracToy, record: Record) -> list[str]:
    distances: dict[str, Any] = record.figures["distances"]
    off = max(abs(got / expected - 1) for got, expected in distances.values())
    outcomes = (GAMES[record.arm].converges, toy.outcome(record.figures))
    words = [{True: "converges", False: "does not", None: "-"}[outcome] for outcome in outcomes]
    return [record.arm, *(short(got) for got, _ in distances.values()), f"{off:.0e}", *words]


def _complex(real: float, imaginary: float) -> str:
    size = f"{abs(imaginary):.6f}i"
    sign = "-" if imaginary < 0 else "+"
    return f"{real:.6f}" if abs(imaginary) < 1e-9 else f"{0.0 if abs(real) < 1e-12 else real:.6f} {sign} {size}"

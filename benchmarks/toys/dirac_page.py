"""The part of the page that checks arithmetic: Dirac-GAN."""

from collections.abc import Sequence
from typing import Any

from benchmarks.toys.dirac_games import GAMES
from benchmarks.toys.dirac_toy import TURNS, DiracToy
from benchmarks.toys.records import Record
from benchmarks.toys.tables import short, table


def dirac_section(toy: DiracToy, records: Sequence[Record]) -> list[str]:
    """Return what is played, the eigenvalues, and where trajectories end."""
    smooth = [record for record in records if "eigenvalues" in record.figures]
    game = (
        "One weight against one weight: the real sample is 0, the generated one is the generator's weight, the score is the "
        "critic's weight times the sample (Mescheder, Geiger and Nowozin 2018, section 2). Directions come from gankit's "
        "losses and penalties by autograd, in float64; the formulas are the paper's, written out without gankit. R1 and R2 "
        "have gamma / 2 before them. Nothing is drawn."
    )
    eigenvalues = (
        "Eigenvalues of the vector field's Jacobian at the equilibrium, how far they are from the formula, and the spectral "
        f"radius of a step with rate {toy.rate:g}: below 1 it converges, above 1 it diverges."
    )
    distances = (
        f"Distance from the equilibrium after {toy.steps} steps with rate {toy.rate:g} from {toy.start}, and how far it is "
        "from the formula's, relatively: simultaneous steps, alternating ones, and 5 of the critic for each of the generator. "
        f"*here* a game converges where all three end nearer than {toy.near:g}, and does not where all end farther than "
        f"{toy.far:g}; *published* is what the paper proves. WGAN-GP has no Jacobian at the equilibrium, where its penalty "
        "turns round. The plain non-saturating game shrinks ever more slowly, with eigenvalues that say nothing."
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

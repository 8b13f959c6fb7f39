"""Tables in Markdown, and the rows of published tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, and an empty one after it."""
    return [*(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)), ""]


def percent(share: float) -> str:
    """Return a share as percent, with one decimal."""
    return f"{100 * share:.1f} %"


def short(number: float | None) -> str:
    """Return four significant digits, as few as there are, or a dash for None."""
    return "-" if number is None else f"{number:.4g}"


def joined(words: Sequence[str]) -> str:
    """Return words with commas, and an "and" before the last."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


VEEGAN = "Srivastava et al. 2017 (VEEGAN), table 1"
PACGAN = "Lin et al. 2018 (PacGAN), table 1"
PACGAN_STACKS = "Lin et al. 2018 (PacGAN), table 2"


@dataclass(frozen=True, slots=True)
class Row:
    """A method's means over trials: modes, good samples in percent, reverse KL; None where the paper has no such column."""

    source: str
    method: str
    modes: float
    high_quality: float | None
    reverse_divergence: float | None


RING_ROWS = (
    Row(VEEGAN, "GAN", 1, 99.3, None),
    Row(VEEGAN, "ALI", 2.8, 0.13, None),
    Row(VEEGAN, "Unrolled GAN", 7.6, 35.6, None),
    Row(VEEGAN, "VEEGAN", 8, 52.9, None),
    Row(PACGAN, "GAN", 6.3, 98.2, 0.45),
    Row(PACGAN, "ALI", 6.6, 97.6, 0.36),
    Row(PACGAN, "PacGAN2", 7.9, 95.6, 0.07),
    Row(PACGAN, "PacGAN3", 7.8, 97.7, 0.10),
    Row(PACGAN, "PacGAN4", 7.8, 95.9, 0.07),
)
GRID_ROWS = (
    Row(VEEGAN, "GAN", 3.3, 0.5, None),
    Row(VEEGAN, "ALI", 15.8, 1.6, None),
    Row(VEEGAN, "Unrolled GAN", 23.6, 16, None),
    Row(VEEGAN, "VEEGAN", 24.6, 40, None),
    Row(PACGAN, "GAN", 17.3, 94.8, 0.70),
    Row(PACGAN, "ALI", 24.1, 95.7, 0.14),
    Row(PACGAN, "PacGAN2", 23.8, 91.3, 0.13),
    Row(PACGAN, "PacGAN3", 24.6, 94.2, 0.06),
    Row(PACGAN, "PacGAN4", 24.8, 93.6, 0.04),
)
STACK_ROWS = (
    Row(PACGAN_STACKS, "DCGAN", 99, None, 3.40),
    Row(PACGAN_STACKS, "VEEGAN", 150, None, 2.95),
    Row(PACGAN_STACKS, "PacDCGAN2", 1000, None, 0.06),
)

"""The pictures of the guide: sheets of samples, and curves of two runs that are readable on a light and on a dark page."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

COLUMNS, ROWS = 6, 3
WIDTH, HEIGHT = 480, 230
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 34, 40
FAILS, CURED, AXES = "#d9480f", "#3b7dd8", "#808088"
"""Colors with a contrast of at least 3 to white and to the dark page."""


def write_sheet(images: torch.Tensor, path: Path, *, rows: int = ROWS) -> None:
    """Write the first of uint8 pictures ``(n, 3, size, size)`` as a PNG of rows of six."""
    size = images.shape[-1]
    grid = images[: rows * COLUMNS].unflatten(0, (rows, COLUMNS)).permute(0, 3, 1, 4, 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(grid.reshape(rows * size, COLUMNS * size, 3).numpy()).save(path, optimize=True)


def curves(
    fails: Sequence[float], cured: Sequence[float], *, title: str, every: int, rounds: int, logarithmic: bool
) -> str:
    """Return an SVG of two curves.

    Args:
        fails: Values of the run that fails, one each `every` rounds; fewer than the other has where it broke off.
        cured: Values of the run with the cure.
        title: What is drawn.
        every: Rounds between two values.
        rounds: Length of the axis.
        logarithmic: Whether the axis of values is logarithmic; values must be above 0 then.
    """

    def scaled(value: float) -> float:
        return math.log10(max(value, 1e-12)) if logarithmic else value

    lines = [[scaled(value) for value in values] for values in (fails, cured)]
    low, high, marks = _axis([value for line in lines for value in line], logarithmic=logarithmic)

    def x(done: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * done / rounds

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="15">',
        f"<title>{title}: with the fault, and with the cure</title>",
        f'<text x="{LEFT}" y="18" fill="{AXES}">{title}</text>',
    ]
    for value, words in marks:
        parts.append(f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="{AXES}" stroke-opacity=".35"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 5:.1f}" fill="{AXES}" text-anchor="end">{words}</text>')
    for done, anchor in ((0, "start"), (rounds, "end")):
        words = f"{done:,} rounds" if done else "0"
        parts.append(f'<text x="{x(done):.0f}" y="{HEIGHT - 20}" fill="{AXES}" text-anchor="{anchor}">{words}</text>')
    for color, line, dashes in ((CURED, lines[1], ""), (FAILS, lines[0], ' stroke-dasharray="7 3"')):
        points = " ".join(f"{x(position * every):.1f},{y(value):.1f}" for position, value in enumerate(line))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"{dashes}/>')
    if len(fails) < len(cured):
        parts.append(
            f'<circle cx="{x((len(fails) - 1) * every):.1f}" cy="{y(lines[0][-1]):.1f}" r="5" fill="{FAILS}"/>'
        )
    middle = (LEFT + WIDTH) // 2
    parts.append(f'<text x="{middle - 70}" y="{HEIGHT - 3}" fill="{FAILS}">- - fails</text>')
    parts.append(f'<text x="{middle + 10}" y="{HEIGHT - 3}" fill="{CURED}">— with the cure</text>')
    return "\n".join([*parts, "</svg>", ""])


def _axis(values: Sequence[float], *, logarithmic: bool) -> tuple[float, float, list[tuple[float, str]]]:
    """Return the ends of an axis, and about four marks with their words."""
    low, high = min(values), max(values)
    if logarithmic:
        low, high = math.floor(low), max(math.ceil(high), math.floor(low) + 1)
        step = max(1, math.ceil((high - low) / 4))
        return low, high, [(mark, _power(mark)) for mark in range(low, high + 1, step)]
    high = max(high, low + 1e-6)
    spread = high - low
    step = next(
        one for one in (base * 10.0**power for power in range(-7, 40) for base in (1, 2, 5)) if spread / one <= 4
    )
    first, last = math.floor(low / step), math.ceil(high / step)
    return first * step, last * step, [(mark * step, f"{mark * step:.3g}") for mark in range(first, last + 1)]


def _power(exponent: int) -> str:
    return f"{10.0**exponent:g}" if -4 < exponent < 5 else f"1e{exponent}"

"""The picture of the loss curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from examples.anime_faces.files import written_whole
from examples.anime_faces.run._axis import SymmetricLog
from examples.anime_faces.run._folder import RunFolder
from examples.anime_faces.run._letters import displayed, font_file, write_legend
from examples.anime_faces.run._losses import Losses, read_losses, totals
from examples.anime_faces.run._record import read_log

COLORS = ("#4062bb", "#d1495b", "#2e933c", "#e08e1b", "#7b4bb7", "#2a9d9d", "#8a6d3b", "#6c757d")
MOST_LETTERS = 16  # of a line of a name beside a curve, which has two lines at most
MOST_POINTS = 600  # of a curve
FIRST_STEPS = 300  # are drawn one by one


def with_totals(averages: Mapping[str, float]) -> dict[str, float]:
    """Return a line's averages with the whole losses first; in lines of earlier versions, they are the sums of the averages.

    Example:
        >>> with_totals({"critic/score": 1.0, "critic/penalty": 0.5})["losses/critic"]
        1.5
        >>> with_totals({"critic/score": 1.0, "critic/penalty": 0.5, "losses/critic": 1.25})["losses/critic"]
        1.25
    """
    return {**totals(averages), **averages}


def series(lines: Sequence[Mapping[str, Any]]) -> dict[str, tuple[list[int], list[float]]]:
    """Return steps and running averages of each logged value, in the order of first appearance.

    What was measured on sample grids is there too, under names that begin with ``grid/``.
    """
    found: dict[str, tuple[list[int], list[float]]] = {}
    for line in lines:
        for name, value in {**with_totals(line["averages"]), **figures_of_grid(line)}.items():
            steps, values = found.setdefault(name, ([], []))
            steps.append(line["step"])
            values.append(value)
    return found


def figures_of_grid(line: Mapping[str, Any]) -> dict[str, float]:
    """Return what was measured on the sample grid of a line of the log; empty where there is none.

    Example:
        >>> figures_of_grid({"step": 20, "grid": {"variety, raw": 0.5}}), figures_of_grid({"step": 40})
        ({'grid/variety, raw': 0.5}, {})
    """
    return {f"grid/{name}": value for name, value in line.get("grid", {}).items()}


class Panel(NamedTuple):
    """One panel of the picture: its title, its curves by name, and whether its axis is logarithmic."""

    title: str
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    is_logarithmic: bool = False


def draw_curves(lines: Sequence[Mapping[str, Any]], path: Path, losses: Losses | None = None) -> None:
    """Draw the losses of both networks together and term by term, and the critic gap, as running averages over 100 steps.

    The losses of both networks are drawn once more on a logarithmic axis, and those of the first steps as they are.

    Args:
        lines: Lines of the log.
        path: The PNG to write; nothing is written while the log is empty.
        losses: The losses of every step. None: only the log is there.
    """
    found = series(lines)
    if found:
        draw_panels(_panels(found, losses), path)


def draw_panels(panels: Sequence[Panel], path: Path) -> None:
    """Draw panels below each other, with the steps along the axis."""
    # Loaded here, since matplotlib is slow to load; in this form it works without a display.
    from matplotlib.figure import Figure

    numbered: list[str] = []
    figure = Figure(figsize=(9, 2.6 * len(panels)), dpi=100)
    for index, panel in enumerate(panels):
        axes = figure.add_subplot(len(panels), 1, index + 1)
        names = list(panel.curves)
        for color, (steps, values) in zip(COLORS * len(names), panel.curves.values(), strict=False):
            marker = "o" if len(steps) == 1 else None  # a line of one point would not be seen
            axes.plot(steps, values, color=color, linewidth=1.4, marker=marker)
        title = panel.title
        if panel.is_logarithmic:
            every = [value for _, values in panel.curves.values() for value in values]
            axis = SymmetricLog.of(every)
            title = f"{title}: {axis.in_words(min(every))}"
            axes.set_yscale("symlog", linthresh=axis.linear)
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_title(title, loc="left", fontsize=10)
        axes.grid(color="#e4e6eb", linewidth=0.7)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.01)
        if len(names) > 1:
            _name_lines(axes, names, numbered)
        if index + 1 == len(panels):
            axes.set_xlabel("steps (running averages over 100)")
    figure.subplots_adjust(left=0.08, right=0.83, top=1 - 0.12 / len(panels), bottom=0.2 / len(panels), hspace=0.32)
    with written_whole(path) as temporary:
        figure.savefig(temporary, format="png")
    if numbered:
        write_legend(path.with_suffix(".legend.txt"), dict(enumerate(numbered, 1)))


def _name_lines(axes: Any, names: Sequence[str], numbered: list[str]) -> None:
    """Name the lines beside the axes, each in a font that has its letters; without one, the name goes to `numbered`."""
    from matplotlib.font_manager import FontProperties

    # Placeholders first: matplotlib reads dollar signs as formulas, and leaves out names that begin with an underscore.
    legend = axes.legend(axes.lines, ["-"] * len(names), frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.02))
    for entry, name in zip(legend.get_texts(), names, strict=True):
        text = displayed(name.split("/", 1)[-1])
        file = font_file(text)
        if file is None:
            numbered.append(name)
            text = f"[{len(numbered)}]"
        entry.set_parse_math(False)
        entry.set_text("\n".join(in_lines(text)))
        entry.set_fontproperties(FontProperties(fname=file or None, size=8))


def in_lines(text: str) -> list[str]:
    """Return a name in at most two lines, broken between words where there are any, and cut if it is longer.

    Example:
        >>> in_lines("use of noise, average of the weights"), in_lines("score"), in_lines("blue/penalty_of_the_critic")
        (['use of noise,', 'average of th...'], ['score'], ['blue/penalty_of_', 'the_critic'])
    """
    if len(text) <= MOST_LETTERS:
        return [text]
    first = text[: MOST_LETTERS + 1].rpartition(" ")[0] or text[:MOST_LETTERS]
    rest = text[len(first) :].removeprefix(" ")
    return [first, rest if len(rest) <= MOST_LETTERS else f"{rest[: MOST_LETTERS - 3]}..."]


def _panels(found: Mapping[str, tuple[Sequence[float], Sequence[float]]], losses: Losses | None) -> list[Panel]:
    """Group the values: losses of both networks, each one's terms, scores with their gap, and what the critic recognizes."""

    def chosen(*beginnings: str) -> dict[str, tuple[Sequence[float], Sequence[float]]]:
        return {name: curve for name, curve in found.items() if name.startswith(beginnings)}

    both, first = chosen("losses/"), {}
    if losses is not None:
        first = first_steps(losses)
        if losses.is_whole:
            both = {name: averaged_curve(losses, name) for name in losses.columns if name.startswith("losses/")}
    panels = [
        Panel("losses of both networks", both),
        Panel("losses of both networks", both, is_logarithmic=True),
        Panel(f"losses of the first {FIRST_STEPS} steps, not averaged", first),
        Panel("losses of both networks on pictures not used before", chosen("fresh/")),
        Panel("critic losses", chosen("critic/")),
        Panel("generator losses", chosen("generator/")),
        Panel("mean scores of the critic, and their gap", chosen("scores/", "critic gap")),
        Panel("share of pictures that the critic recognizes", chosen("accuracy/")),
        Panel("length of the gradients of all weights together", chosen("gradients/")),
        Panel("length of the weights that multiply the condition", chosen("weights/")),
        Panel("sample grids: variety beside real pictures, share of noise in it (not averaged)", chosen("grid/")),
    ]
    return [panel for panel in panels if panel.curves]


def averaged_curve(losses: Losses, name: str, most: int = MOST_POINTS) -> tuple[list[int], list[float]]:
    """Return steps and running averages of a loss, at `most` places at even distances with both ends.

    Args:
        losses: The losses of every step.
        name: Which one, such as ``losses/critic``.
        most: The greatest number of points.
    """
    steps, means = losses.averaged(name)
    places = np.unique(np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(np.int64))
    return steps[places].tolist(), means[places].tolist()


def loss_curves(folder: RunFolder) -> dict[str, tuple[list[int], list[float]]]:
    """Return the loss of each network of a run, ``"critic"`` and ``"generator"``, as running averages over 100 steps.

    They are of every step where the losses of every step were kept, and else of the steps of the log.
    """
    losses = read_losses(folder.raw_losses)
    if losses is None or not losses.is_whole:
        found = series(read_log(folder.log))
        return {name.removeprefix("losses/"): found[name] for name in found if name.startswith("losses/")}
    curves = {
        name.removeprefix("losses/"): losses.averaged(name) for name in losses.columns if name.startswith("losses/")
    }
    return {name: (steps.tolist(), means.tolist()) for name, (steps, means) in curves.items()}


def first_steps(losses: Losses) -> dict[str, tuple[list[int], list[float]]]:
    """Return the whole losses of the first steps as they are; empty where the losses do not begin with the first step."""
    if not losses.is_whole:
        return {}
    curves = {}
    for name in losses.columns:
        if name.startswith("losses/"):
            there = (losses.steps <= FIRST_STEPS) & ~np.isnan(losses.columns[name])
            curves[name] = losses.steps[there].tolist(), losses.columns[name][there].tolist()
    return curves

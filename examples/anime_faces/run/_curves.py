"""The picture of the loss curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from examples.anime_faces.files import written_whole
from examples.anime_faces.run._letters import displayed, font_file, write_legend

COLORS = ("#4062bb", "#d1495b", "#2e933c", "#e08e1b", "#7b4bb7", "#2a9d9d", "#8a6d3b", "#6c757d")
MOST_LETTERS = 16  # of a name beside a curve


def totals(values: Mapping[str, float]) -> dict[str, float]:
    """Return the whole loss of each network, the sum of its terms.

    The two are drawn together, as in report A. A step has only the last critic update of its round, so the critic has as many
    points as the generator, however often it is updated.

    Example:
        >>> totals({"critic/score": 1.0, "critic/penalty": 0.5, "generator/score": -2.0, "scores/real": 3.0})
        {'losses/critic': 1.5, 'losses/generator': -2.0}
    """
    sums: dict[str, float] = {}
    for network in ("critic", "generator"):
        terms = [value for name, value in values.items() if name.startswith(f"{network}/")]
        if terms:
            sums[f"losses/{network}"] = sum(terms)
    return sums


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
    """Return steps and running averages of each logged value, in the order of first appearance."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    for line in lines:
        for name, value in with_totals(line["averages"]).items():
            steps, values = found.setdefault(name, ([], []))
            steps.append(line["step"])
            values.append(value)
    return found


def draw_curves(lines: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the losses of both networks together and term by term, and the critic gap, as running averages over 100 steps.

    Args:
        lines: Lines of the log.
        path: The PNG to write; nothing is written while the log is empty.
    """
    found = series(lines)
    if not found:
        return
    # Loaded here, since matplotlib is slow to load; in this form it works without a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = _panels(found)
    numbered: list[str] = []
    figure = Figure(figsize=(9, 2.6 * len(panels)), dpi=100)
    FigureCanvasAgg(figure)
    for index, (title, names) in enumerate(panels):
        axes = figure.add_subplot(len(panels), 1, index + 1)
        for color, name in zip(COLORS * len(names), names, strict=False):
            steps, values = found[name]
            marker = "o" if len(steps) == 1 else None  # a line of one point would not be seen
            axes.plot(steps, values, color=color, linewidth=1.4, marker=marker)
        axes.set_title(title, loc="left", fontsize=10)
        axes.grid(visible=True, color="#e4e6eb", linewidth=0.7)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.01)
        if len(names) > 1:
            _name_lines(axes, names, numbered)
        if index + 1 == len(panels):
            axes.set_xlabel("steps (running averages over 100)")
    figure.subplots_adjust(left=0.07, right=0.83, top=1 - 0.12 / len(panels), bottom=0.2 / len(panels), hspace=0.32)
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
        entry.set_text(text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}...")
        entry.set_fontproperties(FontProperties(fname=file or None, size=8))


def _panels(found: Mapping[str, object]) -> list[tuple[str, list[str]]]:
    """Group the values: losses of both networks, each one's terms, scores with their gap, and what the critic recognizes."""
    groups = [
        ("losses of both networks", [name for name in found if name.startswith("losses/")]),
        ("critic losses", [name for name in found if name.startswith("critic/")]),
        ("generator losses", [name for name in found if name.startswith("generator/")]),
        (
            "mean scores of the critic, and their gap",
            [n for n in found if n.startswith("scores/") or n == "critic gap"],
        ),
        ("share of pictures that the critic recognizes", [name for name in found if name.startswith("accuracy/")]),
    ]
    return [(title, names) for title, names in groups if names]

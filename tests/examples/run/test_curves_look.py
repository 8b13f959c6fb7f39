"""Where everything stands in the picture of the curves, and how it looks."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from PIL import Image

from examples.anime_faces.run._curves import Panel, draw_panels

DEJAVU = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
TWO = {"critic/a": ([10, 20, 30], [0.5, 2.0, 1.0]), "critic/b": ([10, 30], [1.0, 0.25])}


@pytest.fixture
def figure_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Draw panels, and return the figure as it is saved."""
    from matplotlib.figure import Figure

    figures: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (figures.append(self), Path(path).touch()))

    def draw(*panels: Panel) -> Figure:
        draw_panels(panels, tmp_path / "curves.png")
        return figures[-1]

    return draw


@pytest.mark.parametrize("count", [1, 5])
def test_panels_fill_the_picture_and_all_words_are_in_it(figure_of: Any, count: int) -> None:
    long = {f"critic/{'wide name ' * 2}{number}": curve for number, curve in enumerate(TWO.values())}
    figure = figure_of(*(Panel(f"panel {number}", long) for number in range(count)))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()  # which places the label of the axis
    width, height = 900, 260 * count
    boxes = [axes.get_window_extent(renderer) for axes in figure.axes]
    assert height - 50 < boxes[0].y1
    assert boxes[-1].y0 < 80
    for box, axes in zip(boxes, figure.axes, strict=True):
        legend = axes.get_legend().get_window_extent(renderer)
        words = [axes.title, axes._left_title, axes.xaxis.label, *axes.get_legend().get_texts()]
        for one in [*(word.get_window_extent(renderer) for word in words if word.get_text()), legend]:
            assert 0 <= one.x0 < one.x1 <= width
            assert 0 <= one.y0 < one.y1 <= height
        assert box.x1 <= legend.x0
        assert box.y1 - 10 < legend.y1 < box.y1 + 15
    around = [axes.get_tightbbox(renderer) for axes in figure.axes]
    assert all(above.y0 >= below.y1 for above, below in pairwise(around))
    for above, below in pairwise(boxes):
        assert 0 < above.y0 - below.y1 < 0.5 * above.height


def test_curves_reach_from_edge_to_edge_over_pale_thin_lines(figure_of: Any) -> None:
    (axes,) = figure_of(Panel("a panel", TWO)).axes
    low, high = axes.get_xlim()
    assert 9.5 < low < 10
    assert 30 < high < 30.5
    for grid_line in [*axes.get_xgridlines(), *axes.get_ygridlines()]:
        assert grid_line.get_visible()
        assert min(to_rgb(grid_line.get_color())) > 0.8
        assert grid_line.get_linewidth() < 0.8 < axes.lines[0].get_linewidth() < 1.5
    assert {side: spine.get_visible() for side, spine in axes.spines.items()} == {
        "left": True,
        "bottom": True,
        "top": False,
        "right": False,
    }


def test_settings_of_a_user_for_figures_do_not_change_its_size(tmp_path: Path) -> None:
    with mpl.rc_context({"figure.dpi": 50, "savefig.dpi": "figure", "figure.figsize": (3, 3)}):
        draw_panels([Panel("a panel", TWO)], tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size == (900, 260)


def test_a_title_is_larger_than_names_and_not_larger_than_the_label_of_the_axis(figure_of: Any) -> None:
    (axes,) = figure_of(Panel("a panel", TWO)).axes
    names = [text.get_fontsize() for text in axes.get_legend().get_texts()]
    assert max(names) < axes._left_title.get_fontsize() <= axes.xaxis.label.get_fontsize()
    assert not axes.get_legend().get_frame_on()


def test_a_logarithmic_panel_has_plain_numbers_and_says_where_it_is_linear(figure_of: Any) -> None:
    curves = {"losses/a": ([1, 2, 3], [-40.0, 0.5, 2000.0]), "losses/b": ([1, 2, 3], [30.0, 0.5, 0.5])}
    (axes,) = figure_of(Panel("losses", curves, is_logarithmic=True)).axes
    assert axes.get_title(loc="left") == "losses: logarithmic axis, linear between -0.1 and 0.1"
    assert axes.yaxis.get_transform().linthresh == pytest.approx(0.1)
    plain = axes.yaxis.get_major_formatter()
    assert [plain(value, None) for value in (-10.0, 0.0, 0.1, 1000.0)] == ["-10", "0", "0.1", "1000"]


def test_a_curve_alone_has_no_name_beside_it(figure_of: Any) -> None:
    (axes,) = figure_of(Panel("weights", {"weights/condition of critic": ([1, 2], [3.0, 4.0])})).axes
    assert axes.get_legend() is None
    assert [list(line.get_ydata()) for line in axes.lines] == [[3.0, 4.0]]


def test_names_have_no_group_and_the_font_of_their_letters(figure_of: Any) -> None:
    names = ["critic gap", "scores/real in color", "scores/café", "scores/a/b"]
    (axes,) = figure_of(Panel("scores", dict.fromkeys(names, ([1, 2], [1.0, 2.0])))).axes
    texts = axes.get_legend().get_texts()
    assert [text.get_text() for text in texts] == ["critic gap", "real in color", "café", "a/b"]
    assert [text.get_fontproperties().get_file() for text in texts] == [None, None, DEJAVU, None]
    assert not any(text.get_parse_math() for text in texts)

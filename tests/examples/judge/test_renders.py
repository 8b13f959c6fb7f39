"""Fresh renders: pure functions of seed, place and what was asked."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from examples.anime_faces.data import _rendered
from examples.anime_faces.data.render import Knobs, face_from_seed, render
from examples.anime_faces.judge import fresh_factors, render_fresh


def test_shows_what_was_asked_and_says_what_it_shows():
    pairs = [(8, 9), (0, 0), (11, 10)]
    renders = render_fresh(pairs, seed=3)
    assert len(renders) == 3
    assert renders.images.shape == (3, 3, 64, 64)
    assert renders.images.dtype == torch.uint8
    assert list(zip(renders.factors["hair"], renders.factors["eyes"], strict=True)) == pairs
    assert {len(values) for values in renders.factors.values()} == {3}


def test_what_renders_show_is_known_without_rendering():
    pairs, knobs = [(8, 9), (0, 0), (11, 10)], Knobs(glasses_rate=0.5)
    renders, known = render_fresh(pairs, seed=3, knobs=knobs), fresh_factors(pairs, seed=3, knobs=knobs)
    assert known.keys() == renders.factors.keys()
    assert all(np.array_equal(known[name], renders.factors[name]) for name in known)
    assert fresh_factors([], seed=3, knobs=knobs) == {}


def test_depends_on_seed_and_place_alone():
    first, second = render_fresh(5, seed=1), render_fresh(7, seed=1)
    assert torch.equal(first.images, second.images[:5])
    assert not torch.equal(first.images, render_fresh(5, seed=2).images)


def test_color_changes_nothing_else():
    first, second = render_fresh([(0, 0)] * 4, seed=1), render_fresh([(5, 7)] * 4, seed=1)
    for name in first.factors.keys() - {"hair", "eyes"}:
        np.testing.assert_array_equal(first.factors[name], second.factors[name])


def test_is_no_data_set_of_the_same_seed():
    ours = render_fresh(3, seed=0).images
    theirs = torch.stack([torch.tensor(render(face_from_seed(0, index))).permute(2, 0, 1) for index in range(3)])
    assert (ours != theirs).flatten(1).any(dim=1).all()


def test_withheld_pairs_are_drawn_only_where_they_are_asked():
    knobs = Knobs(withheld_pairs=tuple((hair, eyes) for hair in range(12) for eyes in range(1, 11)))
    drawn = render_fresh(20, seed=0, knobs=knobs)
    assert set(drawn.factors["eyes"]) == {0}
    assert list(render_fresh([(3, 4)], seed=0, knobs=knobs).factors["eyes"]) == [4]


def test_several_processes_draw_the_same(monkeypatch: pytest.MonkeyPatch):
    alone, *together = (render_fresh(67, seed=0, size=32, workers=workers) for workers in (0, 1, 2))
    assert all(torch.equal(alone.images, other.images) for other in together)
    monkeypatch.setattr(_rendered, "_WORTH_PROCESSES", 60)
    assert torch.equal(alone.images, render_fresh(67, seed=0, size=32).images)


def test_the_processes_load_no_torch():
    program = "import sys, examples.anime_faces.data; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_none_is_an_empty_set():
    assert len(render_fresh([], seed=0)) == 0


@pytest.mark.parametrize("workers", [0, 2])
def test_ends_where_it_is_enough(workers: int):
    asked: list[int] = []

    def enough(done: int) -> bool:
        asked.append(done)
        return len(asked) == 2

    some = render_fresh(200, seed=1, size=32, workers=workers, enough=enough)
    assert len(some) == asked[-1] == 2 * asked[0] < 200
    assert len(some.factors["hair"]) == len(some)
    assert torch.equal(some.images, render_fresh(200, seed=1, size=32, workers=0).images[: len(some)])

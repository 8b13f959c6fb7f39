from collections import Counter
from pathlib import Path

import pytest

from examples.anime_faces.commands.demo import Demo, withheld_pairs


def test_withheld_pairs_leave_every_color_in_training() -> None:
    pairs = withheld_pairs()
    assert len(set(pairs)) == 12
    assert Counter(hair for hair, _ in pairs) == dict.fromkeys(range(12), 1)
    eyes = Counter(eyes for _, eyes in pairs)
    assert set(eyes) == set(range(11))
    assert max(eyes.values()) == 2


@pytest.mark.slow
def test_the_demo_does_everything_and_repeats_nothing(tmp_path: Path) -> None:
    demo = Demo(out=tmp_path / "demo", minutes=0.1, count=240, samples=264)
    demo.run()
    names = {path.name for path in demo.out.iterdir()}
    assert {"samples.png", "losses.png", "report.html", "metrics.json", "checkpoints", "grids", "data"} <= names
    written = {
        path: path.stat().st_mtime_ns for path in demo.out.rglob("*.*") if path.suffix in (".pt", ".npy", ".json")
    }
    demo.run()
    assert {path: path.stat().st_mtime_ns for path in written} == written
    assert "withheld" in (demo.out / "report.html").read_text(encoding="utf-8")

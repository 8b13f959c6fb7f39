from pathlib import Path

from examples.anime_faces.report._evidence import MOST_GRIDS, grids_of


def test_many_grids_are_thinned_with_both_ends_kept(tmp_path: Path) -> None:
    for step in range(0, 3000, 10):
        (tmp_path / f"step-{step:07d}.png").touch()
    steps = [step for step, _ in grids_of(tmp_path)]
    assert len(steps) == MOST_GRIDS
    assert steps[0] == 0
    assert steps[-1] == 2990
    assert steps == sorted(set(steps))

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

pytest.importorskip("sklearn", reason="scikit-learn holds the digits and their judge")

from benchmarks.toys.__main__ import TOYS, main
from benchmarks.toys.digits import DIGITS, digit_images, distance_to_digits, draw_stacks, judge, stack_figures
from benchmarks.toys.page import Toy, write_page
from benchmarks.toys.plane import RING
from benchmarks.toys.runs import Record, make_record
from benchmarks.toys.sampling_page import plane_section
from benchmarks.toys.training import PAIRS, PLAIN


def test_digits_are_the_real_ones() -> None:
    images, classes = digit_images()
    assert images.shape == (1797, 8, 8)
    assert (float(images.min()), float(images.max())) == (-1.0, 1.0)
    assert torch.bincount(classes).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_the_judge_is_right() -> None:
    assert 0.98 < judge().accuracy < 1


def test_stacks_are_digits_drawn_apart() -> None:
    images, _ = digit_images()
    stacks = draw_stacks(images, 11, torch.Generator().manual_seed(0))
    assert stacks.shape == (11, 3, 8, 8)
    assert all((images == channel).flatten(1).all(1).any() for channel in stacks.flatten(0, 1))


def test_modes_are_read_as_numbers_of_three_digits() -> None:
    images, classes = digit_images()
    first_of = [int((classes == digit).nonzero()[0]) for digit in range(10)]
    stacks = images[
        torch.tensor([[first_of[digit] for digit in digits] for digits in ((1, 2, 3), (0, 0, 7), (1, 2, 3))])
    ]
    counts = judge().mode_counts(stacks)
    assert counts.shape == (1000,)
    assert {int(mode): int(counts[mode]) for mode in counts.nonzero()[:, 0]} == {123: 2, 7: 1}
    figures = stack_figures(stacks)
    assert figures["modes"] == 2
    assert figures["reverse_divergence"] == pytest.approx(
        2 / 3 * math.log(2000 / 3) + 1 / 3 * math.log(1000 / 3), abs=1e-9
    )


def test_the_distance_is_to_the_nearest_digit_that_is_another() -> None:
    images, _ = digit_images()
    shifted = images[:3].clone()
    shifted[:, 0, 0] -= 0.5  # that pixel is black in every digit, so that the nearest one is the same digit unshifted
    assert float(images[:, 0, 0].max()) == -1.0
    assert distance_to_digits(shifted[None]) == pytest.approx(0.5, abs=1e-6)
    flat = images.flatten(1).double()
    others = torch.cdist(flat[:6], flat)
    others[torch.arange(6), torch.arange(6)] = math.inf
    expected = float(others.min(1).values.mean())
    assert distance_to_digits(images[:6].reshape(2, 3, 8, 8)) == pytest.approx(expected, rel=1e-5)


def test_real_digits_are_the_floor_and_noise_is_far_from_it() -> None:
    references = replace(DIGITS, samples=5_000).references()
    real, noise = references["real digits"], references["uniform noise"]
    # (K - 1) / 2N for even modes; the digits are not quite even.
    assert 999 / 10_000 < real["reverse_divergence"] < 0.15
    assert real["modes"] > 980
    assert noise["modes"] < 500
    assert noise["distance"] > 2 * real["distance"]
    assert noise["reverse_divergence"] > 10 * real["reverse_divergence"]


def test_a_tiny_run_judges_its_samples() -> None:
    tiny = DIGITS.quick()
    for arm in tiny.arms:
        figures = tiny.run(arm, 0)
        assert 1 <= figures["modes"] <= tiny.samples
        assert figures == tiny.run(arm, 0)


def test_the_page_of_tiny_runs() -> None:
    sections: dict[Toy, list[Record]] = {}
    for toy in (each.quick() for each in TOYS.values()):
        sections[toy] = [
            make_record(toy.name, arm, 0, protocol=toy.protocol(arm), figures=toy.run(arm, 0), seconds=60.0)
            for arm in toy.arms
        ]
    page = write_page(sections)
    runs = sum(len(records) for records in sections.values())
    assert f"{runs} runs that took {runs} minutes" in page
    assert torch.__version__ in page
    for heading in ("## Ring of 8 Gaussians", "## Grid of 25 Gaussians", "## Dirac-GAN", "## Stacked digits"):
        assert heading in page
    assert "-0.150000 + 0.476970i" in page
    assert "\n\n\n" not in page


@pytest.mark.slow
def test_all_toys_run_from_the_command_line_and_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    main(["--quick", "--seeds", "1", "--workers", "1", "--out", str(tmp_path)])
    page = (tmp_path / "toys.md").read_text(encoding="utf-8")
    runs = sum(len(toy.arms) for toy in TOYS.values())
    assert len(list((tmp_path / "toys").iterdir())) == runs
    assert f"{runs} runs" in page
    assert torch.__version__ in page
    for heading in ("## Ring of 8", "## Grid of 25", "## Dirac-GAN", "## Stacked digits"):
        assert heading in page
    capsys.readouterr()
    gone = next((tmp_path / "toys").glob("ring-rpgan*"))
    gone.unlink()
    main(["--quick", "--seeds", "1", "--workers", "1", "--out", str(tmp_path), "--only", "ring"])
    assert capsys.readouterr().out.splitlines()[0].startswith(f"ring, {PAIRS}, seed 0:")
    assert gone.exists()


def test_a_section_says_who_reaches_the_bar() -> None:
    def record(arm: str, seed: int, divergence: float):
        figures = {"modes": 8, "high_quality": 0.9, "reverse_divergence": divergence}
        return make_record("ring", arm, seed, protocol=RING.protocol(arm), figures=figures, seconds=40.0)

    records = [record(PAIRS, 0, 0.002), record(PAIRS, 1, 0.003), record(PLAIN, 0, 0.2), record(PLAIN, 1, 0.001)]
    lines = plane_section(RING, records)
    assert f"- **{PAIRS}** reaches it: 2 of 2 seeds miss nothing." in lines
    assert f"- **{PLAIN}** misses it: 1 of 2 seeds miss nothing." in lines
    assert f"| {PLAIN} | 0 | 8 of 8 | 90.0 % | 0.2000 | reverse KL | 40 s |" in lines
    assert any("PacGAN4" in line and "95.9 %" in line for line in lines)

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from examples.anime_faces.commands._minutes import Minutes
from examples.anime_faces.commands.demo import Demo, sheet_rows, withheld_pairs
from examples.anime_faces.data import Dataset, Fit, write_rendered
from examples.anime_faces.data.render import face_from_seed, render
from examples.anime_faces.report import LivePage


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


def test_sheet_rows_show_every_class_of_one_attribute_and_nothing_without_labels() -> None:
    assert sheet_rows([]) == []
    assert sheet_rows([30]) == [(row,) for row in range(12)]
    hair, eyes = zip(*sheet_rows([12, 11]), strict=True)
    assert set(hair) == set(range(12))
    assert set(eyes) == set(range(11))


@pytest.mark.slow
def test_one_command_goes_from_folders_of_pictures_to_samples(tmp_path: Path) -> None:
    for name in ("cats", "dogs", "owls"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for index in range(20):
            Image.fromarray(render(face_from_seed(len(name), index), 48)).save(
                tmp_path / "mine" / name / f"{index}.png"
            )
    demo = Demo(out=tmp_path / "run", images=tmp_path / "mine", minutes=0.1, size=32, samples=132)
    demo.run()
    assert Dataset.open(demo.out / "data").attributes[0].classes == ("cats", "dogs", "owls")
    assert (demo.out / "samples.png").exists()
    assert (demo.out / "report.html").exists()


def test_says_before_training_what_cannot_be_measured_and_measures_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten pictures were trained on, and then the demo ended with an error and without a report."""
    (tmp_path / "mine").mkdir()
    for index in range(10):
        Image.fromarray(render(face_from_seed(3, index), 32)).save(tmp_path / "mine" / f"{index}.png")
    demo = Demo(out=tmp_path / "run", images=tmp_path / "mine", minutes=0.02, size=32)
    demo.run()
    printed = capsys.readouterr().out
    assert printed.index("Measured will be: the spectrum, copies.") < printed.index("[2/5] training")
    assert (demo.out / "metrics.json").exists()
    assert (demo.out / "report.html").exists()


def test_a_folder_without_pictures_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "read.txt").write_text("nothing to see")
    demo = Demo(out=tmp_path / "runs" / "mine", images=tmp_path / "mine", minutes=0.02, size=32)
    with pytest.raises(ValueError, match=r"the only file in .* could not be used: 1 x not a picture"):
        demo.run()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_refuses_a_number_of_samples_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--samples must be at least 264"):
        Demo(out=tmp_path / "run", samples=10).run()
    assert not (tmp_path / "run" / "data").exists()


def test_measuring_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float | None] = []
    monkeypatch.setattr("examples.anime_faces.commands.results.Evaluate.run", lambda self: given.append(self.seconds))
    Demo(out=tmp_path, minutes=10.0)._evaluate(tmp_path / "data", Minutes(whole=10.0))
    assert given == [pytest.approx(120.0, abs=1.0)]


def test_a_slow_machine_renders_fewer_faces_and_a_data_set_keeps_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.anime_faces.data.default_workers", lambda: 2)
    monkeypatch.setattr("examples.anime_faces.systems.typical_seconds", lambda times: 0.04)
    faces, minutes = Demo(out=tmp_path, minutes=12.0)._faces(tmp_path / "data")
    assert faces == 5000  # (12 * 60 / 6 - 4) / 0.02 is 5,800
    assert minutes == pytest.approx((4 + 0.02 * 5000) / 60)
    assert Demo(out=tmp_path, minutes=12.0, count=300)._faces(tmp_path / "data")[0] == 300
    write_rendered(tmp_path / "data", 40, 32, 0, workers=0)
    assert Demo(out=tmp_path, minutes=12.0)._faces(tmp_path / "data") == (40, 0.0)


def test_own_pictures_become_square_as_asked(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for index in range(3):
        Image.new("RGB", (96, 48), (200, 10 * index, 0)).save(tmp_path / "mine" / f"{index}.png")
    demo = Demo(out=tmp_path / "run", images=tmp_path / "mine", size=32, fit=Fit.PAD)
    with LivePage(demo.out, ["pictures"]) as page:
        page.enter("pictures")
        demo._prepare(tmp_path / "data", page, 0)
    assert (Dataset.open(tmp_path / "data").images[:, 0] == 255).all()  # white above

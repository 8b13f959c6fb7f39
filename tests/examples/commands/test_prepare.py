"""The command `prepare`, run as a program where processes and signals matter."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tyro
from PIL import Image

from examples.anime_faces.commands.prepare import Prepare
from examples.anime_faces.data import Attribute, Dataset
from examples.anime_faces.data.render import Knobs

PROGRAM = """
import tyro
from examples.anime_faces.commands.prepare import Prepare
if __name__ == "__main__":
    tyro.cli(Prepare).run()
"""


@pytest.fixture
def program(tmp_path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def start(program: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    variables = os.environ | {"PYTHONPATH": str(Path.cwd())} | environment
    return subprocess.Popen(
        [sys.executable, program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=variables,
        start_new_session=True,
    )


def parse(*arguments: str) -> Prepare:
    return tyro.cli(Prepare, args=arguments)


def test_defaults_render_faces_and_every_knob_is_an_option(tmp_path):
    plain = parse("--out", "x")
    assert (plain.size, plain.seed, plain.images, plain.knobs) == (64, 0, None, Knobs())
    odd = parse("--out", "x", "--color-skew", "1.5", "--distractor-tags", "1", "4", "--second-domain-share", "0.25",
                "--glasses-rate", "0.5", "--ribbon-rate", "0", "--highlight-rate", "0.75",
                "--withheld-pairs", "0", "1", "2", "3", "--hair-weights", *["1"] * 12)  # fmt: skip
    assert odd.knobs == Knobs(
        color_skew=1.5, distractor_tags=(1, 4), second_domain_share=0.25, glasses_rate=0.5, ribbon_rate=0.0,
        highlight_rate=0.75, withheld_pairs=((0, 1), (2, 3)), hair_weights=(1.0,) * 12,
    )  # fmt: skip


def test_help_says_what_each_form_does(capsys):
    with pytest.raises(SystemExit):
        parse("--help")
    said = capsys.readouterr().out
    for words in ("--count 20000", "--images FOLDER --labels FILE.csv", "--tags tags_clean.csv", "subfolder for each"):
        assert words in said


def test_rendering_from_the_command(tmp_path, capsys):
    parse("--out", str(tmp_path / "out"), "--count", "5", "--size", "32", "--workers", "0").run()
    assert len(Dataset.open(tmp_path / "out")) == 5
    assert "5 rendered faces of 32 x 32 pixels" in capsys.readouterr().out


def test_binary_labels_from_the_command(tmp_path, capsys):
    parse("--out", str(tmp_path / "out"), "--count", "9", "--size", "32", "--workers", "0", "--binary-labels").run()
    assert [one.name for one in Dataset.open(tmp_path / "out").attributes] == ["hair", "eyes", "ribbon"]
    assert "ribbon: no" in capsys.readouterr().out
    with pytest.raises(ValueError, match="options for rendered faces cannot be combined with --images"):
        parse("--out", str(tmp_path / "own"), "--images", str(tmp_path), "--binary-labels").run()


def test_gray_pictures_of_some_classes_from_the_command(photos, tmp_path, capsys):
    parse("--out", str(tmp_path / "out"), "--count", "9", "--size", "32", "--workers", "0", "--gray", "--only",
          "black hair, blonde hair").run()  # fmt: skip
    dataset = Dataset.open(tmp_path / "out")
    assert dataset.attributes[0] == Attribute("hair", ("black", "blonde"))
    assert dataset.is_gray
    assert "9 gray rendered faces" in capsys.readouterr().out
    (tmp_path / "labels.csv").write_text("file,coat\n1.jpg,long\n2.jpg,short\n")
    parse("--out", str(tmp_path / "own"), "--images", str(photos), "--size", "16", "--workers", "0", "--gray", "--only",
          "short", "--labels", str(tmp_path / "labels.csv")).run()  # fmt: skip
    own = Dataset.open(tmp_path / "own")
    assert (len(own), own.is_gray, own.attributes[0].classes) == (1, True, ("short",))


def test_joining_from_the_command(faces_folder, labeled_folder, tmp_path, capsys):
    usual = ("--out", str(tmp_path / "out"), "--join", str(faces_folder), str(labeled_folder))
    with pytest.raises(ValueError, match="'faces' and 'faces' are alike"):
        parse(*usual).run()
    parse(*usual, "--domains", "plain", "glasses too").run()
    dataset = Dataset.open(tmp_path / "out")
    assert [one.name for one in dataset.attributes] == ["hair", "eyes", "glasses", "ribbon", "domain"]
    assert dataset.attributes[-1].classes == ("plain", "glasses too")
    assert "domain: plain 70, glasses too 20" in capsys.readouterr().out
    parse(*usual, "--no-domain-label", "--overwrite").run()
    assert [one.name for one in Dataset.open(tmp_path / "out").attributes] == ["hair", "eyes", "glasses", "ribbon"]


def test_a_size_that_no_recipe_learns_is_refused(tmp_path, capsys):
    words = ("--count", "2", "--workers", "0")
    parse("--out", str(tmp_path / "40"), "--size", "40", *words).run()
    with pytest.raises(
        ValueError, match=r"no recipe .* pictures of 33 pixels: --size must be .* 32 and 40 would work; --any"
    ):
        parse("--out", str(tmp_path / "33"), "--size", "33", *words).run()
    assert not (tmp_path / "33").exists()
    parse("--out", str(tmp_path / "33"), "--size", "33", "--any-size", *words).run()
    assert Dataset.open(tmp_path / "33").size == 33


def test_labels_that_keep_few_pictures_are_a_warning(tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(49):
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    (tmp_path / "labels.csv").write_text("file,coat\n7.png,long\n")
    own = ("--images", str(folder), "--size", "16", "--workers", "0")
    parse("--out", str(tmp_path / "few"), *own, "--labels", str(tmp_path / "labels.csv")).run()
    said = capsys.readouterr().err
    assert "warning: only 1 of 49 pictures (2%) got into the data set. Of the others, 48: no line in the table" in said
    assert "are the names in --labels written as in --images" in said
    parse("--out", str(tmp_path / "all"), *own).run()
    assert "warning" not in capsys.readouterr().err


@pytest.mark.parametrize("form", ["plain", "classes", "table", "tags", "unlabeled"])
def test_every_form_of_own_pictures(photos, tmp_path, smooth, capsys, form):
    (tmp_path / "labels.csv").write_text("file,coat\n1.jpg,long\n")
    (tmp_path / "tags.csv").write_text("1,red hair blue eyes\n")
    options = {"table": ["--labels", str(tmp_path / "labels.csv")], "tags": ["--tags", str(tmp_path / "tags.csv")]}
    if form in {"classes", "unlabeled"}:
        for name in ("cat", "dog"):
            (photos / name).mkdir()
            (photos / "1.jpg").rename(photos / name / "1.jpg")
            smooth(9).save(photos / "1.jpg")
        if form == "classes":
            for path in [*photos.glob("*.jpg"), *photos.glob("*.png")]:
                path.rename(photos / "dog" / f"moved-{path.name}")
    arguments = ["--images", str(photos), "--size", "16", "--workers", "0", *options.get(form, [])]
    parse("--out", str(tmp_path / "out"), *arguments, *(["--unlabeled"] if form == "unlabeled" else [])).run()
    dataset = Dataset.open(tmp_path / "out")
    expected = {"plain": 5, "classes": 7, "table": 1, "tags": 1, "unlabeled": 7}
    assert len(dataset) == expected[form]
    assert dataset.kind == ("unlabeled" if form == "plain" else form)
    if form == "classes":
        assert dataset.attributes == (Attribute("class", ("cat", "dog")),)
    assert f"used {expected[form]} of" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--labels", "x.csv"], "--labels is for your own pictures: give their folder with --images"),
        (["--tags", "x.csv"], "--tags is for"),
        (["--unlabeled"], "--unlabeled is for"),
        (["--images", ".", "--count", "5"], "cannot be combined with --images"),
        (["--images", ".", "--ribbon-rate", "1"], "cannot be combined with --images"),
        (["--images", ".", "--labels", "x.csv", "--tags", "x.csv"], "only one of --labels, --tags and --unlabeled"),
        (["--images", "none"], "there is no folder none"),
        (["--images", ".", "--tags", "none.csv"], "there is no file none.csv"),
        (["--count", "0"], "count must be at least 1, got 0"),
        (["--images", ".", "--size", "0"], "size must be at least 1, got 0"),
        (["--count", "2", "--workers", "-1"], "workers must be at least 0, got -1"),
        (["--join", "a"], "--join must name two data sets or more, but it names 1"),
        (["--join", "a", "b"], "no data set in a"),
        (["--join", "a", "b", "--images", "."], "--images cannot be combined with --join"),
        (["--join", "a", "b", "--count", "5"], "--count cannot be combined with --join"),
        (["--join", "a", "b", "--gray"], "--gray cannot be combined with --join"),
        (["--join", "a", "b", "--only", "red hair"], "--only cannot be combined with --join"),
        (["--join", "a", "b", "--size", "32"], "--size cannot be combined with --join"),
        (["--join", "a", "b", "--ribbon-rate", "1"], "options for rendered faces cannot be combined with --join"),
        (["--domains", "a", "b"], "--domains is for data sets that are joined: name them with --join"),
        (["--no-domain-label"], "--no-domain-label is for data sets that are joined"),
        (["--count", "2", "--only", "mauve hair"], "--only: 'mauve hair' is not known"),
    ],
)
def test_mistakes_are_errors_that_say_what_to_do(tmp_path, arguments, words):
    with pytest.raises(ValueError, match=words):
        parse("--out", str(tmp_path / "out"), *arguments).run()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals a group of processes, which Windows cannot")
@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL", pytest.param("SIGTERM", marks=pytest.mark.slow)])
def test_an_interrupted_run_leaves_no_data_set_and_the_next_one_succeeds(tmp_path, program, how):
    out = tmp_path / "data" / "out"
    child = start(program, "--out", str(out), "--count", "100000", "--size", "32", "--workers", "1")
    with child:
        deadline = time.monotonic() + 120
        while not any(path.stat().st_size > 10_000 for path in out.parent.glob(".out.unfinished-*/images.npy")):
            assert time.monotonic() < deadline
            assert child.poll() is None
            time.sleep(0.02)
        os.killpg(child.pid, signal.Signals[how])
    assert child.returncode != 0
    assert not out.exists()
    if how == "SIGINT":
        assert not out.parent.exists()
    parse("--out", str(out), "--count", "3", "--size", "32", "--workers", "0").run()
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert len(Dataset.open(out)) == 3


def test_any_locale_and_any_path_will_do(tmp_path, photos, program):
    folder = photos.rename(tmp_path / "käse und wein 画像")
    arguments = ["--out", str(tmp_path / "où"), "--images", str(folder), "--size", "16", "--workers", "1"]
    child = start(program, *arguments, LC_ALL="C", LANG="", PYTHONOPTIMIZE="2", PYTHONWARNINGS="error")
    said, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors
    assert "used 5 of 5" in said
    assert all(line.startswith("reading: ") for line in errors.splitlines())  # a slow machine shows how far it is
    assert len(Dataset.open(tmp_path / "où")) == 5


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="limits the size of files, which only POSIX systems can")
def test_a_full_disk_is_an_error_that_leaves_nothing(tmp_path, program):
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n{PROGRAM}"
    program.write_text("import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n" + limited)
    out = tmp_path / "data" / "out"
    child = start(program, "--out", str(out), "--count", "100", "--size", "32", "--workers", "0")
    _, errors = child.communicate(timeout=120)
    assert child.returncode != 0
    assert "OSError" in errors
    assert not out.parent.exists()

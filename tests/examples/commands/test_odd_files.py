"""Whatever lies in the folder of a run, each command ends with a result or with one line that names the file."""

import json
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gankit as gk
from examples.anime_faces.__main__ import exit_code_of
from examples.anime_faces.data import Dataset

Command = Callable[[Path, Path], list[str]]


def files_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="module")
def whole_run(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with everything that commands leave there."""
    run = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(trained_folder, run)
    figure = {"value": 0.5, "floor": 0.9, "at_least": 0.8, "passed": False, "about": "a share"}
    record = {"step": 7, "samples": 10, "figures": {"coverage": figure}, "details": {"a": {"b": 1.0}}, "notes": ["n"]}
    (run / "metrics.json").write_text(json.dumps(record), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert exit_code_of(["sample", "--run", str(run), "--n", "1", "--out", str(run / "samples.png")]) == 0
        assert exit_code_of(["report", str(run)]) == 0
    return run


FILES = [
    "settings.json",
    "log.jsonl",
    "losses.csv",
    "metrics.json",
    "system.json",
    "samples.png",
    "grids/step-0000003.png",
]
CONTENTS = {
    "empty": b"",
    "a list": b"[]\n",
    "a number": b"7\n",
    "deep": b'{"step":' * 100_000,
    "no text": b"\xff\xfe\x00\x01" * 100,
    "an object of others": b'{"figures": [], "step": "x", "networks": {}, "recipe": 3}\n',
    "numbers": b'{"step": 1e999, "seconds": NaN}\n',
    "a picture without pixels": b"\x89PNG\r\n\x1a\n" + bytes(64),
}
ODD = [*CONTENTS, "folder", "dangling link", "pipe"]
TRAIN = ["train", "--recipe", "acgan", "--width", "4", "--batch-size", "6", "--threads", "1", "--precision", "float32"]
TRAIN += ["--grid-every", "1"]
QUICK = {"a list", "no text", "pipe"}
COMMANDS: dict[str, Command] = {
    "report": lambda run, out: ["report", str(run)],
    "compare": lambda run, out: ["compare", str(run), str(run.with_name("other")), "--out", str(out / "c"), "--n", "1"],
    "sample": lambda run, out: ["sample", "--run", str(run), "--n", "1", "--out", str(out / "s.png")],
    "digest": lambda run, out: ["digest", str(run)],
}


def put(path: Path, odd: str) -> None:
    path.unlink(missing_ok=True)
    if odd == "folder":
        path.mkdir()
    elif odd == "dangling link":
        path.symlink_to(path.with_name("nowhere"))
    elif odd == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(CONTENTS[odd])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.filterwarnings("ignore:.*was refused:RuntimeWarning")
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("odd", [one if one in QUICK else pytest.param(one, marks=pytest.mark.slow) for one in ODD])
def test_no_file_of_a_run_ends_a_command_with_a_traceback(
    whole_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, odd: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole_run, run)
    shutil.copytree(whole_run, tmp_path / "other")
    put(run / name, odd)
    for command, words in COMMANDS.items():
        capsys.readouterr()
        code = exit_code_of(words(run, tmp_path))
        said = capsys.readouterr().err.splitlines()
        assert code in (0, 2), (command, said)
        if code:
            assert len([line for line in said if line.startswith("error: ")]) == 1, (command, said)
            assert Path(name).name in said[-1], (command, said)
        if command in ("sample", "digest"):  # which need nothing but the checkpoint
            assert code == 0, (command, said)


@pytest.mark.filterwarnings("ignore:.*was refused:RuntimeWarning")
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + bytes(100), b"hello", bytes(4096)])
def test_a_run_without_a_whole_checkpoint_is_one_line(
    whole_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole_run, run)
    for path in (run / "checkpoints").glob("*.pt"):
        path.write_bytes(content)
    for words in (
        ["sample", "--run", str(run)],
        ["digest", str(run)],
        ["evaluate", str(run)],
        ["transfer", "--run", str(run), "--images", str(tmp_path)],
    ):
        capsys.readouterr()
        assert exit_code_of(words) == 2
        said = capsys.readouterr().err.splitlines()
        assert said[-1].startswith("error: ")
        assert "checkpoint" in said[-1]


@pytest.mark.parametrize(
    "state", [[], {}, {"state": []}, {"state": {"format": 2}}, {"state": {"format": 99}}, {"state": {"format": [2]}}]
)
def test_what_another_program_saved_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], state: object) -> None:
    path = tmp_path / "other.pt"
    gk.training.save_checkpoint(path, state)
    for words in (["sample", "--run", str(path)], ["digest", str(path)]):
        assert exit_code_of(words) == 2
        assert f"error: {path}" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["report"], ["evaluate"], ["digest"]])
def test_a_run_of_a_newer_version_is_named(
    whole_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole_run, run)
    settings = json.loads((run / "settings.json").read_text(encoding="utf-8")) | {"weather": "rain"}
    (run / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    checkpoints = gk.training.Checkpoints(run / "checkpoints")
    found = checkpoints.load_latest()
    assert found is not None
    checkpoints.save(found[0], {**found[1], "settings": settings})
    assert exit_code_of([*words, str(run)]) == 2
    assert "weather is not known: a newer version has written it" in capsys.readouterr().err


def test_readers_change_nothing_but_what_they_say(
    whole_run: Path, tmp_path: Path, labeled_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run may be trained by another process now, on another machine: its unfinished files are not theirs to remove."""
    run, other = tmp_path / "run", tmp_path / "other"
    shutil.copytree(whole_run, run)
    shutil.copytree(whole_run, other)
    shutil.copytree(run / "checkpoints", run / "kept")
    unfinished = ["checkpoints/checkpoint-9.pt.0.tmp-999999-01234567", "kept/checkpoint-9.pt.0.tmp-999999-01234567"]
    unfinished += ["log.jsonl.tmp-0123456789ab", "grids/step-0000009.png.tmp-0123456789ab", "run.owner", "run.lock"]
    for name in unfinished:
        (run / name).touch()
    before = files_of(run)
    declared = {
        "sample": set(),
        "digest": set(),
        "compare": set(),
        "report": {"report.html", "strip.png"},
    }
    for command, words in COMMANDS.items():
        assert exit_code_of(words(run, tmp_path)) == 0, capsys.readouterr().err
        after = files_of(run)
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        folders = {name for name in changed if (run / name).is_dir()}
        assert changed - folders <= declared[command], (command, changed)
        assert all(name in after for name in unfinished), command
        before = after


@pytest.mark.parametrize("name", ["labels.npy", "images.npy"])
def test_data_that_changed_between_two_calls_are_refused(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    data = tmp_path / "data"
    shutil.copytree(faces_folder, data)
    words = [
        "train",
        "--recipe",
        "acgan",
        "--width",
        "4",
        "--batch-size",
        "6",
        "--threads",
        "1",
        "--precision",
        "float32",
        "--grid-every",
        "3",
    ]
    train = [*words, "--data", str(data), "--out", str(tmp_path / "run")]
    assert exit_code_of([*train, "--steps", "2"]) == 0
    array = np.load(data / name, allow_pickle=False)
    np.save(data / name, np.zeros_like(array) if name == "images.npy" else array[::-1])
    before = files_of(tmp_path / "run")
    capsys.readouterr()
    for asked in ([*train, "--steps", "4"], ["evaluate", str(tmp_path / "run")]):
        assert exit_code_of(asked) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert f"{data} is damaged" in said
        assert f"{name.removesuffix('.npy')} has changed since it was written" in said
    assert {name: one for name, one in files_of(tmp_path / "run").items() if name != "run.lock"} == {
        name: one for name, one in before.items() if name != "run.lock"
    }


@pytest.mark.skipif(os.name != "posix", reason="needs names that are not text")
def test_names_that_are_not_text_and_commands_of_terminals_end_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the names of folders and files to the page, through the labels, the logs and the settings."""
    pictures = tmp_path / "pictures"
    names = [b"caf\xe9", "\x1b[31mred\u202e".encode(), "\u9752".encode()]
    rng = np.random.default_rng(0)
    for name in names:
        folder = os.fsencode(pictures) + b"/" + name
        Path(os.fsdecode(folder)).mkdir(parents=True)
        for number in range(6):
            path = Path(os.fsdecode(folder + b"/" + name + b"-%d.png" % number))
            Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
        Path(os.fsdecode(folder + b"/bad\xff\x1b[2J.png")).write_bytes(b"no picture")
    data, run = tmp_path / "data", tmp_path / "run"
    commands = [
        ["prepare", "--out", str(data), "--images", str(pictures), "--size", "32", "--workers", "0"],
        ["prepare", "--out", str(data), "--images", str(pictures), "--size", "32", "--workers", "0"],
        [*TRAIN, "--steps", "2", "--data", str(data), "--out", str(run)],
        ["sample", "--run", str(run), "--n", "1", "--out", str(run / "samples.png")],
        ["report", str(run)],
        ["digest", str(run)],
    ]
    for words in commands:
        assert exit_code_of(words) == 0, capsys.readouterr().err
        printed = capsys.readouterr()
        assert not set("\x1b\u202e") & set(printed.out + printed.err)
    assert len(Dataset.open(data).attributes[0].classes) == 3
    page = (run / "report.html").read_text(encoding="utf-8")
    assert not set("\x1b\u202e") & set(page)
    assert "\\x1b[31mred" in page
    assert "caf\\udce9" in page

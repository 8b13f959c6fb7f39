"""Nothing is written before it is decided that a run goes on, and what the disk refuses stops no training at once."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gankit as gk
from examples.anime_faces.errors import UnsavedError
from examples.anime_faces.run import (
    RunFolder,
    TrainRequest,
    _session,
    load_any_checkpoint,
    read_log,
    read_losses,
    train,
)

RequestMaker = Callable[..., TrainRequest]

Save = Callable[[gk.training.Checkpoints, int, Any], None]


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "run.lock"
    }


def without_critic(state: dict[str, Any]) -> None:
    del state["networks"]["critic"]


def of_another_shape(state: dict[str, Any]) -> None:
    name, weight = next((name, one) for name, one in state["networks"]["critic"].items() if one.ndim == 4)
    state["networks"]["critic"][name] = weight[:, :, :1]


def without_draws(state: dict[str, Any]) -> None:
    del state["draws"]


def of_another_program(state: dict[str, Any]) -> None:
    state.clear()
    state["weights"] = [1, 2, 3]


@pytest.mark.usefixtures("without_curves")
@pytest.mark.parametrize("change", [without_critic, of_another_shape, without_draws, of_another_program])
def test_a_run_that_cannot_go_on_is_left_as_it_was(
    request_for: RequestMaker, change: Callable[[dict[str, Any]], None]
) -> None:
    """Its settings were written anew before the checkpoint was looked at."""
    request = request_for(steps=4, grid_every=2)
    train(request)
    checkpoints = gk.training.Checkpoints(RunFolder(request.out).checkpoints)
    found = checkpoints.load_latest()
    assert found is not None
    change(found[1])
    checkpoints.save(4, found[1])
    before = contents(request.out)
    with pytest.raises(ValueError, match=r"critic|draws|holds no checkpoint of a run"):
        train(request_for(steps=9, grid_every=3, keep=(9,), threads=2))
    assert contents(request.out) == before


@pytest.mark.usefixtures("without_curves")
@pytest.mark.parametrize(("name", "content"), [("log.jsonl", b"[]\n"), ("losses.csv", b"step,a\n1,x\n")])
def test_a_damaged_log_is_named_before_anything_is_written(
    request_for: RequestMaker, name: str, content: bytes
) -> None:
    request = request_for(steps=2, grid_every=2)
    train(request)
    (request.out / name).write_bytes(content)
    before = contents(request.out)
    with pytest.raises(ValueError, match=f"{name} is damaged, remove it to continue"):
        train(request_for(steps=4, grid_every=1))
    assert contents(request.out) == before
    (request.out / name).unlink()
    assert train(request_for(steps=4)).step == 4


def test_networks_that_do_not_fit_leave_no_folder(request_for: RequestMaker, tmp_path: Path) -> None:
    train(request_for(steps=2, grid_every=2))
    other = request_for("dcgan", out=tmp_path / "new", start=tmp_path / "run", options={"width": 5})
    state = load_any_checkpoint(tmp_path / "run")
    for network in state["networks"].values():
        network.clear()
    gk.training.Checkpoints(tmp_path / "run" / "checkpoints").save(2, dict(state))
    with pytest.raises(ValueError, match="no weight of the checkpoint given by --from"):
        train(other)
    assert not (tmp_path / "new").exists()


@pytest.fixture
def full_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[set[int]], None]:
    """Let the disk be full when these steps are saved, and save after every step."""

    def fill(steps: set[int]) -> None:
        save = gk.training.Checkpoints.save

        def refuse(self: gk.training.Checkpoints, step: int, state: Any) -> None:
            if step in steps:
                raise OSError(errno.ENOSPC, "No space left on device (saving)", str(self.path(step)))
            save(self, step, state)

        monkeypatch.setattr(gk.training.Checkpoints, "save", refuse)
        monkeypatch.setattr(_session, "SAVE_SECONDS", -1.0)

    return fill


@pytest.mark.usefixtures("without_curves")
def test_a_disk_that_is_full_for_a_while_ends_no_training(
    request_for: RequestMaker, full_at: Callable[[set[int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = train(request_for(out=request_for().out.with_name("whole")))
    full_at({2, 3, 5, 6})
    outcome = train(request_for())
    assert (outcome.exit_code, outcome.digest) == (0, whole.digest)
    said = capsys.readouterr().out
    assert said.count("No space left on device (saving); the training continues, and saves again in") == 4
    assert "step 2 is not saved: " in said


@pytest.mark.usefixtures("without_curves")
def test_a_disk_that_stays_full_ends_the_training_with_its_own_code(
    request_for: RequestMaker, full_at: Callable[[set[int]], None]
) -> None:
    full_at({2, 3, 4, 5, 6, 7})
    with pytest.raises(
        UnsavedError, match=r"step 4 cannot be saved: .*the last checkpoint, of step 1, is whole: make room"
    ) as e:
        train(request_for())
    assert e.value.exit_code == 28
    assert load_any_checkpoint(request_for().out)["step"] == 1


@pytest.mark.usefixtures("without_curves")
def test_a_last_step_that_cannot_be_saved_is_no_success(
    request_for: RequestMaker, full_at: Callable[[set[int]], None]
) -> None:
    full_at({7})
    with pytest.raises(UnsavedError, match="step 7 cannot be saved"):
        train(request_for())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_logs_on_a_full_disk_end_no_training(request_for: RequestMaker, capsys: pytest.CaptureFixture[str]) -> None:
    request = request_for()
    request.out.mkdir()
    for name in ("log.jsonl", "losses.csv", "losses.png"):
        (request.out / name).symlink_to("/dev/full")
    outcome = train(request)
    assert (outcome.exit_code, outcome.step) == (0, 7)
    said = capsys.readouterr().out
    assert said.count(f"{request.out / 'log.jsonl'} cannot be written now") == 1
    assert said.count(f"{request.out / 'losses.csv'} cannot be written now") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="limits files as POSIX does")
def test_a_disk_without_room_is_an_error_before_the_first_step(faces_folder: Path, tmp_path: Path) -> None:
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
        "--steps",
        "3",
    ]
    command = [
        sys.executable,
        "-m",
        "examples.anime_faces",
        *words,
        "--data",
        str(faces_folder),
        "--out",
        str(tmp_path / "run"),
    ]
    limit = 2**18

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(command, check=False, capture_output=True, text=True, preexec_fn=full)
    assert done.returncode == 2
    assert re_line(done.stderr) == f"error: {tmp_path / 'run' / '.probe'}: {os.strerror(errno.EFBIG)}"
    assert not list(tmp_path.rglob("*.tmp-*"))


def re_line(text: str) -> str:
    return text.strip().splitlines()[-1]


@pytest.mark.usefixtures("without_curves")
def test_a_resumed_log_is_that_of_a_run_that_was_not_stopped(request_for: RequestMaker) -> None:
    request = request_for(steps=5, grid_every=2)
    train(request)
    train(request_for(steps=7, grid_every=2))
    folder = RunFolder(request.out)
    assert [line["step"] for line in read_log(folder.log)] == [2, 4, 5, 6, 7]
    losses = read_losses(folder.raw_losses)
    assert losses is not None
    assert losses.steps.tolist() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.usefixtures("without_curves")
@pytest.mark.parametrize("changed", ["version", "threads"])
def test_a_strict_run_goes_on_only_where_it_repeats(
    request_for: RequestMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], changed: str
) -> None:
    train(request_for(steps=3))
    before = contents(request_for().out)
    if changed == "version":
        monkeypatch.setattr("examples.anime_faces.run._planning.platform.python_version", lambda: "3.99.0")
    more: dict[str, Any] = {"threads": 2} if changed == "threads" else {}
    reason = "1 CPU thread" if changed == "threads" else "python was .* and is 3.99.0 now"
    with pytest.raises(
        ValueError, match=f"--strict refuses to continue, since the run need not repeat bit for bit: .*{reason}"
    ):
        train(request_for(steps=5, strict=True, **more))
    assert contents(request_for().out) == before
    train(request_for(steps=5, **more))
    assert "the run need not repeat bit for bit" in capsys.readouterr().out


@pytest.mark.usefixtures("without_curves")
def test_a_strict_run_that_repeats_goes_on(request_for: RequestMaker) -> None:
    whole = train(request_for(out=request_for().out.with_name("whole"), strict=True))
    train(request_for(steps=7, strict=True), lambda moment: os.kill(os.getpid(), 15) if moment.done == 3 else None)
    assert load_any_checkpoint(request_for().out)["step"] == 3
    assert train(request_for(strict=True)).digest == whole.digest

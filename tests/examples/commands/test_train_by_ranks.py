"""`torchrun -m examples.anime_faces train` on the CPU: equal to one process, stopped, killed, and gone on with."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from examples.anime_faces.run import read_log
from gankit.training import Checkpoints

ROOT = Path(__file__).parents[3]
OPTIONS = ("--threads", "1", "--precision", "float32", "--batch-size", "16", "--width", "4", "--grid-every", "4")
SECONDS = 600


class Trainings:
    """Starts trainings, and ends those that are left."""

    def __init__(self, data: Path) -> None:
        self._data, self._started = data, list[subprocess.Popen[str]]()

    def start(self, out: Path, *options: str, ranks: int = 2) -> subprocess.Popen[str]:
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"] if ranks > 1 else []
        command = [sys.executable, *launcher, "-m", "examples.anime_faces", "train"]
        process = subprocess.Popen(
            [*command, "--data", str(self._data), "--out", str(out), *OPTIONS, *options],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def finish(self, out: Path, *options: str, ranks: int = 2) -> tuple[int, str]:
        process = self.start(out, *options, ranks=ranks)
        text, _ = process.communicate(timeout=SECONDS)
        return process.returncode, text

    def run(self, *arguments: str) -> str:
        """Run another command by one process, which must succeed, and return what it printed."""
        finished = subprocess.run(
            [sys.executable, "-m", "examples.anime_faces", *arguments],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout
        return finished.stdout

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=60)


@pytest.fixture
def trainings(faces_folder: Path) -> Iterator[Trainings]:
    started = Trainings(faces_folder)
    yield started
    started.end()


def _state(run: Path) -> tuple[int, dict[str, Any]]:
    found = Checkpoints(run / "checkpoints").load_latest()
    assert found is not None
    return found


def _weights(state: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The weights of all layers; not the biases, of which those before a norm have a gradient of rounding errors alone."""
    networks = state["networks"].items()
    return {f"{of} {name}": one for of, own in networks for name, one in own.items() if name.endswith("weight")}


def _digest(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("digest")).split()[1]


def _rank_processes(launcher: subprocess.Popen[str]) -> dict[int, int]:
    """The processes of the ranks, by rank."""
    found: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                names = dict(item.split("=", 1) for item in (folder / "environ").read_text().split("\0") if "=" in item)
            except (OSError, ValueError):
                continue
            if int(parent) == launcher.pid and "RANK" in names:
                found[int(names["RANK"])] = int(folder.name)
    return found


def _wait_for_steps(run: Path, steps: int) -> None:
    end = time.monotonic() + SECONDS
    while not any(line["step"] >= steps for line in read_log(run / "log.jsonl")):
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.mark.slow
def test_two_ranks_train_what_one_process_trains_and_either_goes_on_with_it(
    tmp_path: Path, trainings: Trainings
) -> None:
    recipe = ("--recipe", "tags_wgan_gp")
    code, text = trainings.finish(tmp_path / "two", *recipe, "--steps", "3")
    assert code == 0, text
    assert text.count("digest ") == 1  # one rank speaks
    assert "ranks     2, which share every batch" in text
    code, alone = trainings.finish(tmp_path / "one", *recipe, "--steps", "3", ranks=1)
    assert code == 0, alone
    (step, state), (_, expected) = _state(tmp_path / "two"), _state(tmp_path / "one")
    assert (step, state["settings"]["ranks"], expected["settings"]["ranks"]) == (3, 2, 1)
    assert torch.equal(state["random"]["cpu"], expected["random"]["cpu"])
    torch.testing.assert_close(_weights(state), _weights(expected), rtol=0, atol=2e-5)
    for name, values in expected["recent"].items():
        if not name.startswith("accuracy"):  # a score close to the border may fall on either side of it
            torch.testing.assert_close(state["recent"][name], values, rtol=1e-3, atol=1e-3)
    assert state["draws"] == expected["draws"]
    assert {path.name for path in (tmp_path / "two").iterdir()} == {path.name for path in (tmp_path / "one").iterdir()}
    # Bit for bit with as many ranks, since nothing in this recipe depends on the planned steps; and with another number.
    code, through = trainings.finish(tmp_path / "through", *recipe, "--steps", "5")
    code, resumed = trainings.finish(tmp_path / "two", *recipe, "--steps", "5")
    assert code == 0, resumed
    assert _digest(resumed) == _digest(through)
    code, other = trainings.finish(tmp_path / "one", *recipe, "--steps", "5")
    assert code == 0, other
    assert "note: 1 rank trained this run until now, and 2 from here on" in other
    assert _state(tmp_path / "one")[0] == _state(tmp_path / "two")[0] == 5
    torch.testing.assert_close(
        _weights(_state(tmp_path / "one")[1]), _weights(_state(tmp_path / "two")[1]), rtol=0, atol=5e-5
    )


@pytest.mark.slow
def test_a_killed_rank_ends_the_run_soon_and_a_signal_to_one_stops_all_at_the_same_step(
    tmp_path: Path, trainings: Trainings
) -> None:
    run = tmp_path / "run"
    launcher = trainings.start(run, "--recipe", "acgan", "--steps", "100000")
    _wait_for_steps(run, 20)
    os.kill(_rank_processes(launcher)[1], signal.SIGTERM)
    text, _ = launcher.communicate(timeout=SECONDS)
    assert "stopped   after step" in text
    assert "finishing this step, then saving" in text
    stopped = _state(run)[0]
    assert 20 <= stopped < 100_000
    launcher = trainings.start(run, "--recipe", "acgan", "--steps", "100000")
    _wait_for_steps(run, stopped + 20)
    begun = time.monotonic()
    os.kill(_rank_processes(launcher)[1], signal.SIGKILL)
    text, _ = launcher.communicate(timeout=SECONDS)
    assert time.monotonic() - begun < 15
    assert launcher.returncode != 0
    message = (
        f"error: rank 1 has stopped; the last checkpoint, of step {stopped}, is whole; repeat the command to continue"
    )
    assert text.count(message) == 1, text
    assert _state(run)[0] == stopped


@pytest.mark.slow
def test_mistakes_are_said_once(tmp_path: Path, trainings: Trainings) -> None:
    code, text = trainings.finish(tmp_path / "run", "--recipe", "acgan", "--steps", "2", ranks=3)
    assert code != 0
    assert text.count("error: the batch size must be a multiple of 3, and at least 6, for 3 ranks, but it is 8") == 1, (
        text
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_compiled_ranks_train_what_eager_ranks_train_and_the_first_one_shows_a_profile(
    tmp_path: Path, trainings: Trainings
) -> None:
    options = ("--recipe", "tags_wgan_gp", "--steps", "3")
    code, text = trainings.finish(tmp_path / "eager", *options, "--profile")
    assert code == 0, text
    assert text.count("s in a round, mean of") == 1
    parts = json.loads((tmp_path / "eager" / "profile.json").read_text())["parts"]
    sums = {
        "critic: sums over the ranks, and the wait for them",
        "generator: sums over the ranks, and the wait for them",
    }
    assert sums <= parts.keys()
    assert all(parts[name] > 0 for name in sums)
    code, text = trainings.finish(tmp_path / "compiled", *options, "--gradients", "compiled")
    assert code == 0, text
    assert "compiled  updates of step 1 for the first time" in text
    assert "run eagerly" not in text
    (step, state), (_, expected) = _state(tmp_path / "compiled"), _state(tmp_path / "eager")
    assert (step, state["settings"]["ranks"], state["settings"]["hardware"]["gradients"]) == (3, 2, "compiled")
    torch.testing.assert_close(_weights(state), _weights(expected), rtol=0, atol=2e-5)
    assert torch.equal(state["random"]["cpu"], expected["random"]["cpu"])


@pytest.mark.slow
def test_other_commands_read_a_run_of_ranks_as_any_other(tmp_path: Path, trainings: Trainings) -> None:
    two, one = tmp_path / "two", tmp_path / "one"
    said: dict[int, str] = {}
    for ranks, run in ((1, one), (2, two)):
        code, said[ranks] = trainings.finish(run, "--recipe", "acgan", "--steps", "4", "--keep", "2", ranks=ranks)
        assert code == 0, said[ranks]
    assert _digest(trainings.run("digest", str(two))) == _digest(said[2])
    trainings.run("sample", "blue hair", "--run", str(two), "--n", "2", "--out", str(tmp_path / "sheet.png"))
    trainings.run("sample", "blue hair", "--run", str(two), "--step", "2", "--out", str(tmp_path / "early.png"))
    trainings.run("evaluate", str(two), "--samples", "264", "--device", "cpu")
    assert math.isfinite(json.loads((two / "metrics.json").read_text())["figures"]["fid"]["value"])
    trainings.run("report", str(two))
    assert "hair accuracy" in (two / "report.html").read_text(encoding="utf-8")
    trainings.run("compare", str(two), str(one), "--out", str(tmp_path / "beside"))
    assert (tmp_path / "beside" / "compare.html").exists()


@pytest.mark.slow
def test_a_rank_that_hangs_ends_the_run_with_a_message(tmp_path: Path, trainings: Trainings) -> None:
    run = tmp_path / "run"
    launcher = trainings.start(run, "--recipe", "acgan", "--steps", "100000")
    _wait_for_steps(run, 20)
    begun = time.monotonic()
    os.kill(_rank_processes(launcher)[1], signal.SIGSTOP)
    text, _ = launcher.communicate(timeout=SECONDS)
    # 60 seconds of silence, and 30 in which the launcher waits for the process before it kills it.
    assert 55 < time.monotonic() - begun < 200
    assert launcher.returncode != 0
    message = (
        f"error: rank 1 does not answer; the last checkpoint, of step {_state(run)[0]}, is whole; the same command"
    )
    assert text.count(message) == 1, text

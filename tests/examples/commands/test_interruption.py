"""Real processes, real signals."""

import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from examples.anime_faces.run import RunFolder, digest, load_any_checkpoint, read_log

STEPS = 60
PATIENCE = 600  # seconds; a busy machine is slow, not wrong
Command = Callable[[Path], list[str]]


@pytest.fixture
def command(faces_folder: Path) -> Command:
    def make(out: Path) -> list[str]:
        options = "--recipe acgan --width 4 --batch-size 6 --threads 1 --precision bfloat16 --grid-every 1000"
        words = [sys.executable, "-m", "examples.anime_faces", "train", *options.split(), "--steps", str(STEPS)]
        return [*words, "--data", str(faces_folder), "--out", str(out)]

    return make


def wait_for_a_log_line(process: subprocess.Popen[str], folder: RunFolder) -> None:
    deadline = time.monotonic() + PATIENCE
    while not read_log(folder.log):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def digest_in(output: str) -> str:
    found = re.search(r"^digest +([0-9a-f]{64})$", output, re.MULTILINE)
    assert found is not None, output
    return found[1]


def test_a_killed_run_resumes_to_the_same_state(command: Command, tmp_path: Path) -> None:
    whole = subprocess.run(command(tmp_path / "whole"), check=True, capture_output=True, text=True, timeout=PATIENCE)
    folder = RunFolder(tmp_path / "cut")
    with subprocess.Popen(command(folder.path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for_a_log_line(process, folder)
        time.sleep(random.uniform(0, 0.3))
        second = subprocess.run(command(folder.path), check=False, capture_output=True, text=True, timeout=PATIENCE)
        if second.returncode:  # else the first had finished, though its process may not be gone yet
            assert second.returncode == 3
            assert f"is in use by another training run (process {process.pid})" in second.stderr
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE)
    stopped_at = load_any_checkpoint(folder.path)["step"]
    # Whoever has trained to the end no longer listens to the signal while the interpreter shuts down.
    assert process.returncode in ((143,) if stopped_at < STEPS else (0, -signal.SIGTERM))
    assert stopped_at == STEPS or "repeat the command to continue" in output
    resumed = subprocess.run(command(folder.path), check=True, capture_output=True, text=True, timeout=PATIENCE)
    assert digest_in(resumed.stdout) == digest_in(whole.stdout)
    assert digest(load_any_checkpoint(folder.path)) == digest_in(whole.stdout)


def test_a_second_signal_ends_at_once_and_breaks_nothing(command: Command, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "cut")
    with subprocess.Popen(command(folder.path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for_a_log_line(process, folder)
        process.send_signal(signal.SIGINT)
        time.sleep(random.uniform(0, 0.05))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert load_any_checkpoint(folder.path)["step"] >= 0


WITH_SIGNALS = """
import os, signal, sys
import gankit as gk
from examples.anime_faces import __main__ as program
from examples.anime_faces.report import _live

where, number, times, *words = sys.argv[1:]

def strike():
    for _ in range(int(times)):
        os.kill(os.getpid(), int(number))

if where == "page":
    write = _live.write_report
    _live.write_report = lambda *rest: (strike(), write(*rest))
elif where == "last step":
    watch = _live.LivePage.watch
    _live.LivePage.watch = lambda self, moment: (strike() if moment.done == moment.total else None, watch(self, moment))
elif where == "save of the last step":
    save = gk.training.Checkpoints.save
    gk.training.Checkpoints.save = lambda self, step, state: (strike() if step else None, save(self, step, state))
elif where == "in the file of the last step":
    save = gk.training.Checkpoints.save
    def interrupted(self, step, state):
        fsync = os.fsync
        os.fsync = lambda handle: (strike() if step else None, fsync(handle))
        save(self, step, state)
    gk.training.Checkpoints.save = interrupted
elif where == "end":
    end = program.end
    program.end = lambda code: (strike(), end(code))
program.end(program.exit_code_of(words))
"""


def struck(command: list[str], where: str, number: int, times: int) -> subprocess.CompletedProcess[str]:
    """Run a training that gets a signal at a certain place."""
    words = [sys.executable, "-c", WITH_SIGNALS, where, str(number), str(times), *command[3:]]
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("where", "number"),
    [
        ("last step", signal.SIGTERM),
        pytest.param("last step", signal.SIGINT, marks=pytest.mark.slow),
        pytest.param("save of the last step", signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param("save of the last step", signal.SIGINT, marks=pytest.mark.slow),
        pytest.param("page", signal.SIGTERM, marks=pytest.mark.slow),
        ("page", signal.SIGINT),
    ],
)
def test_a_finished_run_is_a_success_whatever_comes_after_its_last_step(
    command: Command, tmp_path: Path, where: str, number: int
) -> None:
    words = [word if word != str(STEPS) else "4" for word in command(tmp_path / "run")]
    done = struck(words, where, number, 1)
    assert done.returncode == 0, done.stderr
    assert "done      4 steps" in done.stdout
    assert load_any_checkpoint(tmp_path / "run")["step"] == 4
    assert "digest " in done.stdout


def test_a_second_signal_while_the_last_step_is_saved_leaves_the_checkpoint_before_it(
    command: Command, tmp_path: Path
) -> None:
    words = [word if word != str(STEPS) else "4" for word in command(tmp_path / "run")]
    done = struck(words, "in the file of the last step", signal.SIGTERM, 2)
    assert done.returncode == 143
    assert load_any_checkpoint(tmp_path / "run")["step"] == 0
    again = subprocess.run(words, check=True, capture_output=True, text=True, timeout=PATIENCE)
    assert "done      4 steps" in again.stdout
    assert not list(tmp_path.rglob("*.tmp-*"))


def test_a_training_goes_on_when_nobody_reads_what_it_prints(command: Command, tmp_path: Path) -> None:
    words = command(tmp_path / "run")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        process.stderr.close()
        assert process.wait(timeout=PATIENCE) == 0
    assert load_any_checkpoint(tmp_path / "run")["step"] == STEPS

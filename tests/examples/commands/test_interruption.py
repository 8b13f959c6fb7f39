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
    assert stopped_at == STEPS or "repeat the command to go on" in output
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

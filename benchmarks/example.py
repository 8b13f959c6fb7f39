"""The commands of the example, as a user gives them."""

import os
import subprocess
import sys


def command(*words: str) -> None:
    """Give one of the commands of the example, with one thread.

    Raises:
        RuntimeError: It failed.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "examples.anime_faces", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")

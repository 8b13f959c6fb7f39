"""Programs that are run beside the benchmark, each with a limit of time."""

import subprocess
from collections.abc import Sequence


def run(words: Sequence[str], *, seconds: float) -> tuple[int | None, str]:
    """Run a program and return its exit status and the last lines of what it printed; no status if it ran out of time."""
    try:
        done = subprocess.run(  # noqa: S603
            list(words), check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds
        )
    except subprocess.TimeoutExpired as error:
        found = error.stdout or ""
        text = found.decode(errors="replace") if isinstance(found, bytes) else found
        return None, text[-2000:]
    except FileNotFoundError:
        return None, f"{words[0]} is not installed"
    return done.returncode, done.stdout[-2000:]


def output_of(words: Sequence[str], *, seconds: float) -> str | None:
    """Return the first line that a program prints, or None if it fails."""
    status, text = run(words, seconds=seconds)
    lines = text.strip().splitlines()
    return lines[0].strip() if status == 0 and lines else None

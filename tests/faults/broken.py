"""A broken gankit, one way for each trial: a trial that passes with it shows nothing."""

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

import gankit as gk
from examples.anime_faces import errors
from examples.anime_faces.data import _prompts as prompts, _table as tables, _tag_lines as tags

_kept: list[bytearray] = []


def ways_to_break() -> Mapping[str, Callable[[], None]]:
    """Return what breaks this process, and the forks that it makes, by the trial that must find it."""
    return {
        "kills": _save_in_place,
        "damage": _load_anything,
        "resume": _forget_random_numbers,
        "starts": _lock_nothing,
        "updates": _step_anyhow,
        "poison": _end_otherwise,
        "disks": _save_in_place,
        "hostile": _load_anything,
        "parsers": _read_slowly,
        "memory": _keep_everything,
    }


def _save_in_place() -> None:
    saved = gk.training.save_checkpoint

    def save(self: Any, step: int, state: Any, **_: Any) -> None:
        aside = Path(self.folder) / ".aside"
        self.folder.mkdir(parents=True, exist_ok=True)
        saved(aside, {"version": 1, "step": step, "state": state})
        data = aside.read_bytes()
        with self.path(step).open("wb", buffering=0) as file:
            file.write(data[: len(data) // 2])
            time.sleep(0.1)
            file.write(data[len(data) // 2 :])

    gk.training.Checkpoints.save = save


def _load_anything() -> None:
    gk.training.load_checkpoint = lambda path: torch.load(path, weights_only=False)


def _forget_random_numbers() -> None:
    torch.set_rng_state = lambda new_state: None


def _lock_nothing() -> None:
    fcntl.flock = fcntl.lockf = lambda *_: None


def _step_anyhow() -> None:
    gk.training.FiniteStepper.__call__ = lambda self, optimizer, costs, names: optimizer.step()
    _save_in_place()


def _end_otherwise() -> None:
    errors.TrainingDivergedError.exit_code = 1


def _read_slowly() -> None:
    modules: list[Any] = [prompts, tables, tags]
    for module in modules:
        read_lines = module.read_lines

        def slow(path: Path, read_lines: Any = read_lines) -> Iterator[tuple[int, str]]:
            for number, line in read_lines(path):
                sum(range(6 * number))
                yield number, line

        module.read_lines = slow


def _keep_everything() -> None:
    play_round = gk.training.play_round

    def play(*arguments: Any, **updates: Any) -> Any:
        _kept.append(bytearray(b"x" * 200_000))
        return play_round(*arguments, **updates)

    gk.training.play_round = play

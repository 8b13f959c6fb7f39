"""The losses of every round as a table, ``losses.csv``: appended while a run trains, cut back where it resumes."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from examples.anime_faces.files import is_device
from examples.anime_faces.lines import lines_of
from examples.anime_faces.run._growing import GrowingFile

WINDOW = 100  # steps in a running average
NETWORKS = ("critic", "generator")
MISSING = "nan"  # in the table: a term that a round did not have
MOST_STEPS = 2.0**53


def totals(values: Mapping[str, float]) -> dict[str, float]:
    """Return the whole loss of each network, the sum of its terms.

    The two are drawn together, as in report A. A step has only the last critic update of its round, so the critic has as many
    points as the generator, however often it is updated.

    Example:
        >>> totals({"critic/score": 1.0, "critic/penalty": 0.5, "generator/score": -2.0, "scores/real": 3.0})
        {'losses/critic': 1.5, 'losses/generator': -2.0}
    """
    sums: dict[str, float] = {}
    for network in NETWORKS:
        terms = [value for name, value in values.items() if name.startswith(f"{network}/")]
        if terms:
            sums[f"losses/{network}"] = sum(terms)
    return sums


class LossTable:
    """Writes the losses of every round: one row a step, the whole loss of each network first, then their terms.

    Rows are appended by one write call each time: a killed process leaves at most one unfinished line, which is not read.
    A term that appears late gets a column, and the table is written again, whole or not at all.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names: list[str] = []
        self._file = GrowingFile(path)

    def open(self, step: int) -> None:
        """Open the table to append, after removing rows after `step` that a stopped session may have left.

        Raises:
            ValueError: The file is not such a table.
        """
        read_losses(self.path)  # is it one?
        self._names, rows = _read(self.path)
        kept = [row for row in rows if float(row.partition(",")[0]) <= step]
        if not kept:
            self._names = []
        self._rewrite(kept)

    def append(self, rows: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Append the losses of finished steps: of each, the step and its values, of which only losses are kept.

        The numbers have nine digits, from which float32 comes back exactly. Nothing is written before the table is opened.
        """
        if not self._file.is_open:
            return
        chosen = [(step, {**totals(values), **_terms(values)}) for step, values in rows]
        known = set(self._names)
        new = list(dict.fromkeys(name for _, values in chosen for name in values if name not in known))
        if new:
            self._file.append("")  # what still waits for room on the disk
            _, before = _read(self.path)
            self._names += new
            self._rewrite([row + f",{MISSING}" * len(new) for row in before])
        self._file.append("".join(f"{self._row(step, values)}\n" for step, values in chosen if values))

    def sync(self) -> None:
        """Wait until the rows are on the disk, so that no checkpoint is newer than they are."""
        self._file.sync()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _row(self, step: int, values: Mapping[str, float]) -> str:
        return ",".join([str(step), *(f"{values[name]:.9g}" if name in values else MISSING for name in self._names)])

    def _rewrite(self, rows: Sequence[str]) -> None:
        """Write the whole table, and open it to append."""
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(["step", *self._names])
        self._file.open(header.getvalue() + "".join(f"{row}\n" for row in rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The losses of every round.

    Args:
        steps: The steps, ascending, one or more; they count from 1.
        columns: The values of each loss at these steps, such as ``losses/critic`` and ``critic/score``; NaN where a round had
            none.
    """

    steps: np.ndarray
    columns: Mapping[str, np.ndarray]

    @property
    def is_whole(self) -> bool:
        """Whether the losses begin with the first step: a run that an earlier version began has those of later steps only."""
        return bool(self.steps[0] == 1)

    def averaged(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the steps that have a value, and at each of them the mean of the last 100 such values, or of all before."""
        there = ~np.isnan(self.columns[name])
        return self.steps[there], running_means(self.columns[name][there])


def running_means(values: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """Return at each place the mean of the last `window` values up to it; the first means are of fewer values.

    Example:
        >>> running_means(np.array([4.0, 2.0, 0.0, 6.0]), 2).tolist()
        [4.0, 3.0, 1.0, 3.0]
    """
    first = [values[: end + 1].mean() for end in range(min(window - 1, len(values)))]
    if len(values) < window:
        return np.array(first)
    return np.concatenate([first, np.lib.stride_tricks.sliding_window_view(values, window).mean(axis=1)])


def read_losses(path: Path) -> Losses | None:
    """Read what :class:`LossTable` wrote, without a line that a killed process did not finish. None: there is nothing.

    Raises:
        ValueError: The file is not such a table.
    """
    try:
        names, rows = _read(path)
        if not rows:
            return None
        numbers = np.loadtxt(rows, delimiter=",", ndmin=2)
        columns = dict(zip(names, numbers.T[1:], strict=True))
        steps = numbers[:, 0]
        _check(names, steps)
    except (ValueError, csv.Error) as error:
        raise ValueError(
            f"{path} is damaged, remove it to continue without the losses of earlier steps: {error}"
        ) from error
    return Losses(steps=steps.astype(np.int64), columns=columns)


def _check(names: Sequence[str], steps: np.ndarray) -> None:
    if len(set(names)) < len(names):
        raise ValueError("two of its columns have one name")
    if not (steps.max() < MOST_STEPS and (np.diff(steps) > 0).all()):
        raise ValueError("its steps must ascend")


def _terms(values: Mapping[str, float]) -> dict[str, float]:
    # A name of a recipe from outside may have ends of lines in it, which a header cannot have.
    return {" ".join(name.split()): value for name, value in values.items() if name.split("/")[0] in NETWORKS}


def _read(path: Path) -> tuple[list[str], list[str]]:
    """Return the names of the columns after the step, and the complete rows."""
    if not path.exists() or is_device(path):
        return [], []
    lines = (line.decode("utf-8") for line in lines_of(path))
    head = next(lines, "step")
    if not head.startswith("step"):
        raise ValueError("line 1: it must begin with step")
    _, *names = next(csv.reader([head]))
    rows: list[str] = []
    for number, row in enumerate(lines, start=2):
        if not row[:1].isdigit():
            raise ValueError(f"line {number}: it must begin with the number of a step")
        if row.endswith("\n"):
            rows.append(row[:-1])
    return names, rows

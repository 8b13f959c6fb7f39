"""What a trial is, and what came of it."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.materials import Materials

LONGEST_MESSAGE = 400


class UntriedError(Exception):
    """This machine cannot make the fault; the message says what it lacks."""


@dataclass(slots=True)
class Attempt:
    """One fault, and what was wrong with the answer to it.

    Args:
        what: The fault, with everything that is needed to repeat it.
    """

    what: str
    problems: list[str] = field(default_factory=list[str])

    def expect(self, holds: bool, problem: str) -> None:
        """Note a problem unless the expectation holds."""
        if not holds:
            self.problems.append(problem)


@dataclass(slots=True)
class Tally:
    """The attempts of one arm of a trial.

    Attributes:
        tried: How many there were.
        failures: One text for each that failed: the fault, and what happened.
        figures: What was measured besides, by name.
        untried: Why nothing was tried; empty if something was.
    """

    tried: int = 0
    failures: list[str] = field(default_factory=list[str])
    figures: dict[str, float] = field(default_factory=dict[str, float])
    untried: str = ""

    @contextmanager
    def attempt(self, what: str) -> Iterator[Attempt]:
        """Count an attempt; it fails if an expectation does not hold, or if the block raises anything.

        Raises:
            UntriedError: The block did.
        """
        attempt = Attempt(what)
        try:
            yield attempt
        except UntriedError:
            raise
        except Exception as error:  # noqa: BLE001  whatever the project lets escape is a failure of the project
            attempt.problems.append(f"{type(error).__name__}: {error}")
        self.tried += 1
        if attempt.problems:
            text = f"{attempt.what}: {'; '.join(attempt.problems)}"
            self.failures.append(" ".join(text.split())[:LONGEST_MESSAGE])

    def most(self, name: str, value: float) -> None:
        """Keep the largest value under a name."""
        self.figures[name] = max(value, self.figures.get(name, value))

    def add(self, name: str, value: float = 1) -> None:
        """Add to a sum."""
        self.figures[name] = self.figures.get(name, 0) + value


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What an arm works with.

    Args:
        place: An empty folder for it alone.
        materials: Data sets and runs, made once.
        rng: Decides where faults strike.
        fresh: Start commands as new interpreters, as a user does, and not as forks of this process, which are much quicker.
    """

    place: Path
    materials: Materials
    rng: random.Random
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One kind of fault of a trial.

    Args:
        run: Makes the given number of attempts and tallies them.
        long: How many the long form makes.
        quick: How many the quick form makes.
        limits: The bounds that it checks, by name; a record that was made with others is stale.
    """

    run: Callable[[Setting, int, Tally], None]
    long: int
    quick: int
    limits: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A promise of the project, and the faults that try it.

    Args:
        name: Its name on the command line.
        promise: What must hold, in one sentence.
        how: Which faults are made, in one sentence.
        arms: The kinds of faults, by name.
    """

    name: str
    promise: str
    how: str
    arms: Mapping[str, Arm]

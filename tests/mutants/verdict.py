"""A mutant to try, and what came of it."""

from dataclasses import dataclass

from tests.mutants.mutation import Mutation


@dataclass(frozen=True, kw_only=True)
class Task:
    """A mutant to try."""

    mutation: Mutation
    kills: int = 1  # how many test functions have to fail
    expected: bool = False  # it is known to survive: the most promising tests alone are run, to see that it still does


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result for a mutant."""

    killed_by: tuple[str, ...] = ()  # the test functions that failed, in the order they ran
    killers: tuple[int, ...] = ()  # the same tests by their place in the session
    out_of_time: bool = False
    tests: int = 0  # how many reach it
    passed: tuple[int, ...] = ()  # the tests that a survivor passed, by their place in the session
    recorded: bool = False  # it was found by an earlier call

    @property
    def survived(self) -> bool:
        """Whether every test passed."""
        return not self.killed_by and not self.out_of_time

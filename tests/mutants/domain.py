"""Faults by hand, which people make in GANs: most are in a well-known library, program or tutorial."""

from dataclasses import dataclass

from tests.mutants.domain_constraints import CONSTRAINTS
from tests.mutants.domain_losses import LOSSES
from tests.mutants.mutation import ROOT, Mutation

KILLS = 2  # test functions that must detect each of them


@dataclass(frozen=True)
class Fault:
    """A text that occurs in its source file exactly once, and what a careless author would have written instead."""

    name: str
    file: str
    right: str
    wrong: str
    imitates: str

    def mutation(self) -> Mutation:
        """The fault as a mutant.

        Raises:
            ValueError: The right text is not in the file, or several times: the library has changed.
        """
        path = ROOT / "src" / "gankit" / self.file
        source = path.read_text()
        if source.count(self.right) != 1:
            raise ValueError(
                f"{self.name}: {self.file} must hold this once, not {source.count(self.right)} times: {self.right}"
            )
        first = source[: source.index(self.right)].count("\n") + 1
        return Mutation(
            file=str(path.relative_to(ROOT)),
            function="",
            operator="domain",
            before=self.right,
            after=self.wrong,
            lines=range(first, first + self.right.count("\n") + 1),
            around=range(0),
            code=compile(source.replace(self.right, self.wrong), str(path), "exec"),
        )

    def fits(self) -> bool:
        """Whether the library still has the right text, once."""
        return (ROOT / "src" / "gankit" / self.file).read_text().count(self.right) == 1


FAULTS = tuple(Fault(name, *rest) for name, *rest in (*LOSSES, *CONSTRAINTS))

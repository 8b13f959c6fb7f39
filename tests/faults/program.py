"""The program: which trials there are, their records, and what is left to try."""

import hashlib
import importlib
import pkgutil
import random
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import examples.anime_faces
from benchmarks.toys.runs import Record, load, make_record, save
from tests.faults.children import ROOT
from tests.faults.disks import DISKS
from tests.faults.hostile import HOSTILE
from tests.faults.library import MEMORY, UPDATES
from tests.faults.materials import Materials
from tests.faults.parsers import PARSERS
from tests.faults.ranks import RANKS_LOST
from tests.faults.runs import GO_ON, POISON, STARTS
from tests.faults.saves import DAMAGE, KILLS
from tests.faults.tally import Arm, Setting, Tally, Trial, UntriedError

TRIALS = (KILLS, DAMAGE, GO_ON, STARTS, UPDATES, POISON, RANKS_LOST, DISKS, HOSTILE, PARSERS, MEMORY)
SEED = 0
SOURCES = ("src", "examples")
LOADED_LATE = (
    *("examples.anime_faces.__main__", "matplotlib.backends.backend_agg", "webdataset.tariterators"),
    *("torch._dynamo", "torch.distributed.fsdp"),  # which optimizers and updates load
)
NOT_IMPORTED = {"__main__", "train_judge", "train_encoder"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One arm of a trial, with a number of attempts.

    Args:
        trial: The trial.
        name: The name of the arm.
        count: How many attempts it makes.
        fresh: See `Setting`.
    """

    trial: Trial
    name: str
    count: int
    fresh: bool

    @property
    def arm(self) -> Arm:
        """The arm."""
        return self.trial.arms[self.name]

    @property
    def protocol(self) -> dict[str, object]:
        """Everything that a record of it depends on; a record of another protocol is stale."""
        return {"attempts": self.count, "limits": dict(self.arm.limits), "fresh": self.fresh}

    def kept(self, folder: Path) -> Record | None:
        """Return its record, or None if it is missing."""
        return load(folder, self.trial.name, self.name, SEED, protocol=self.protocol)

    def run(self, materials: Materials) -> Record:
        """Make the attempts."""
        tally, begun = Tally(), time.monotonic()
        with tempfile.TemporaryDirectory(dir=materials.folder) as place:
            rng = random.Random(f"{SEED} {self.trial.name} {self.name}")
            setting = Setting(place=Path(place), materials=materials, rng=rng, fresh=self.fresh)
            try:
                self.arm.run(setting, self.count, tally)
            except UntriedError as error:
                tally.untried = str(error)
            except Exception as error:  # noqa: BLE001  a trial that breaks off has not shown its promise
                tally.failures.append(f"the trial broke off: {type(error).__name__}: {error}")
        return make_record(
            self.trial.name,
            self.name,
            SEED,
            protocol=self.protocol,
            figures={
                "tried": tally.tried,
                "failures": tally.failures,
                "untried": tally.untried,
                "measured": tally.figures,
                "sources": digest_of_sources(),
            },
            seconds=time.monotonic() - begun,
        )


def jobs(trials: Iterable[Trial], *, quick: bool, at_most: int | None = None) -> list[Job]:
    """Return what is to be tried; arms without a quick form are left out of it.

    Args:
        trials: The trials.
        quick: The quick form instead of the long one.
        at_most: Attempts of an arm at most; None for the number of the form.
    """
    counts = [(trial, name, arm.quick if quick else arm.long) for trial in trials for name, arm in trial.arms.items()]
    return [
        Job(trial=trial, name=name, count=min(count, at_most or count), fresh=not quick)
        for trial, name, count in counts
        if count
    ]


def play(todo: Iterable[Job], folder: Path, *, again: bool = False) -> Iterator[Record]:
    """Yield the record of each job: the one in the folder, or a new one, which is kept there.

    Args:
        todo: The jobs.
        folder: Where records are.
        again: Make all records anew.
    """
    warm_up()
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        materials = Materials(Path(place))
        for job in todo:
            record = None if again else job.kept(folder)
            if record is None:
                record = job.run(materials)
                save(folder, record)
            yield record


def failed(records: Iterable[Record]) -> bool:
    """Return whether anything failed."""
    return any(record.figures["failures"] for record in records)


def warm_up() -> None:
    """Import all of the example, so that forks of this process need not."""
    package = examples.anime_faces
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name.rpartition(".")[2] not in NOT_IMPORTED:
            importlib.import_module(module.name)
    for name in LOADED_LATE:
        importlib.import_module(name)


def digest_of_sources() -> str:
    """Return the beginning of a digest of all code that is tried."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]

"""`demo`: everything once, from nothing to a report."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from examples.anime_faces.commands import check_seed, shown_as
from examples.anime_faces.commands._minutes import Minutes
from examples.anime_faces.data import Fit
from examples.anime_faces.errors import DIVERGED
from examples.anime_faces.printing import say, without_readers
from examples.anime_faces.recipes import find_options, saved_options

if TYPE_CHECKING:
    from examples.anime_faces.report import LivePage

LATER_STAGES = ("training", "drawing samples", "measuring them", "writing the report")
SHEET_COLUMNS = 10
MOST_ROWS = 12
MOST_MINUTES = 1_000_000
FACES_TIMED = 6
SECONDS_OF_WORKERS = 4.0  # to start them
FACES_SHARE = 1 / 6  # of the minutes
MOST_FACES, FEWEST_FACES = 20_000, 4_000


@dataclass(kw_only=True)
class Demo:
    """Do everything once: render faces, learn to draw them, draw samples, measure them, and write a report.

    It takes about --minutes in all, also on two CPU cores beside other work. If it is stopped, repeat the same command to
    continue. With your own pictures instead of rendered faces:

        demo --out runs/mine --images FOLDER
    """

    out: Path = Path("runs/demo")
    """Folder of the run. The data set is written into its subfolder `data`."""
    minutes: float = 12.0
    """Minutes in all: pictures, training, measuring and report. Training gets what the others leave."""
    count: Annotated[int | None, shown_as("INT")] = None
    """Faces to render and learn from. Default: 20000, or on a slow machine as many as take a sixth of the minutes."""
    size: int = 64
    """Width and height of the pictures."""
    seed: int = 0
    """Fixes the faces, the first weights, the noise and the order of the pictures."""
    samples: Annotated[int | None, shown_as("INT")] = None
    """How many samples to measure. Fewer take less time and give rougher figures. Default: as many as fit, at most 2640."""
    images: Annotated[Path | None, shown_as("FOLDER")] = None
    """Folder with your own pictures, subfolders as classes, instead of rendered faces; see `prepare`."""
    labels: Annotated[Path | None, shown_as("FILE.csv")] = None
    """CSV table with the classes of the pictures in --images."""
    tags: Annotated[Path | None, shown_as("FILE")] = None
    """Tag file with the hair and eye colors of the pictures in --images."""
    fit: Annotated[Fit, tyro.conf.EnumChoicesFromValues, tyro.conf.arg(metavar="crop|pad|stretch")] = Fit.CROP
    """How pictures in --images become square: crop to the middle, pad with white, or stretch."""

    def run(self) -> None:
        """Run all steps and say where to look."""
        check_seed(self.seed)
        if not 0 < self.minutes <= MOST_MINUTES:
            raise ValueError(f"--minutes must be above 0, and at most {MOST_MINUTES:,}, but it is {self.minutes}")
        # Before torch is imported, which takes a while on a busy machine.
        minutes = Minutes(whole=self.minutes, goes_on=(self.out / "settings.json").exists())
        from examples.anime_faces.data import check_place_of_run, command_line

        check_place_of_run(self.out)
        from examples.anime_faces.report import LivePage
        from examples.anime_faces.run import RunFolder, locked
        from examples.anime_faces.systems import base_and_doublings

        base_and_doublings(self.size)
        data = self.out / "data"
        stages = ("rendering faces" if self.images is None else "reading pictures", *LATER_STAGES)
        faces, pictures = self._faces(data)
        say(*minutes.plan(stages, pictures).split("\n"), flush=True)
        if RunFolder(self.out).lock.exists():
            with locked(RunFolder(self.out)):
                pass  # refused here, not when the pictures are made, if another process trains there
        with LivePage(self.out, stages) as page, without_readers():
            self._announce(page, stages[0], minutes, pictures)
            self._prepare(data, page, faces)
            self._announce(page, stages[1], minutes)
            diverged = self._train(data, page, minutes)
            self._announce(page, stages[2], minutes)
            self._sample(data)
            self._announce(page, stages[3], minutes)
            self._evaluate(data, minutes)
            self._announce(page, stages[4], minutes)
            self._report()
        say("", f"all done after {minutes.spent:.1f} minutes; open {(self.out / 'report.html').resolve()}")
        words = self._words(data)
        say(f"draw more with  {command_line(['sample', *words[-1:], '--n', '16', '--run', str(self.out)])}")
        if diverged:
            raise SystemExit(DIVERGED)

    def _announce(self, page: "LivePage", stage: str, minutes: Minutes, pictures: float | None = None) -> None:
        number = page.enter(stage)
        after = f"after {minutes.spent:.1f} of {self.minutes:g} min"
        say("", f"[{number}/5] {stage}: {minutes.of_step(number, pictures)} ({after})", flush=True)

    def _prepare(self, data: Path, page: "LivePage", faces: int) -> None:
        from examples.anime_faces.commands.prepare import Prepare
        from examples.anime_faces.data import Dataset
        from examples.anime_faces.data.render import Knobs
        from examples.anime_faces.metrics import check_samples, forecast

        check_samples(self.samples, rendered=self.images is None)
        if self.images is None:
            knobs = Knobs(withheld_pairs=withheld_pairs())
            prepare = Prepare(out=data, count=faces, size=self.size, seed=self.seed, knobs=knobs)
        else:
            prepare = Prepare(out=data, size=self.size, images=self.images, fit=self.fit)
        prepare.labels, prepare.tags = self.labels, self.tags
        prepare.run(page.watch_pictures)
        say(*forecast(Dataset.open(data), self.samples))

    def _train(self, data: Path, page: "LivePage", minutes: Minutes) -> bool:
        from examples.anime_faces.commands.train import Train

        asked, options = self._plan_of_training(minutes)
        train = Train(data=data, out=self.out, minutes=asked, seed=self.seed, options=options)
        return train.run_watched(page.watch)

    def _faces(self, data: Path) -> tuple[int, float | None]:
        """Decide how many faces to render, and estimate the minutes of the first step; None for pictures from files."""
        from examples.anime_faces.data import Dataset, default_workers
        from examples.anime_faces.data.render import face_from_seed, render
        from examples.anime_faces.systems import typical_seconds

        if self.images is not None:
            return 0, 0.0 if data.exists() else None
        if data.exists():
            return self.count or len(Dataset.open(data)), 0.0
        times: list[float] = []
        for number in range(FACES_TIMED):
            before = time.perf_counter()
            render(face_from_seed(self.seed, number), self.size)
            times.append(time.perf_counter() - before)
        seconds = typical_seconds(times) / default_workers()
        faces = self.count or faces_within(FACES_SHARE * 60 * self.minutes - SECONDS_OF_WORKERS, seconds)
        return faces, (SECONDS_OF_WORKERS + seconds * faces) / 60

    def _plan_of_training(self, minutes: Minutes) -> tuple[float, Any]:
        """Return what is left for training, and its options; a run that has begun keeps what it was given at its start."""
        from examples.anime_faces.run import RunFolder, Settings

        path = RunFolder(self.out).settings
        begun = Settings.load(path) if path.exists() else None
        if begun is None or begun.minutes is None:
            return round(minutes.of_training(), 3), find_options("default")()
        say(f"note: this run has begun: training continues as planned then, {begun.minutes:.3g} minutes in all")
        return begun.minutes, saved_options("default", begun.options)

    def _sample(self, data: Path) -> None:
        from examples.anime_faces.commands.sample import Sample

        Sample(
            words=self._words(data), run_folder=self.out, n=SHEET_COLUMNS, seed=self.seed, out=self.out / "samples.png"
        ).run()

    def _words(self, data: Path) -> tuple[str, ...]:
        from examples.anime_faces.data import Dataset, describe

        attributes = Dataset.open(data).attributes
        return tuple(describe(ids, attributes) for ids in sheet_rows([len(one.classes) for one in attributes]))

    def _evaluate(self, data: Path, minutes: Minutes) -> None:
        from examples.anime_faces.commands.results import Evaluate

        newest = max((path.stat().st_mtime for path in (self.out / "checkpoints").glob("*.pt")), default=0.0)
        metrics = self.out / "metrics.json"
        if metrics.exists() and metrics.stat().st_mtime > newest:
            say(f"{metrics} already measures the newest checkpoint: nothing to do")
            return
        seconds = minutes.seconds_of_measuring()
        Evaluate(run_folder=self.out, data=data, samples=self.samples, seconds=seconds).run()

    def _report(self) -> None:
        from examples.anime_faces.commands.results import Report

        Report(run_folder=self.out).run()


def faces_within(seconds: float, seconds_of_a_face: float) -> int:
    """Return how many faces to render: a round number that fits into the time, but neither too few nor more than needed.

    Example:
        >>> faces_within(100.0, 0.008), faces_within(100.0, 0.001), faces_within(100.0, 0.1)
        (12000, 20000, 4000)
    """
    return max(FEWEST_FACES, min(MOST_FACES, int(seconds / seconds_of_a_face / 1000) * 1000))


def sheet_rows(counts: list[int]) -> list[tuple[int, ...]]:
    """Return the class ids of the rows of the sample sheet, so that as many classes of every attribute as possible are shown.

    Args:
        counts: Number of classes of each attribute. Empty (a data set without labels) gives no rows.

    Example:
        >>> sheet_rows([3])
        [(0,), (1,), (2,)]
        >>> sheet_rows([12, 11])[:3]
        [(0, 5), (1, 1), (2, 8)]
    """
    rows = min(MOST_ROWS, max(counts, default=0))
    return [
        tuple((7 * row + 5 if position else row) % count for position, count in enumerate(counts))
        for row in range(rows)
    ]


def withheld_pairs() -> tuple[tuple[int, int], ...]:
    """Return 12 of the 132 pairs of hair and eye color to leave out of training.

    There is one pair for each hair color, and no eye color occurs more than twice, so training still shows every color with
    many others. A generator that draws the withheld pairs has learned the two colors independently.
    """
    from examples.anime_faces.data import FACE_ATTRIBUTES

    hair, eyes = (len(attribute.classes) for attribute in FACE_ATTRIBUTES)
    return tuple((index, (7 * index + 3) % eyes) for index in range(hair))

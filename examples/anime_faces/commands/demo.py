"""`demo`: everything once, from nothing to a report."""

import time
from dataclasses import dataclass
from pathlib import Path

from examples.anime_faces.recipes import DefaultOptions

SHEET_COLUMNS = 10


@dataclass(kw_only=True)
class Demo:
    """Do everything once: render faces, learn to draw them, draw samples, measure them, and write a report.

    Takes about a quarter of an hour on two CPU cores. If it is stopped, the same command goes on where it was.
    """

    out: Path = Path("runs/demo")
    """Folder of the run; the rendered faces go into `data` inside it."""
    minutes: float = 11.0
    """How long to train."""
    count: int = 20_000
    """Faces to render and learn from."""
    size: int = 64
    """Width and height of the pictures."""
    seed: int = 0
    """Fixes faces, first weights, noise and order."""
    samples: int = 12_000
    """Samples to measure; fewer are quicker and rougher."""

    def run(self) -> None:
        """Run all steps and say where to look."""
        start = time.monotonic()
        data = self.out / "data"
        self._announce(1, "rendering faces", start)
        self._prepare(data)
        self._announce(2, "training", start)
        self._train(data)
        self._announce(3, "drawing samples", start)
        self._sample()
        self._announce(4, "measuring them", start)
        self._evaluate(data)
        self._announce(5, "writing the report", start)
        self._report()
        minutes = (time.monotonic() - start) / 60
        print(f"\nall done after {minutes:.1f} minutes; open {(self.out / 'report.html').resolve()}")
        print(f'draw more with  python -m examples.anime_faces sample "blue hair red eyes" --n 16 --run {self.out}')

    def _announce(self, number: int, words: str, start: float) -> None:
        print(f"\n[{number}/5] {words} ({(time.monotonic() - start) / 60:.1f} min)", flush=True)

    def _prepare(self, data: Path) -> None:
        from examples.anime_faces.data import write_rendered
        from examples.anime_faces.data.render import Knobs

        write_rendered(data, self.count, self.size, self.seed, Knobs(withheld_pairs=withheld_pairs()))

    def _train(self, data: Path) -> None:
        from examples.anime_faces.commands.train import Train

        Train(data=data, out=self.out, minutes=self.minutes, seed=self.seed, options=DefaultOptions()).run()

    def _sample(self) -> None:
        from examples.anime_faces.commands.sample import Sample
        from examples.anime_faces.data import FACE_ATTRIBUTES, describe

        hair, eyes = (len(attribute.classes) for attribute in FACE_ATTRIBUTES)
        pairs = [(index, (7 * index + 5) % eyes) for index in range(hair)]
        words = tuple(describe(pair, FACE_ATTRIBUTES) for pair in pairs)
        Sample(words=words, run_folder=self.out, n=SHEET_COLUMNS, seed=self.seed, out=self.out / "samples.png").run()

    def _evaluate(self, data: Path) -> None:
        from examples.anime_faces.commands.evaluate import Evaluate

        newest = max((path.stat().st_mtime for path in (self.out / "checkpoints").glob("*.pt")), default=0.0)
        metrics = self.out / "metrics.json"
        if metrics.exists() and metrics.stat().st_mtime > newest:
            print(f"{metrics} belongs to the newest checkpoint already: nothing to do")
            return
        Evaluate(run_folder=self.out, data=data, samples=self.samples).run()

    def _report(self) -> None:
        from examples.anime_faces.commands.report import Report

        Report(run_folder=self.out).run()


def withheld_pairs() -> tuple[tuple[int, int], ...]:
    """Return 12 of the 132 pairs of hair and eye color to leave out of training.

    One for each hair color, no eye color more than twice, so that every color is still seen with many others: whoever
    draws these pairs has learned the two colors apart.
    """
    from examples.anime_faces.data import FACE_ATTRIBUTES

    hair, eyes = (len(attribute.classes) for attribute in FACE_ATTRIBUTES)
    return tuple((index, (7 * index + 3) % eyes) for index in range(hair))

"""Train the default recipe of the anime faces with several seeds and budgets: ``python -m benchmarks.faces`` writes their page.

Each run trains and is evaluated by the commands that a user would give, with one thread. It leaves a file in
``benchmarks/results/faces``; runs whose file exists are not repeated, and a run that was interrupted goes on, so that the table
can be made bit by bit. Needs the extra `examples`.
"""

import argparse
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks.example import command
from benchmarks.toys.runs import Record, all_runs, play
from examples.anime_faces.commands.demo import withheld_pairs
from examples.anime_faces.data import write_rendered
from examples.anime_faces.data.render import Knobs

RESULTS = Path(__file__).parent / "results"
PICTURES = 20_000
SAMPLES = 2_640
PROMPTS = ("orange hair aqua eyes", "green hair gray eyes", "purple hair pink eyes", "black hair orange eyes")
COLUMNS = 10
FIGURES: Mapping[str, str] = {
    "hair_accuracy": "hair",
    "eye_accuracy": "eyes",
    "withheld_eye_accuracy": "eyes of withheld pairs",
    "unasked_variation": "variation",
    "unasked_variation_worst": "worst factor",
    "noise_usage": "noise usage",
    "fid": "FID",
    "coverage_of_real": "coverage",
    "untrained_coverage_of_real": "coverage, untrained",
    "parts_distance": "parts",
    "parts_distance_worst": "worst part",
    "spectrum_greatest": "spectrum, dB",
    "score_joint": "classification score",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A way to train.

    Attributes:
        steps: Length of the run.
        options: Options of the recipe that differ from its defaults, as words of the command line.
    """

    steps: int
    options: tuple[str, ...] = ()


TIMED_STEPS = 240
REPEATS = 3
BEFORE = ("--batch-size", "32", "--detail-weight", "0", "--critic-rate-factor", "1", "--color-weight", "0")
ARMS: Mapping[str, Arm] = {
    "before, 1,700 steps": Arm(steps=1_700, options=BEFORE),
    "now, the same time as 1,700": Arm(steps=2_650),
    "before, 4,500 steps": Arm(steps=4_500, options=BEFORE),
    "now, the same time as 4,500": Arm(steps=7_000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """The experiment.

    Args:
        arms: What is compared, by name.
        work: Folder of data set and runs; a run is removed when its record is written.
        results: Folder of records and sheets.
    """

    arms: Mapping[str, Arm]
    work: Path
    results: Path
    name: str = "faces"
    drawn: bool = True

    def protocol(self, arm: str) -> dict[str, object]:
        """Return what a run depends on except its seed."""
        arms = self.arms[arm]
        return {"steps": arms.steps, "options": arms.options, "samples": SAMPLES, "withheld": len(withheld_pairs())}

    def run(self, arm: str, seed: int) -> dict[str, Any]:
        """Train and measure one arm; returns what metrics.json says of it. Of the first seed, a sheet of samples is kept."""
        out = self.work / f"{_slug(arm)}-{seed}"
        command(
            *("train", "--data", str(self.data), "--out", str(out), "--seed", str(seed)),
            *("--steps", str(self.arms[arm].steps), "--threads", "1", *self.arms[arm].options),
        )
        command("evaluate", str(out), "--samples", str(SAMPLES))
        if seed == 0:
            command("sample", *PROMPTS, "--run", str(out), "--n", str(COLUMNS), "--out", str(self.sheet(arm)))
        metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
        settings = json.loads((out / "settings.json").read_text(encoding="utf-8"))
        shutil.rmtree(out)
        return {name: metrics[name] for name in ("figures", "passed", "bounded", "revision")} | {
            "precision": settings["hardware"]["precision"]
        }

    @property
    def data(self) -> Path:
        """The data set, which all runs share."""
        return self.work / "data"

    def sheet(self, arm: str) -> Path:
        """Return where the sheet of an arm is."""
        return self.results / f"{_slug(arm)}.png"

    def prepare(self) -> None:
        """Render the data set, if it is not there."""
        self.results.mkdir(parents=True, exist_ok=True)
        if not self.data.exists():
            write_rendered(self.data, PICTURES, 64, 0, Knobs(withheld_pairs=withheld_pairs()))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimes:
    """The seconds of a step of *before* and of *now* on a data set, in short runs in `work` that are made in turn."""

    work: Path
    data: Path
    name: str = "step"
    drawn: bool = True

    @property
    def arms(self) -> Mapping[str, tuple[str, ...]]:
        """Options of the recipe, by way."""
        return {"before": BEFORE, "now": ()}

    def protocol(self, arm: str) -> dict[str, object]:
        """Return what the times depend on."""
        return {"steps": TIMED_STEPS, "options": self.arms[arm]}

    def run(self, arm: str, seed: int) -> dict[str, Any]:
        """Train one way and return the seconds of a step."""
        out = self.work / f"timed-{arm}-{seed}"
        shutil.rmtree(out, ignore_errors=True)
        words = ("--seed", str(seed), "--steps", str(TIMED_STEPS), "--threads", "1", *self.arms[arm])
        command("train", "--data", str(self.data), "--out", str(out), *words)
        lines = (out / "log.jsonl").read_text(encoding="utf-8").splitlines()
        first, last = json.loads(lines[0]), json.loads(lines[-1])
        shutil.rmtree(out)
        return {"seconds": (last["seconds"] - first["seconds"]) / (last["step"] - first["step"])}


def _slug(arm: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", arm.replace(",", "")))


def page(experiment: Faces, records: Sequence[Record], times: Sequence[Record]) -> str:
    """Return the page: what was done, every run, every arm, and the samples."""
    before, now = ([record.figures["seconds"] for record in times if record.arm == way] for way in ("before", "now"))
    ratios = sorted(own / other for own, other in zip(now, before, strict=True))
    made = (
        f"torch {records[0].torch}, one thread a run, {records[0].machine}; written by `python -m benchmarks.faces` from the "
        f"files in `faces/`. Each run trains `default` on {PICTURES:,} rendered faces of 64 x 64 pixels, "
        "without the 12 pairs of colors that the demo withholds too, and is measured with "
        f"{SAMPLES:,} samples by `evaluate`. *Before* is `{' '.join(BEFORE)}`; *now* is the default. A step of *now* "
        f"takes {median(ratios):.2f} of the time of a step of *before* ({ratios[0]:.2f} to {ratios[-1]:.2f} in {len(ratios)} "
        f"interleaved short runs of each), so {1 / median(ratios):.2f} of its steps take the time of one. "
        "It trains 1.56 times as many steps."
    )
    lines = [
        "# Faces: the default recipe before and now",
        "",
        made,
        "",
        f"| run | seed | bounds passed | {' | '.join(FIGURES.values())} | misses |",
        f"| --- | --- | --- |{' --- |' * len(FIGURES)} --- |",
    ]
    for record in records:
        figures = record.figures["figures"]
        values = [f"{figures[name]['value']:.3g}" if name in figures else "" for name in FIGURES]
        misses = [FIGURES.get(name, name) for name, figure in figures.items() if figure["passed"] is False]
        passed = f"{record.figures['passed']} of {record.figures['bounded']}"
        lines.append(
            f"| {record.arm} | {record.seed} | {passed} | {' | '.join(values)} | {', '.join(misses) or 'nothing'} |"
        )
    lines += [
        "",
        "| run | seeds | least bounds passed | mean FID | mean noise usage | mean spectrum, dB |",
        "| --- " * 6 + "|",
    ]
    for arm in experiment.arms:
        own = [record.figures for record in records if record.arm == arm]
        if own:
            means = [
                mean(one["figures"][name]["value"] for one in own)
                for name in ("fid", "noise_usage", "spectrum_greatest")
            ]
            least = min(one["passed"] for one in own)
            words = f"| {arm} | {len(own)} | {least} of {own[0]['bounded']} |"
            lines.append(f"{words} {means[0]:.1f} | {means[1]:.2f} | {means[2]:.1f} |")
    lines += ["", "Samples of seed 0, one row for each pair of colors:", ""]
    lines += [
        f"{arm}\n\n![{arm}](faces/{experiment.sheet(arm).name})\n"
        for arm in experiment.arms
        if experiment.sheet(arm).exists()
    ]
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> None:
    """Make the missing runs, then write the page of all runs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faces", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(ARMS), help="run one arm; may be given several times")
    parser.add_argument("--seeds", type=int, default=3, help="runs of every arm")
    parser.add_argument("--workers", type=int, default=2, help="runs at a time, each with one thread")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/benchmark"), help="folder of data set and unfinished runs"
    )
    arguments = parser.parse_args(words)
    experiment = Faces(arms=ARMS, work=arguments.work, results=RESULTS / "faces")
    experiment.prepare()
    everything = all_runs([experiment], range(arguments.seeds))
    chosen = [run for run in everything if run.arm in (arguments.only or ARMS)]
    for record in play(chosen, experiment.results, workers=arguments.workers):
        print(f"{record.arm}, seed {record.seed}: {record.figures['passed']} bounds", flush=True)
    timed = all_runs([StepTimes(work=arguments.work, data=experiment.data)], range(REPEATS))
    for record in play(timed, experiment.results, workers=1):
        print(f"a step, {record.arm}: {record.figures['seconds']:.2f} s", flush=True)
    records, times = (
        [found for run in runs if (found := run.kept(experiment.results))] for runs in (everything, timed)
    )
    records.sort(key=lambda record: (list(ARMS).index(record.arm), record.seed))
    (RESULTS / "faces.md").write_text(page(experiment, records, times), encoding="utf-8")


if __name__ == "__main__":
    main()

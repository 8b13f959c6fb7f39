"""The runs: each recipe of the anime faces, trained, measured and drawn by the commands that a user would give."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.example import command
from examples.anime_faces.data import write_rendered
from examples.anime_faces.data.render import HAIR_COLORS, Knobs

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "guides" / "images" / "recipes"
ROUNDS = 5_000
SIZE = 32
FACES = 12_000
SAMPLES = 1_320
PROMPTS = ("blue hair red eyes", "green hair aqua eyes", "black hair orange eyes", "blonde hair purple eyes")
COLUMNS = 10
SHEET = 32
STRIP = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """How a recipe is trained here.

    Attributes:
        options: Options that differ from the recipe's defaults, as words of the command line.
        binary: Whether the faces have black, brown or blonde hair and labels for glasses and ribbon.
        rounds: Length of the run, where it is not `ROUNDS`: a run of 20 minutes on one thread.
        shown: The command that draws the picture: `sample` with prompts, `sample` without, or `transfer`.
        strip: Whether `transfer` draws a second picture, of faces of the data set.
        asked: Whether colors can be asked for.
    """

    options: tuple[str, ...] = ()
    binary: bool = False
    rounds: int | None = None
    shown: str = "prompts"
    strip: bool = False
    asked: bool = True


SMALL = ("--width", "16", "--blocks", "4", "--batch-size", "16")
ARMS: Mapping[str, Arm] = {
    "default": Arm(),
    "matching_wgan": Arm(
        options=("--width", "16", "--batch-size", "32", "--boosted-steps", "10", "--learning-rate", "2e-4")
    ),
    "dcgan": Arm(options=("--width", "32"), shown="sheet", asked=False),
    "wgan_clip": Arm(options=("--width", "32", "--batch-size", "32"), shown="sheet", asked=False),
    "srresnet_acgan": Arm(options=SMALL),
    "gray_then_color": Arm(options=SMALL, strip=True),
    "stargan": Arm(
        options=("--width", "16", "--blocks", "3", "--learning-rate", "5e-4"),
        binary=True,
        shown="transfer",
        asked=False,
    ),
    "tags_wgan_gp": Arm(options=("--width", "32", "--batch-size", "16")),
    "gan_cls": Arm(options=("--width", "24", "--batch-size", "32")),
    "acgan": Arm(options=("--width", "32", "--batch-size", "64")),
    "r3gan": Arm(options=("--blocks", "1", "--learning-rate", "1e-3", "--augmentation", "0"), rounds=4_000),
    "reacgan": Arm(
        options=("--batch-size", "32", "--learning-rate", "5e-4", "--average-decay", "0.99", "--average-start", "100"),
        rounds=3_000,
    ),
    "retrofit": Arm(options=("--width", "32", "--batch-size", "32")),
    "df_gan": Arm(
        options=(
            *("--width", "16", "--batch-size", "16"),
            *("--generator-learning-rate", "5e-4", "--critic-learning-rate", "2e-3"),
        )
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """The runs.

    Args:
        work: Folder of data sets and unfinished runs; a run is removed when its record is written.
        pictures: Folder of the pictures of the runs.
        arms: How recipes are trained, by name.
        rounds: Length of each run at most.
        faces: Pictures of each data set.
        samples: How many pictures are measured.
    """

    work: Path
    pictures: Path = PICTURES
    arms: Mapping[str, Arm] = field(default_factory=lambda: ARMS)
    rounds: int = ROUNDS
    faces: int = FACES
    samples: int = SAMPLES
    name: str = "gallery"
    drawn: bool = False

    def protocol(self, arm: str) -> dict[str, object]:
        """Return what a run depends on."""
        return {
            "rounds": self._rounds(arm),
            "options": self.arms[arm].options,
            "binary": self.arms[arm].binary,
            "faces": self.faces,
            "size": SIZE,
            "samples": self.samples,
        }

    def run(self, arm: str, seed: int) -> dict[str, Any]:
        """Train, measure and draw one recipe; returns what metrics.json says, the networks' sizes and the duration."""
        out, own = self.work / arm, self.arms[arm]
        data = self._data(binary=own.binary)
        command(
            *("train", "--recipe", arm, "--data", str(data), "--out", str(out), "--seed", str(seed)),
            *("--steps", str(self._rounds(arm)), "--threads", "1", *own.options),
        )
        command("evaluate", str(out), "--samples", str(self.samples))
        self._draw(arm, out, data)
        metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
        settings = json.loads((out / "settings.json").read_text(encoding="utf-8"))
        lines = (out / "log.jsonl").read_text(encoding="utf-8").splitlines()
        result = {name: metrics[name] for name in ("figures", "passed", "bounded", "revision")}
        shutil.rmtree(out)
        return result | {
            "precision": settings["hardware"]["precision"],
            "minutes": round(json.loads(lines[-1])["seconds"] / 60, 1),
        }

    def _rounds(self, arm: str) -> int:
        return min(self.rounds, self.arms[arm].rounds or self.rounds)

    def _draw(self, arm: str, run: Path, data: Path) -> None:
        self.pictures.mkdir(parents=True, exist_ok=True)
        own = self.arms[arm]
        strip = ("transfer", "--run", str(run), "--images", str(data), "--n", str(STRIP))
        match own.shown:
            case "transfer":
                words = strip
            case "sheet":
                words = ("sample", "--run", str(run), "--n", str(SHEET), "--scale", "2")
            case _:
                words = ("sample", *PROMPTS, "--run", str(run), "--n", str(COLUMNS), "--scale", "2")
        command(*words, "--out", str(self.pictures / f"{arm}.png"))
        if own.strip:
            command(*strip, "--out", str(self.pictures / f"{arm}-strip.png"))

    def _data(self, *, binary: bool) -> Path:
        return self.work / ("binary" if binary else "faces")

    def prepare(self) -> None:
        """Render the data sets that are not there."""
        self.work.mkdir(parents=True, exist_ok=True)
        if any(not arm.binary for arm in self.arms.values()) and not self._data(binary=False).exists():
            write_rendered(self._data(binary=False), self.faces, SIZE, 0)
        if any(arm.binary for arm in self.arms.values()) and not self._data(binary=True).exists():
            weights = tuple(float(name in ("black", "brown", "blonde")) for name in HAIR_COLORS)
            knobs = Knobs(hair_weights=weights, glasses_rate=0.5, ribbon_rate=0.3)
            write_rendered(self._data(binary=True), self.faces, SIZE, 0, knobs, binary_labels=True)

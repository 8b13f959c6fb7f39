"""What the runs gave, written into the pages of the recipes and into their index."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.gallery.runs import FACES, ROUNDS, SIZE, Arm
from benchmarks.toys.runs import Record

SECTION = "## A run"
_PICTURES = "../../images/recipes"
FIGURES: Mapping[str, str] = {
    "hair_accuracy": "hair color as requested",
    "eye_accuracy": "eye color as requested",
    "score_joint": "classification score",
    "face_rate": "recognized as a face",
    "noise_usage": "use of the noise",
    "unasked_variation_worst": "worst variation of a factor that was not requested",
    "fid": "FID",
    "coverage_of_real": "coverage",
    "untrained_coverage_of_real": "coverage, untrained features",
    "spectrum_greatest": "spectrum, greatest difference in dB",
}
OF_COLORS = ("hair_accuracy", "eye_accuracy", "score_joint")


def section(record: Record, arm: Arm) -> str:
    """Return the section of a recipe's page on its run."""
    protocol, figures = record.protocol, record.figures["figures"]
    options = " ".join(arm.options)
    faces = "with black, brown or blonde hair, half of them with glasses" if arm.binary else "of all colors"
    what = f"with `{options}` and otherwise default options" if options else "with default options"
    lines = [
        SECTION,
        "",
        (
            f"{protocol['rounds']:,} rounds on {protocol['faces']:,} rendered faces {faces}, {SIZE}x{SIZE} pixels, {what}. "
            f"One thread of {record.machine}, with other programs running, took {record.figures['minutes']:.0f} minutes. "
            f"Measured on {protocol['samples']:,} samples; `python -m benchmarks.gallery --only {record.arm}` repeats it."
        ),
        "",
        f"![Pictures of this run]({_PICTURES}/{record.arm}.png)",
        "",
        *(
            [f"![Faces of the data set, changed by this run]({_PICTURES}/{record.arm}-strip.png)", ""]
            if arm.strip
            else []
        ),
        "| Figure | This run | Real pictures |",
        "|---|---|---|",
    ]
    for name, words in FIGURES.items():
        if name in figures and (arm.asked or name not in OF_COLORS):
            lines.append(f"| {words} | {figures[name]['value']:.3g} | {_floor(figures[name]['floor'])} |")
    return "\n".join(lines) + "\n"


def _floor(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def with_section(page: str, new: str) -> str:
    """Return a page with its section on a run replaced, or put before the references, or at the end."""
    without = re.sub(rf"(?ms)^{SECTION}\n.*?(?=^## |\Z)", "", page).rstrip("\n") + "\n"
    before, heading, after = without.partition("\n## References\n")
    return before.rstrip("\n") + "\n\n" + new + (f"{heading}{after}" if heading else "")


def table(records: Sequence[Record], arms: Mapping[str, Arm]) -> str:
    """Return the section of the index with all runs."""
    names = {
        "hair_accuracy": "Hair",
        "eye_accuracy": "Eyes",
        "noise_usage": "Noise",
        "fid": "FID",
        "coverage_of_real": "Coverage",
        "spectrum_greatest": "Spectrum",
    }
    lines = [
        "## Results of one run each",
        "",
        (
            f"Each recipe was run once on {FACES:,} rendered faces of {SIZE}x{SIZE} pixels with one thread, for {ROUNDS:,} "
            "rounds, or about 20 minutes if these take longer. These runs are far shorter than those of the reports, and most "
            "networks are narrower. The page of each recipe shows pictures and the options. Rounds of different recipes differ "
            "in time and number of pictures, so this table is not a ranking. Hair and eyes: shares of samples with the "
            "requested color (chance: 0.083 and 0.091). Noise: use of the noise (real pictures: 1). Spectrum: greatest "
            "difference in dB. Real pictures have an FID of "
            f"{_floor(records[0].figures['figures']['fid']['floor'])}. `stargan` changes pictures of another data set."
        ),
        "",
        f"| Recipe | Minutes | {' | '.join(names.values())} |",
        f"|---|---|{'---|' * len(names)}",
    ]
    for record in records:
        figures, own = record.figures["figures"], arms[record.arm]
        values = [
            f"{figures[name]['value']:.3g}" if name in figures and (own.asked or name not in OF_COLORS) else ""
            for name in names
        ]
        lines.append(f"| `{record.arm}` | {record.figures['minutes']:.0f} | {' | '.join(values)} |")
    return "\n".join(lines) + "\n"


def write_pages(records: Sequence[Record], arms: Mapping[str, Arm], pages: Path) -> None:
    """Write what the runs gave into the pages of the recipes and into their index."""
    for record in records:
        path = pages / f"{record.arm}.md"
        path.write_text(with_section(path.read_text(encoding="utf-8"), section(record, arms[record.arm])), "utf-8")
    index = pages / "index.md"
    text = re.sub(r"(?ms)^## Results of one run each\n.*?(?=^## |\Z)", "", index.read_text(encoding="utf-8"))
    index.write_text(text.rstrip("\n") + "\n\n" + table(records, arms), encoding="utf-8")

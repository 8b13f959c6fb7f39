"""`train --profile`: where the time of a round goes, printed, written as JSON and drawn."""

import json
from pathlib import Path

from examples.anime_faces.files import write_text, written_whole
from examples.anime_faces.printing import say
from examples.anime_faces.run._folder import RunFolder
from examples.anime_faces.run._profile import ROUNDS, SECONDS, Builder, Profile, profile_rounds
from examples.anime_faces.run._settings import Settings
from examples.anime_faces.run._together import ALONE, Together

COLORS = ("#4062bb", "#d1495b", "#2e933c", "#e08e1b", "#7b4bb7", "#2a9d9d")
OTHER = "#8d96a5"
ROW = 0.32  # inches


def show_profile(settings: Settings, folder: RunFolder, build: Builder, together: Together = ALONE) -> None:
    """Measure rounds of trainings that are not kept; print, write and draw the result.

    Args:
        settings: Of the run.
        folder: Of the run.
        build: Builds a training and its feed, given what makes the part of each update that computes gradients.
        together: The ranks that train, all of which must call this; the first one shows its own times.
    """
    say(f"profile   measuring {ROUNDS} rounds twice, or as many as begin in {SECONDS:.0f} seconds", flush=True)
    found = profile_rounds(build, steps=settings.steps, together=together)
    if not together.is_first:
        return
    for line in found.lines(settings.hardware.device):
        say(f"          {line}")
    write_text(folder.profile.with_suffix(".json"), json.dumps(found.to_dict(), indent=1))
    draw_profile(
        found,
        folder.profile,
        title=f"{settings.recipe}: {found.whole:.3g} s in a round as it runs, on {settings.hardware}",
    )
    say(f"          drawn in {folder.profile}")


def draw_profile(profile: Profile, path: Path, *, title: str) -> None:
    """Draw a bar for each part, from the top in the order of the round; parts of one update have one color.

    Args:
        profile: What was measured.
        path: The PNG to write.
        title: What was measured on what, in a line.
    """
    # Loaded here, since matplotlib is slow to load; in this form it works without a display.
    from matplotlib.figure import Figure

    names, seconds = list(profile.parts), list(profile.parts.values())
    total = sum(seconds)
    updates = list(dict.fromkeys(name.partition(": ")[0] for name in names if ": " in name))
    colors = [COLORS[updates.index(name.partition(": ")[0]) % len(COLORS)] if ": " in name else OTHER for name in names]
    figure = Figure(figsize=(9, 1.1 + ROW * len(names)), dpi=100)
    axes = figure.add_subplot()
    milliseconds = [1000 * one for one in seconds]
    bars = axes.barh(range(len(names)), milliseconds, color=colors, height=0.72)
    labels = [f"{_rounded(one)} ms, {share / total:.0%}" for one, share in zip(milliseconds, seconds, strict=True)]
    axes.bar_label(bars, labels, padding=4, fontsize=8.5)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.3 * max(milliseconds))
    axes.set_xlabel(f"milliseconds in a round, mean of {profile.rounds}", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#e4e6eb", linewidth=0.7)
    axes.set_axisbelow(True)
    figure.suptitle(title, x=0.015, ha="left", fontsize=10)
    figure.tight_layout()
    with written_whole(path) as temporary:
        figure.savefig(temporary, format="png")


def _rounded(milliseconds: float) -> str:
    return f"{milliseconds:,.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"

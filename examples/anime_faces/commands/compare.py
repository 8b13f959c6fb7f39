"""`compare`: several runs beside each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from examples.anime_faces.asked import check_runs_to_compare
from examples.anime_faces.commands import check_seed, shown_as
from examples.anime_faces.files import check_writable
from examples.anime_faces.printing import say

MOST_PICTURES = 64


@dataclass(kw_only=True)
class Compare:
    """Compare runs: a page with their curves, options that differ, figures, and pictures of the same prompts.

    compare runs/clip runs/penalty --out comparison
    """

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], shown_as("RUN RUN [RUN ...]")]
    """Folders of two to eight runs, or checkpoints that `train --keep` kept, such as runs/a/kept/checkpoint-9500.pt."""
    out: Path = Path("comparison")
    """Folder for compare.html, compare.png (the curves) and compare-samples.png; or a page NAME.html, with these beside it."""
    prompt: Annotated[tuple[str, ...], shown_as("PROMPT [PROMPT ...]")] = ()
    """What all runs draw, each prompt in quotes. Default: five prompts that all understand, or else prompts of each run."""
    n: int = 5
    """Pictures of each prompt."""
    seed: int = 0
    """Fixes the noise: the same in all runs, and that of `sample` with the same prompts."""
    log: tyro.conf.FlagCreatePairsOff[bool] = False
    """Draw the curves on a logarithmic axis. It is linear around zero, since losses may be negative."""
    recipe: Annotated[tuple[str, ...], shown_as("MODULE:RECIPE [...]")] = ()
    """Recipes of your own that runs here have, as package.module:RECIPE."""

    def run(self) -> None:
        """Compare, and say where the page is."""
        check_seed(self.seed)
        check_runs_to_compare(self.runs)
        if not 1 <= self.n <= MOST_PICTURES:
            raise ValueError(f"--n must be 1 to {MOST_PICTURES}, but it is {self.n}")
        from examples.anime_faces.comparison import Places, draw_gallery, read_entries, write_comparison

        places = Places.of(self.out)
        check_writable(places.page)
        entries = read_entries(self.runs)
        gallery = draw_gallery(entries, prompts=self.prompt, n=self.n, seed=self.seed, recipes=self.recipe)
        write_comparison(entries, gallery, places, logarithmic=self.log)
        for note in gallery.notes:
            say(f"note: {note}")
        say(f"compare   {places.page}")

"""`sample`: draw pictures with a trained generator."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from examples.anime_faces.asked import check_at_least_1, check_there
from examples.anime_faces.commands import check_seed, shown_as
from examples.anime_faces.commands._sheet import check_place, write_sheet
from examples.anime_faces.files import check_writable, written_whole
from examples.anime_faces.printing import say

if TYPE_CHECKING:
    import numpy as np

    from examples.anime_faces.data import Dataset, Prompt
    from examples.anime_faces.run import LoadedGenerator

MOST_COLUMNS = 16
MOST_WORDS = 6  # of one prompt without quotes, before and after the first one that is not known
MOST_PIXELS = 150_000_000  # about what picture viewers and Pillow open


@dataclass(kw_only=True)
class Sample:
    """Draw pictures with a trained generator: one row of a labeled sheet for each prompt.

    sample "blue hair red eyes" "green hair" --n 16
    """

    words: Annotated[tyro.conf.Positional[tuple[str, ...]], shown_as("[PROMPT ...]")] = ()
    """What to draw, one prompt in quotes each. A color left out is drawn at random; recipes of texts take any words."""
    run_folder: Annotated[Path, tyro.conf.arg(name="run")] = Path("runs/demo")
    """The run's folder, or one checkpoint file."""
    step: Annotated[int | None, shown_as("STEP")] = None
    """Draw from the checkpoint of this step, one that `train --keep` kept. Default: the newest."""
    recipe: Annotated[str | None, shown_as("MODULE:RECIPE")] = None
    """The run's recipe, needed only if it is one of your own: package.module:RECIPE."""
    data: Annotated[Path | None, shown_as("FOLDER")] = None
    """Data set with the pictures to change, for recipes that change pictures. Default: the one of the run."""
    prompts: Annotated[Path | None, shown_as("FILE")] = None
    """File of prompts, one per line: `id,text` or the text alone."""
    n: int = 8
    """Pictures of each prompt."""
    seed: int = 0
    """Fixes the noise: the same seed draws the same pictures."""
    temperature: float = 1.0
    """Multiplies the noise: below 1, pictures of a prompt are more alike and mostly better; above 1, more varied."""
    truncation: Annotated[float | None, shown_as("NUMBER")] = None
    """Draw numbers of the noise that are farther from 0 again: pictures are more alike and mostly better. Default: none."""
    out: Annotated[Path | None, shown_as("FILE")] = None
    """The sheet to write. Default: samples.png; with --table, table.png in the run's folder, which the report shows."""
    table: tyro.conf.FlagCreatePairsOff[bool] = False
    """Mark each prompt as "in training" or "not in training". Without prompts: four pairs of colors, and a text of the data."""
    scale: Annotated[int | None, shown_as("INT")] = None
    """Whole-number enlargement of the pictures. Default: to 64 pixels or more."""
    pictures: Annotated[Path | None, shown_as("FOLDER")] = None
    """Folder to write each picture to as well, as sample_ID_NUMBER.png."""

    def run(self) -> None:
        """Draw the sheet and say where it is."""
        check_at_least_1(n=self.n, scale=self.scale)
        check_seed(self.seed)
        out = self._place()
        check_there(self.run_folder, "--run")
        from examples.anime_faces.data import counted
        from examples.anime_faces.run import (
            ORIGINAL,
            checkpoint_of,
            enlargement,
            load_generator,
            marks_of,
            originals_of,
            training_data,
        )

        run = self.run_folder if self.step is None else checkpoint_of(self.run_folder, self.step)
        generator = load_generator(
            run, recipe=self.recipe, data=self.data, temperature=self.temperature, truncation=self.truncation
        )
        if generator.warning:
            say(f"warning: {generator.warning}")
        if self.data is not None and not self.table and not generator.drawer.changes_pictures:
            raise ValueError(
                f"--data is for recipes that change pictures, but {generator.settings.recipe} draws from noise"
            )
        dataset = training_data(generator) if self.table else None
        prompts = self._prompts(generator, dataset)
        scale = self.scale or enlargement(generator.size)
        self._check_sheet(len(prompts) + generator.drawer.changes_pictures, generator.size * scale)
        images = [self._draw(generator, prompt, index) for index, prompt in enumerate(prompts)]
        texts = [prompt.text for prompt in prompts]
        marks = [""] * len(texts) if dataset is None else marks_of(texts, generator, dataset)
        shown, rows = list(zip(texts, marks, strict=True)), images
        if (originals := originals_of(generator, self.n, seed=self.seed)) is not None:
            shown, rows = [(ORIGINAL, ""), *shown], [originals.permute(0, 2, 3, 1).numpy(), *images]
        self._write_sheet(shown, rows, out, scale)
        drawn = f"{counted(len(prompts), 'prompt')}, {counted(self.n, 'picture')} each"
        noise = f", {generator.noise}" if generator.noise.changes else ""
        say(f"{out}: {drawn}, from step {generator.step}{noise}")
        if self.pictures is not None:
            self._write_pictures(self.pictures, prompts, images)

    def _place(self) -> Path:
        """Return where the sheet is written; refuse places that cannot be, before anything is drawn."""
        out = self.out or Path("samples.png")
        if self.out is None and self.table and self.run_folder.is_dir():
            out = self.run_folder / "table.png"
        out = check_place(out, "samples.png")
        if self.pictures is not None and self.pictures.exists() and not self.pictures.is_dir():
            raise ValueError(f"--pictures must be a folder, but {self.pictures} is a file")
        if self.pictures is not None:
            check_writable(self.pictures / "sample.png")
        return out

    def _check_sheet(self, prompts: int, side: int) -> None:
        """Refuse a sheet that no viewer could show, before anything is drawn."""
        columns = min(self.n, MOST_COLUMNS)
        pixels = prompts * math.ceil(self.n / columns) * columns * side**2
        if pixels > MOST_PIXELS:
            raise ValueError(
                f"--n {self.n}, pictures of {side} pixels, would give a sheet of {pixels / 1e6:,.0f} million pixels; at most "
                f"{MOST_PIXELS // 10**6} million can be drawn: lower them"
            )

    def _prompts(self, generator: "LoadedGenerator", dataset: "Dataset | None") -> "list[Prompt]":
        from examples.anime_faces.data import Prompt, free_id, read_prompts
        from examples.anime_faces.run import ANYTHING, table_prompts

        def parse(text: str) -> tuple[int, ...]:
            generator.check_text(text)
            return ()

        read = [] if self.prompts is None else read_prompts(self.prompts, parse)
        taken = {prompt.id for prompt in read}
        found: list[Prompt] = []
        refuse_unquoted(self.words, generator.check_text)
        for number, text in enumerate(self.words, start=1):
            found.append(Prompt(free_id(number, taken), text, parse(text)))
            taken.add(found[-1].id)  # two prompts of one id would write the same files
        found += read
        if found:
            return found
        examples = (generator.example_texts or (ANYTHING,)) if dataset is None else table_prompts(generator, dataset)
        return [Prompt(str(number), text, ()) for number, text in enumerate(examples, start=1)]

    def _draw(self, generator: "LoadedGenerator", prompt: "Prompt", index: int) -> "np.ndarray":
        from examples.anime_faces.run import seed_of_prompt

        images = generator.generate_prompt(prompt.text, self.n, seed=seed_of_prompt(generator, self.seed, index))
        return images.permute(0, 2, 3, 1).numpy()

    def _write_sheet(
        self, texts: Sequence[tuple[str, str]], images: "Sequence[np.ndarray]", out: Path, scale: int
    ) -> None:
        import numpy as np

        from examples.anime_faces.run import Block, draw_sheet

        columns = min(self.n, MOST_COLUMNS)
        labels: list[tuple[str, str]] = []
        rows: list[np.ndarray] = []
        for text, drawn in zip(texts, images, strict=True):
            for start in range(0, self.n, columns):
                labels.append(text if start == 0 else ("", ""))
                row = drawn[start : start + columns]
                blank = np.full((columns - len(row), *drawn.shape[1:]), 255, dtype=np.uint8)
                rows.append(np.concatenate([row, blank]))
        notes = [mark for _, mark in labels] if self.table else ()
        sheet = draw_sheet([label for label, _ in labels], [Block("", np.stack(rows))], scale=scale, notes=notes)
        write_sheet(sheet, out, "prompts")

    def _write_pictures(self, folder: Path, prompts: "Sequence[Prompt]", images: "Sequence[np.ndarray]") -> None:
        from PIL import Image

        from examples.anime_faces.data import counted

        folder.mkdir(parents=True, exist_ok=True)
        for prompt, drawn in zip(prompts, images, strict=True):
            for number, picture in enumerate(drawn, start=1):
                with written_whole(folder / f"sample_{prompt.id}_{number}.png") as temporary:
                    Image.fromarray(picture).save(temporary, format="PNG")
        say(f"{folder}: {counted(len(prompts) * self.n, 'picture')}")


def refuse_unquoted(words: Sequence[str], check: Callable[[str], None]) -> None:
    """Refuse neighboring words that are no prompts, but are one together: the quotes are missing.

    Args:
        words: The prompts as they were given.
        check: Raises a ValueError for what is no prompt.

    Raises:
        ValueError: There are such words; the message names them in quotes.
    """

    def is_prompt(text: str) -> bool:
        try:
            check(text)
        except ValueError:
            return False
        return True

    wrong = next((place for place, word in enumerate(words) if not is_prompt(word)), None)
    if wrong is None or not any(map(str.isalnum, words[wrong])):  # signs alone are no part of a prompt
        return
    near = words[max(0, wrong - MOST_WORDS) : wrong + MOST_WORDS]
    at = wrong - max(0, wrong - MOST_WORDS)
    for length in range(2, len(near) + 1):
        for start in range(max(0, at - length + 1), min(at, len(near) - length) + 1):
            together = " ".join(near[start : start + length])
            if is_prompt(together):
                raise ValueError(f'{words[wrong]!r} is no prompt; did you mean "{together}"? Write it in quotes')

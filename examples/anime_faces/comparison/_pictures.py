"""The same prompts with the same latents, drawn by every run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from examples.anime_faces.comparison._entries import Entry
from examples.anime_faces.recipes import is_outside, own_name
from examples.anime_faces.run import (
    ANYTHING,
    COLOR_PROMPTS,
    ORIGINAL,
    Block,
    LoadedGenerator,
    Sheet,
    draw_sheet,
    enlargement,
    load_generator,
    originals_of,
    seed_of_prompt,
)

MOST_PROMPTS = 5
OWN_PROMPTS = 3  # of a run that understands none of the others' prompts


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Pictures of one run for one prompt.

    Args:
        entry: The run.
        prompt: What was requested; empty where everything is drawn at random.
        images: uint8 ``(n, size, size, 3)``.
    """

    entry: Entry
    prompt: str
    images: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """All pictures.

    Args:
        rows: The pictures, prompt by prompt; before them, those that runs change, under the prompt "original".
        shared: Whether every run that draws gets the same prompts.
        notes: Which runs draw nothing, and why.
    """

    rows: list[Drawn]
    shared: bool
    notes: list[str]


def draw_gallery(
    entries: Sequence[Entry], *, prompts: Sequence[str], n: int, seed: int, recipes: Collection[str] = ()
) -> Gallery:
    """Draw the same prompts with every run; where no prompt is understood by all of them, each draws its own.

    A prompt has the same seed in every run: `seed` for the first, one more for each further one, as `sample` does. Runs whose
    latents have the same form get the same ones. Runs that change pictures change the same ones for every prompt.

    Args:
        entries: The runs.
        prompts: What to draw. Default: the prompts of report A's table, and those of the runs, as far as all understand them.
        n: Pictures of each prompt.
        seed: See above.
        recipes: Recipes from outside that may be imported.

    Raises:
        ValueError: A prompt is given that some run cannot read; the message names both.
    """
    generators, notes = _generators(entries, recipes)
    if prompts:
        for number, generator in generators.items():
            for prompt in prompts:
                _check(prompt, generator, entries[number - 1])
    common = list(prompts) or _common(list(generators.values()))
    rows = _originals(entries, generators, n, seed)
    if common:
        for place, prompt in enumerate(common):
            rows += [
                _drawn(entries[number - 1], one, prompt, n, seed_of_prompt(one, seed, place))
                for number, one in generators.items()
            ]
    else:
        for number, one in generators.items():
            own = _own(one)[:OWN_PROMPTS]
            rows += [
                _drawn(entries[number - 1], one, prompt, n, seed_of_prompt(one, seed, place))
                for place, prompt in enumerate(own)
            ]
    return Gallery(rows=rows, shared=bool(common), notes=notes)


def _originals(entries: Sequence[Entry], generators: dict[int, LoadedGenerator], n: int, seed: int) -> list[Drawn]:
    """Return the pictures that are changed, once for each data set of runs that change pictures."""
    rows: dict[str, Drawn] = {}
    for number, one in generators.items():
        images = None if one.settings.fingerprint in rows else originals_of(one, n, seed=seed)
        if images is not None:
            drawn = images.permute(0, 2, 3, 1).numpy()
            rows[one.settings.fingerprint] = Drawn(entry=entries[number - 1], prompt=ORIGINAL, images=drawn)
    return list(rows.values())


def _generators(entries: Sequence[Entry], recipes: Collection[str]) -> tuple[dict[int, LoadedGenerator], list[str]]:
    """Return what draws, by the number of the run, and why others do not."""
    found: dict[int, LoadedGenerator] = {}
    notes: list[str] = []
    named = {own_name(recipe) for recipe in recipes}
    for entry in entries:
        recipe = entry.settings.recipe
        if entry.step is None:
            notes.append(f"{entry.label} has no checkpoint, so it draws nothing.")
        elif is_outside(recipe) and recipe not in named:
            notes.append(f"{entry.label} has the recipe {recipe}, which is imported only with --recipe {recipe}.")
        else:
            found[entry.number] = load_generator(entry.given, recipe=recipe if is_outside(recipe) else None)
    return found, notes


def _common(generators: Sequence[LoadedGenerator]) -> list[str]:
    """Return prompts that all understand: a few words for colors, and prompts of the runs; no prompt where none reads any."""
    if generators and not any(one.reads_labels for one in generators):
        return [ANYTHING]
    offered = list(dict.fromkeys([*COLOR_PROMPTS, *(prompt for one in generators for prompt in _own(one))]))
    understood = [prompt for prompt in offered if prompt and all(_reads(one, prompt) for one in generators)]
    return understood[:MOST_PROMPTS]


def _own(generator: LoadedGenerator) -> list[str]:
    """Return prompts of a run's own grid."""
    if not generator.reads_labels:
        return [ANYTHING]
    if generator.example_texts is not None:
        return list(generator.example_texts)
    return list(generator.conditioning.grid(generator.settings.description, 8).names)


def _reads(generator: LoadedGenerator, prompt: str) -> bool:
    try:
        generator.check_text(prompt)
    except ValueError:
        return False
    return True


def _check(prompt: str, generator: LoadedGenerator, entry: Entry) -> None:
    try:
        generator.check_text(prompt)
    except ValueError as error:
        raise ValueError(f"--prompt must be understood by every run, but not by {entry.label}: {error}") from error


def _drawn(entry: Entry, generator: LoadedGenerator, prompt: str, n: int, seed: int) -> Drawn:
    images = generator.generate_prompt(prompt, n, seed=seed)
    return Drawn(entry=entry, prompt=prompt, images=images.permute(0, 2, 3, 1).numpy())


def gallery_sheet(gallery: Gallery) -> Sheet | None:
    """Lay out all pictures, a row for each prompt and run, with the run's name under the prompt. None: there are none."""
    if not gallery.rows:
        return None
    largest = max(row.images.shape[1] for row in gallery.rows)
    side = largest * enlargement(largest)
    images = np.stack([enlarged(row.images, side) for row in gallery.rows])
    prompts = [row.prompt or "anything" for row in gallery.rows]
    labels = [
        "" if place and gallery.shared and prompt == prompts[place - 1] else prompt
        for place, prompt in enumerate(prompts)
    ]
    groups = [row.prompt if gallery.shared or row.prompt == ORIGINAL else row.entry.label for row in gallery.rows]
    begins = [place for place in range(1, len(groups)) if groups[place] != groups[place - 1]]
    notes = [row.entry.label for row in gallery.rows]
    return draw_sheet(labels, [Block("", images)], notes=notes, begins=begins)


def enlarged(images: np.ndarray, side: int) -> np.ndarray:
    """Return pictures of `side` pixels; each pixel stays a square where the sizes are multiples."""
    if images.shape[1] == side:
        return images
    resized = [Image.fromarray(image).resize((side, side), Image.Resampling.NEAREST) for image in images]
    return np.stack([np.asarray(image) for image in resized])

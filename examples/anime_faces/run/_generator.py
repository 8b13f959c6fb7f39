"""A trained generator, ready to draw: what `sample` and `evaluate` use."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from examples.anime_faces.data import Attribute, Dataset
from examples.anime_faces.recipes import OPTIONS, find_recipe
from examples.anime_faces.recipes._every_text import EveryText
from examples.anime_faces.recipes._hardware import Hardware
from examples.anime_faces.recipes._recipe import Conditioning, System
from examples.anime_faces.run._conditions import fill_in
from examples.anime_faces.run._drawing import draw_images
from examples.anime_faces.run._fine_tune import load_any_checkpoint
from examples.anime_faces.run._settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedGenerator:
    """The averaged generator of a run.

    Args:
        settings: Of the run that it comes from.
        step: How many steps it was trained.
        conditioning: Says how labels or texts are read.
        system: Networks, of which the average draws.
        device: Where it lies.
    """

    settings: Settings
    step: int
    conditioning: Conditioning
    system: System
    device: str

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """What pictures can be asked by."""
        return self.settings.description.attributes

    @property
    def example_texts(self) -> tuple[str, ...] | None:
        """A few of the texts that it was trained on, where any text can be asked for; else None."""
        text = self.settings.description.text
        return None if text is None else text.examples

    @property
    def size(self) -> int:
        """Height and width of a picture."""
        return self.settings.description.size

    @property
    def network(self) -> nn.Module:
        """The averaged generator, called as ``network(latents, condition)``."""
        return self.system.average.network

    def generate(self, class_ids: torch.Tensor, *, seed: int) -> torch.Tensor:
        """Draw one picture for each row of class ids.

        Args:
            class_ids: int64 ``(n, attributes)``; -1 draws that class at random.
            seed: Fixes latents and random classes; nothing else is random.

        Returns:
            uint8 ``(n, 3, size, size)``.

        Raises:
            ValueError: The shape does not fit, or an id is out of range.
        """
        self._check(class_ids)
        rng = torch.Generator().manual_seed(seed)
        latents = self.system.latents(len(class_ids), rng)
        known = fill_in(class_ids.cpu().to(torch.int64), self.settings.description.classes, rng)
        condition = self.conditioning.encode(known, self.settings.description)
        return draw_images(self.network, latents, condition, device=self.device)

    def generate_texts(self, texts: Sequence[str], *, seed: int) -> torch.Tensor:
        """Draw one picture for each text.

        Args:
            texts: Any words, known or not.
            seed: Fixes latents.

        Returns:
            uint8 ``(n, 3, size, size)``.

        Raises:
            ValueError: A text has no words or cannot be encoded, or the recipe reads labels only.
        """
        condition = self._condition_of(texts)
        latents = self.system.latents(len(texts), torch.Generator().manual_seed(seed))
        return draw_images(self.network, latents, condition, device=self.device)

    def check_text(self, text: str) -> None:
        """Refuse a text that no picture can be drawn of.

        Raises:
            ValueError: It has no words or cannot be encoded, or the recipe reads labels only.
        """
        self._condition_of([text])

    def _condition_of(self, texts: Sequence[str]) -> torch.Tensor:
        if not isinstance(self.conditioning, EveryText):
            raise ValueError(f"texts are for recipes that read them; {self.settings.recipe} reads labels")
        return self.conditioning.encode_texts(texts, self.settings.description)

    def texts_of(self, dataset: Dataset) -> dict[int, str]:
        """Return what is written about each picture of a data set, by its row; pictures without a text are left out."""
        assert isinstance(self.conditioning, EveryText)
        rows, texts = self.conditioning.rows_and_texts(dataset)
        return dict(zip(rows.tolist(), texts, strict=True))

    def _check(self, class_ids: torch.Tensor) -> None:
        counts = self.settings.description.classes
        if class_ids.ndim != 2 or class_ids.shape[1] != len(counts) or len(class_ids) == 0:
            raise ValueError(f"class_ids must have shape (n, {len(counts)}), but it is {tuple(class_ids.shape)}")
        for index, count in enumerate(counts):
            low, high = int(class_ids[:, index].min()), int(class_ids[:, index].max())
            if low < -1 or high >= count:
                name = self.attributes[index].name
                raise ValueError(f"class ids of {name} must be -1 to {count - 1}, but they reach from {low} to {high}")


def load_generator(run_or_checkpoint: Path | str, *, device: str = "cpu") -> LoadedGenerator:
    """Load the averaged generator of a run's newest checkpoint, or of one checkpoint file.

    Raises:
        ValueError: There is no checkpoint, or it is damaged.
    """
    state = load_any_checkpoint(Path(run_or_checkpoint))
    settings = Settings.from_dict(state["settings"])
    recipe = find_recipe(settings.recipe)
    options: Any = OPTIONS[settings.recipe](**settings.options)
    hardware = Hardware(device=device, threads=settings.hardware.threads)
    # Building draws fresh weights; whoever loads a generator should not find their random numbers moved.
    with torch.random.fork_rng(devices=[]):
        system = recipe.build(settings.description, options, hardware, settings.steps)
    system.average.load_state_dict(state["average"])
    conditioning = recipe.conditioning(options)
    _note_other_encoder(settings, conditioning)
    return LoadedGenerator(
        settings=settings,
        step=state["step"],
        conditioning=conditioning,
        system=system,
        device=device,
    )


def _note_other_encoder(settings: Settings, conditioning: Conditioning) -> None:
    """Say so where a table of vectors was changed since: more texts in it do no harm, other vectors do."""
    if settings.description.text is None or not isinstance(conditioning, EveryText):
        return
    was, now = settings.description.text.encoder, conditioning.encoder_in_words
    if was != now:
        print(f"note: the run was trained with {was}, and it is now {now}: the same text may have another vector")

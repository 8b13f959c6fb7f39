"""A trained generator, ready to draw: what `sample` and `evaluate` use."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from examples.anime_faces.data import Attribute, Dataset, open_verified
from examples.anime_faces.printing import say
from examples.anime_faces.recipes import find_recipe, saved_options
from examples.anime_faces.run._formats import in_current_format, load_any_checkpoint
from examples.anime_faces.run._loading import check_recipe, filled, saved_network
from examples.anime_faces.run._noise import Noise
from examples.anime_faces.run._settings import Settings
from examples.anime_faces.run._stores import pictures_of
from examples.anime_faces.systems import Conditioning, Drawer, Hardware, fill_in

ANYTHING = ""  # the prompt of pictures of which everything is drawn at random


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedGenerator:
    """The averaged generator of a run.

    Args:
        settings: Of the run that it comes from.
        step: How many steps it was trained.
        conditioning: Says how labels or texts are read.
        drawer: The averaged networks, which draw.
        data: The data set whose pictures are changed, by generators that change pictures. None: that of the run.
        noise: How the latents differ from those of training.
    """

    settings: Settings
    step: int
    conditioning: Conditioning
    drawer: Drawer
    data: Path | None
    noise: Noise

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """What kind of condition pictures can be requested by."""
        return self.settings.description.attributes

    @property
    def reads_labels(self) -> bool:
        """Whether pictures can be requested by the attributes, or by texts."""
        return self.settings.description.reads_labels

    @property
    def example_texts(self) -> tuple[str, ...] | None:
        """A few of the texts that it was trained on if any text can be requested; else None."""
        text = self.settings.description.text
        return None if text is None else text.examples

    @property
    def size(self) -> int:
        """Height and width of a picture."""
        return self.settings.description.size

    @property
    def warning(self) -> str:
        """Says that it draws with its initial weights, from step 0 of a run that began without `--from`; else empty."""
        if self.step > 0 or self.settings.start is not None:
            return ""
        return "the generator is untrained: the run has no later checkpoint, or step 0 was chosen; its pictures mean nothing"

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
        inputs = self.inputs(len(class_ids), rng)
        known = fill_in(class_ids.to("cpu", torch.int64), self.settings.description.classes, rng)
        return self.drawer.draw(inputs, self.conditioning.encode(known, self.settings.description))

    def generate_texts(self, texts: Sequence[str], *, seed: int) -> torch.Tensor:
        """Draw one picture for each text.

        Args:
            texts: Any words, for a recipe that reads texts; else words for labels, of which those left open are drawn.
            seed: Fixes latents and random classes.

        Returns:
            uint8 ``(n, 3, size, size)``.

        Raises:
            ValueError: A text cannot be read.
        """
        rng = torch.Generator().manual_seed(seed)
        inputs = self.inputs(len(texts), rng)
        return self.drawer.draw(inputs, self.conditioning.read(texts, self.settings.description, rng))

    def generate_prompt(self, prompt: str, count: int, *, seed: int) -> torch.Tensor:
        """Draw pictures of one text, see `generate_texts`, or with `ANYTHING` of all that was learned, see `generate`."""
        if prompt == ANYTHING:
            return self.generate(torch.full((count, len(self.attributes)), -1), seed=seed)
        return self.generate_texts([prompt] * count, seed=seed)

    def check_text(self, text: str) -> None:
        """Refuse a text that no picture can be drawn of.

        Raises:
            ValueError: It cannot be read.
        """
        self.conditioning.read([text], self.settings.description, torch.Generator())

    def texts_of(self, dataset: Dataset) -> dict[int, str]:
        """Return what is written about each picture of a data set, by its row; pictures without a text are left out."""
        return self.conditioning.texts_of(dataset)

    def inputs(self, count: int, rng: torch.Generator) -> torch.Tensor:
        """Draw what the networks are given: latents, or pictures of the data for those that change pictures."""
        latents = self.drawer.blueprint.latents
        if latents is None:
            return pictures_of(self._dataset().images)(count, rng)
        return self.noise.draw(latents, count, rng)

    def _dataset(self) -> Dataset:
        """Open the data set whose pictures are changed."""
        if self.data is not None:
            dataset = open_verified(self.data)
            if dataset.size != self.size:
                raise ValueError(
                    f"--data must have pictures of the run's size, {self.size}, but {self.data} has {dataset.size}"
                )
            return dataset
        try:
            dataset = open_verified(Path(self.settings.data))
        except ValueError as error:
            raise ValueError(f"{error}; if the data of the run was moved, give its folder by --data") from error
        if dataset.fingerprint != self.settings.fingerprint:
            raise ValueError(
                f"{self.settings.data} is not the data set that the run was trained on any more: give one whose pictures to "
                "change by --data"
            )
        return dataset

    def _check(self, class_ids: torch.Tensor) -> None:
        counts = self.settings.description.classes
        if class_ids.ndim != 2 or class_ids.shape[1] != len(counts) or len(class_ids) == 0:
            raise ValueError(f"class_ids must have shape (n, {len(counts)}), but it is {tuple(class_ids.shape)}")
        for index, count in enumerate(counts):
            low, high = int(class_ids[:, index].min()), int(class_ids[:, index].max())
            if low < -1 or high >= count:
                name = self.attributes[index].name
                raise ValueError(f"class ids of {name} must be -1 to {count - 1}, but they reach from {low} to {high}")


def load_generator(
    run_or_checkpoint: Path | str,
    *,
    device: str = "cpu",
    recipe: str | None = None,
    data: Path | None = None,
    temperature: float = 1.0,
    truncation: float | None = None,
) -> LoadedGenerator:
    """Load the averaged generator of a run's newest checkpoint, or of one checkpoint file.

    Args:
        run_or_checkpoint: The run's folder, or a checkpoint in it.
        device: Where it draws, as torch spells it.
        recipe: The recipe of the run, if it is from outside: a checkpoint alone never makes this import a module.
        data: The data set whose pictures are changed, by generators that change pictures. Default: that of the run.
        temperature: What the latents are multiplied by: below 1, pictures are more alike and mostly better. It must be 1 for
            generators that change pictures.
        truncation: Numbers of the latents that are farther from 0 are drawn again. It must be None for those generators.

    Raises:
        ValueError: There is no checkpoint, or it is damaged, or its recipe must be given and was not; or temperature or
            truncation are out of range, or for a generator without latents.
    """
    noise = Noise(temperature=temperature, truncation=truncation)
    state = in_current_format(load_any_checkpoint(Path(run_or_checkpoint)))
    settings = Settings.from_dict(state["settings"])
    check_recipe(settings.recipe, recipe)
    options: Any = saved_options(settings.recipe, settings.options)
    found = find_recipe(settings.recipe)
    hardware = Hardware(device=device)
    blueprint = found.blueprint_for(settings.description, options)
    if blueprint.latents is None and noise.changes:
        flags = " and ".join(f"--{name}" for name in noise.changes)
        raise ValueError(
            f"{flags} is for recipes that draw from noise, but {settings.recipe} changes pictures: leave it out"
        )
    networks = {
        name: hardware.place(
            filled(
                blueprint.makers[name],
                saved_network(state["averages"], name, run_or_checkpoint)["network"],
                run_or_checkpoint,
            )
        )
        for name in blueprint.drawing
    }
    conditioning = found.conditioning(options)
    if warning := conditioning.warning(settings.description):
        say(f"note: {warning}")
    return LoadedGenerator(
        settings=settings,
        step=state["step"],
        conditioning=conditioning,
        drawer=Drawer(networks=networks, blueprint=blueprint, device=device),
        data=data,
        noise=noise,
    )

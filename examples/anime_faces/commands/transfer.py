"""`transfer`: change attributes of given pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from examples.anime_faces.commands import shown_as
from examples.anime_faces.data import Fit, Reading

if TYPE_CHECKING:
    from examples.anime_faces.transfer import Changer

LEAST_SIDE = 64  # pixels of a picture on the strip: smaller ones are enlarged


@dataclass(kw_only=True)
class Transfer:
    """Change attributes of pictures: a strip with the original and, beside it, one change a column.

    With a run of the recipe stargan:
        transfer --run runs/stargan --images FOLDER --out strip.png

    With published weights of StarGAN (labels say what to invert; or the critic beside the weights, by --critic):
        transfer --weights 200000-G.ckpt --images FOLDER --labels list_attr_celeba.txt --out strip.png

    Of classes that exclude each other, such as hair colors, each is set in turn. Any other attribute is inverted: a picture
    with glasses loses them. What a picture has is known from the data set, from --labels, or else from the critic.
    """

    images: Path
    """Folder with pictures of any size, or a data set that `prepare` wrote."""
    run_folder: Annotated[Path | None, shown_as("FOLDER", "run")] = None
    """Folder of a run of the recipe stargan, or one of its checkpoints."""
    weights: Annotated[Path | None, shown_as("FILE")] = None
    """In place of --run, a generator's file of the authors' program, such as 200000-G.ckpt."""
    critic: Annotated[Path | None, shown_as("FILE")] = None
    """The critic beside --weights, such as 200000-D.ckpt; it says what --labels do not."""
    attributes: Annotated[str | None, shown_as("NAMES")] = None
    """Names for --weights, as in A,B,C. Default: with five, Black_Hair,Blond_Hair,Brown_Hair,Male,Young."""
    size: Annotated[int | None, shown_as("PIXELS")] = None
    """Width and height of the pictures for --weights. Default: 128. A run has its own."""
    labels: Annotated[Path | None, shown_as("FILE")] = None
    """Table with the classes of the pictures in --images, as for `prepare`."""
    fit: Annotated[Fit, tyro.conf.EnumChoicesFromValues] = Fit.CROP
    """How pictures become square: crop to the middle, pad with white, or stretch."""
    n: int = 12
    """Pictures at most, the first ones of the folder."""
    scale: Annotated[int | None, shown_as("INT")] = None
    """Whole-number enlargement of the pictures. Default: to 64 pixels or more."""
    out: Path = Path("strip.png")
    """The strip to write."""

    def run(self) -> None:
        """Draw the strip and say where it is."""
        self._check()
        from examples.anime_faces.transfer import draw_strip, read_given

        changer = self._changer()
        reading = Reading(size=changer.size, fit=self.fit, least_side=1)
        given = read_given(self.images, changer.vector, reading, most=self.n, labels=self.labels)
        for note in given.notes:
            print(f"note: {note}")
        open_ones = int((given.numbers < 0).any(dim=1).sum())
        if open_ones and changer.critic is not None:
            print(f"note: labels leave something open of {open_ones} pictures, which the critic says")
        sheet = draw_strip(changer, given, scale=self.scale or max(1, -(-LEAST_SIDE // changer.size)))
        self.out.parent.mkdir(parents=True, exist_ok=True)
        legend = sheet.save(self.out)
        if legend is not None:
            print(f"note: no font here has the letters of some names: numbers stand for them, which {legend} explains")
        print(
            f"{self.out}: {len(given.names)} pictures, {len(changer.vector.entries)} changes each, by {changer.origin}"
        )

    def _check(self) -> None:
        """Refuse what cannot be done before anything is read."""
        if (self.run_folder is None) == (self.weights is None):
            raise ValueError("one of --run and --weights must be given, and not both")
        for name, value in {"--critic": self.critic, "--attributes": self.attributes, "--size": self.size}.items():
            if value is not None and self.weights is None:
                raise ValueError(f"{name} is for --weights: a run has its own")
        if self.n < 1 or (self.scale is not None and self.scale < 1):
            raise ValueError(f"--n and --scale must be at least 1, but they are {self.n} and {self.scale}")
        if self.out.is_dir():
            raise ValueError(f"--out must be a file, such as {self.out / 'strip.png'}, but {self.out} is a folder")

    def _changer(self) -> "Changer":
        from examples.anime_faces.transfer import changer_of_run, changer_of_weights

        if self.run_folder is not None:
            return changer_of_run(self.run_folder)
        assert self.weights is not None
        names = None if self.attributes is None else [name.strip() for name in self.attributes.split(",")]
        return changer_of_weights(self.weights, attributes=names, critic=self.critic, size=self.size)

"""`transfer`: change attributes of given pictures, or their colors."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from examples.anime_faces.asked import check_at_least_1, check_there
from examples.anime_faces.commands import shown_as
from examples.anime_faces.commands._sheet import check_place, write_sheet
from examples.anime_faces.data import Fit, Reading, counted, is_dataset
from examples.anime_faces.printing import say
from examples.anime_faces.recipes import is_outside

if TYPE_CHECKING:
    from examples.anime_faces.run import LoadedGenerator, Sheet
    from examples.anime_faces.transfer import Changer

COLORING = "gray_then_color"


@dataclass(kw_only=True)
class Transfer:
    """Change attributes of pictures: a strip with the original and one column for each change.

    With a run of the recipe stargan:
        transfer --run runs/stargan --images FOLDER --out strip.png

    With published weights of StarGAN (labels say what to invert; or the critic beside the weights, by --critic):
        transfer --weights 200000-G.ckpt --images FOLDER --labels list_attr_celeba.txt --out strip.png

    Of classes that exclude each other, such as hair colors, each is set in turn. Any other attribute is inverted: a picture
    with glasses loses them. The attributes of a picture come from the data set, from --labels, or else from the critic.

    With a run of the recipe gray_then_color, the strip shows each picture, its gray form, and that form in color:
        transfer --run runs/gray --images FOLDER --prompts "blue hair red eyes" "black hair" --out strip.png
    """

    images: Path
    """Folder with pictures of any size, or a data set that `prepare` wrote."""
    run_folder: Annotated[Path | None, shown_as("FOLDER", "run")] = None
    """Folder of a run of the recipe stargan or gray_then_color, or one of its checkpoints."""
    prompts: Annotated[tuple[str, ...], shown_as("PROMPT [PROMPT ...]")] = ()
    """For gray_then_color: in which colors all pictures are drawn. Default: four of the run, and their own labels."""
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
    fit: Annotated[Fit, tyro.conf.EnumChoicesFromValues, tyro.conf.arg(metavar="crop|pad|stretch")] = Fit.CROP
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
        if self.run_folder is None:
            sheet, made = self._changed(self._published())
        else:
            from examples.anime_faces.run import load_any_checkpoint, load_generator
            from examples.anime_faces.transfer import changer_of_run

            trained_with = load_any_checkpoint(self.run_folder)["settings"]["recipe"]
            if is_outside(trained_with):
                raise ValueError(
                    f"--run must be a run of the recipe stargan or {COLORING}, but {self.run_folder} was trained with "
                    f"{trained_with}"
                )
            loaded = load_generator(self.run_folder)
            if loaded.warning:
                say(f"warning: {loaded.warning}")
            if loaded.settings.recipe == COLORING:
                sheet, made = self._colored(loaded, self.run_folder)
            else:
                sheet, made = self._changed(changer_of_run(self.run_folder, loaded))
        write_sheet(sheet, self.out, "names")
        say(f"{self.out}: {made}")

    def _changed(self, changer: "Changer") -> "tuple[Sheet, str]":
        """Draw the strip of attributes, and say what it is."""
        from examples.anime_faces.transfer import draw_strip, read_given, what_labels_leave_open

        if self.prompts:
            raise ValueError(f"--prompts is for runs of {COLORING}: other strips have one change a column")
        reading = Reading(size=changer.size, fit=self.fit)
        given = read_given(self.images, changer.vector, reading, most=self.n, labels=self.labels)
        for note in given.notes:
            say(f"note: {note}")
        has_labels = self.labels is not None or is_dataset(self.images)
        if (
            has_labels
            and changer.critic is not None
            and (unsaid := what_labels_leave_open(given.numbers, changer.vector))
        ):
            say(f"note: the critic says what no label does: {unsaid}")
        sheet = draw_strip(changer, given, scale=self._scale(changer.size))
        changes = counted(len(changer.vector.entries), "change")
        return sheet, f"{counted(len(given.names), 'picture')}, {changes} each, by {changer.origin}"

    def _colored(self, loaded: "LoadedGenerator", run: Path) -> "tuple[Sheet, str]":
        """Draw the strip of colors, and say what it is."""
        from examples.anime_faces.transfer import colors_of, draw_colored, read_given

        if self.labels is not None:
            raise ValueError(
                "--labels is for runs of stargan and for --weights: --prompts says what to color pictures as"
            )
        given = read_given(self.images, None, Reading(size=loaded.size, fit=self.fit), most=self.n)
        for note in given.notes:
            say(f"note: {note}")
        coloring = colors_of(loaded, self.images, given, self.prompts)
        sheet = draw_colored(loaded, given, coloring, scale=self._scale(loaded.size))
        pictures, ways = counted(len(given.names), "picture"), counted(len(coloring.headings), "way")
        return sheet, f"{pictures} in {ways}, by step {loaded.step} of {run}"

    def _scale(self, size: int) -> int:
        from examples.anime_faces.run import enlargement

        return self.scale or enlargement(size)

    def _check(self) -> None:
        """Refuse what cannot be done before anything is read."""
        if (self.run_folder is None) == (self.weights is None):
            raise ValueError("one of --run and --weights must be given, and not both")
        for name, value in {"--critic": self.critic, "--attributes": self.attributes, "--size": self.size}.items():
            if value is not None and self.weights is None:
                raise ValueError(f"{name} is for --weights: a run has its own")
        check_at_least_1(n=self.n, scale=self.scale, size=self.size)
        self.out = check_place(self.out, "strip.png")
        for name, path in {"--images": self.images, "--run": self.run_folder}.items():
            if path is not None:
                check_there(path, name)

    def _published(self) -> "Changer":
        from examples.anime_faces.transfer import changer_of_weights

        assert self.weights is not None
        names = None if self.attributes is None else [name.strip() for name in self.attributes.split(",")]
        return changer_of_weights(self.weights, attributes=names, critic=self.critic, size=self.size)

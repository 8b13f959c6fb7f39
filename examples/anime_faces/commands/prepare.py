"""`prepare`: make a data set."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from examples.anime_faces.commands import shown_as
from examples.anime_faces.data import (
    Dataset,
    Fit,
    Reading,
    Source,
    Watch,
    folder_source,
    summarize,
    table_source,
    tag_source,
    unlabeled_source,
    watch_nothing,
    write_images,
    write_rendered,
)
from examples.anime_faces.data.render import Knobs

_COUNT = 20_000


@dataclass(kw_only=True)
class Prepare:
    """Make a data set: a folder with all pictures in one array, and their labels.

    Rendered anime faces, whose labels are exact:
        prepare --out data/faces --count 20000 --size 64 --seed 0

    Your own pictures, without labels or with a subfolder for each class:
        prepare --out data/mine --images FOLDER

    Your own pictures with a table (first line file,ATTRIBUTE,... then FILE,CLASS,...; several classes as a;b):
        prepare --out data/mine --images FOLDER --labels FILE.csv

    Your own anime faces named ID.jpg with a tag file (lines ID,tag:count TAB tag:count TAB or ID,blue hair red eyes):
        prepare --out data/mine --images FOLDER --tags tags_clean.csv

    JPEG, PNG, WebP, BMP and GIF files of up to 25 megapixels are read. Transparent parts become white, EXIF rotation is
    applied, and only the first frame of an animation is used. Files that cannot be used are skipped and listed with the reason.
    """

    out: Path
    """Folder to write. It appears only when everything is done; repeating a finished command changes nothing."""
    size: int = 64
    """Width and height of the pictures in pixels. Rendered faces: 32 to 128."""
    workers: Annotated[int | None, shown_as("INT")] = None
    """Number of processes. Default: one for each processor core. 0: use only this one."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace the data set that is already in --out."""

    count: Annotated[int | None, shown_as("INT")] = None
    """Number of faces to render. Default: 20000."""
    seed: int = 0
    """Fixes the rendered faces: the same seed gives the same faces."""
    knobs: tyro.conf.OmitArgPrefixes[Knobs] = field(default_factory=Knobs)
    binary_labels: tyro.conf.FlagCreatePairsOff[bool] = False
    """Also label rendered faces with glasses, ribbon and highlight, no or yes: those whose rate is between 0 and 1."""

    images: Annotated[Path | None, shown_as("FOLDER")] = None
    """Folder with your own pictures, to read instead of rendering faces."""
    labels: Annotated[Path | None, shown_as("FILE.csv")] = None
    """CSV table with the classes of the pictures in --images."""
    tags: Annotated[Path | None, shown_as("FILE")] = None
    """Tag file with the hair and eye colors of the pictures in --images."""
    unlabeled: tyro.conf.FlagCreatePairsOff[bool] = False
    """Use all pictures in --images without labels, even if they are in subfolders."""
    fit: Annotated[Fit, tyro.conf.EnumChoicesFromValues] = Fit.CROP
    """How pictures become square: crop to the middle, pad with white, or stretch."""
    least_side: int = 16
    """Skip pictures whose shorter side has fewer pixels."""
    follow_links: tyro.conf.FlagCreatePairsOff[bool] = False
    """Also read links that point to files outside --images."""

    def run(self, watch: Watch = watch_nothing) -> None:
        """Make the data set and say what is in it."""
        self._say_if_no_recipe_fits()
        dataset = self._render(watch) if self.images is None else self._read(self.images, watch)
        print(summarize(dataset))

    def _say_if_no_recipe_fits(self) -> None:
        """Print a note if the networks of the recipes cannot draw pictures of this size."""
        if self.size in (32, 64, 128):  # torch is not loaded for these
            return
        from examples.anime_faces.systems import base_and_doublings

        try:
            base_and_doublings(self.size)
        except ValueError as error:
            print(f"note: the recipes of this program cannot be trained on these pictures: --{error}")

    def _render(self, watch: Watch) -> Dataset:
        given = {"--labels": self.labels, "--tags": self.tags, "--unlabeled": self.unlabeled or None}
        for name, value in given.items():
            if value is not None:
                raise ValueError(f"{name} is for your own pictures: give their folder with --images")
        count = _COUNT if self.count is None else self.count
        return write_rendered(
            self.out,
            count,
            self.size,
            self.seed,
            self.knobs,
            binary_labels=self.binary_labels,
            workers=self.workers,
            overwrite=self.overwrite,
            watch=watch,
        )

    def _read(self, images: Path, watch: Watch) -> Dataset:
        if self.count is not None or self.knobs != Knobs() or self.binary_labels:
            raise ValueError("--count and the options for rendered faces cannot be combined with --images")
        reading = Reading(size=self.size, fit=self.fit, least_side=self.least_side, follow_links=self.follow_links)
        return write_images(
            self.out, self._source(images), reading, workers=self.workers, overwrite=self.overwrite, watch=watch
        )

    def _source(self, images: Path) -> Source:
        if sum([self.labels is not None, self.tags is not None, self.unlabeled]) > 1:
            raise ValueError("only one of --labels, --tags and --unlabeled can be given")
        if self.labels is not None:
            return table_source(images, self.labels)
        if self.tags is not None:
            return tag_source(images, self.tags)
        return unlabeled_source(images) if self.unlabeled else folder_source(images)

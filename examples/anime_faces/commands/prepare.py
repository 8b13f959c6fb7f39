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
    join_datasets,
    losses_in_words,
    only_chosen,
    summarize,
    table_source,
    tag_source,
    unlabeled_source,
    watch_nothing,
    write_images,
    write_rendered,
    write_shards,
)
from examples.anime_faces.data.render import Knobs
from examples.anime_faces.printing import say

_COUNT, _SIZE = 20_000, 64


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

    Data sets that are there already, joined into one whose pictures are labeled with the data set that they come from:
        prepare --out data/joined --join data/faces data/alike

    JPEG, PNG, WebP, BMP and GIF files of up to 25 megapixels are read. Transparent parts become white, EXIF rotation is
    applied, and only the first frame of an animation is used. Files that cannot be used are skipped and listed with the reason.
    """

    out: Path
    """Folder to write. It appears only when everything is done; repeating a finished command changes nothing."""
    size: int = _SIZE
    """Width and height of the pictures in pixels. Rendered faces: 32 to 128."""
    any_size: tyro.conf.FlagCreatePairsOff[bool] = False
    """Allow a --size that no recipe of this program can be trained on, for a recipe of your own."""
    shards: Annotated[int | None, shown_as("N")] = None
    """Keep the pictures in N WebDataset shards (tar files of PNG), which training streams. Default: in one array."""
    gray: tyro.conf.FlagCreatePairsOff[bool] = False
    """Make the pictures gray: three equal channels, on which every recipe can be trained. Labels stay."""
    only: Annotated[str, shown_as("PROMPT")] = ""
    """Classes to use, written as in a prompt: "black hair, brown hair, red eyes". Other pictures are left out, or not made."""
    workers: Annotated[int | None, shown_as("INT")] = None
    """Number of processes. Default: one for each processor core. 0: use only this one."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace the data set that is already in --out."""

    count: Annotated[int | None, shown_as("INT")] = None
    """Number of faces to render. Default: 20000."""
    seed: int = 0
    """Fixes the rendered faces: the same seed gives the same faces."""
    knobs: Annotated[Knobs, tyro.conf.arg(name="")] = field(default_factory=Knobs)
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
    fit: Annotated[Fit, tyro.conf.EnumChoicesFromValues, tyro.conf.arg(metavar="crop|pad|stretch")] = Fit.CROP
    """How pictures become square: crop to the middle, pad with white, or stretch."""
    least_side: int = 16
    """Skip pictures whose shorter side has fewer pixels."""
    follow_links: tyro.conf.FlagCreatePairsOff[bool] = False
    """Also read links that point to files outside --images."""

    join: Annotated[tuple[Path, ...], shown_as("FOLDER [FOLDER ...]")] = ()
    """Prepared data sets to join, of pictures of one size. The attribute `domain` says where each picture is from."""
    domains: Annotated[tuple[str, ...], shown_as("NAME [NAME ...]")] = ()
    """Classes of `domain`, one name for each data set of --join. Default: the names of their folders."""
    domain_label: Annotated[tyro.conf.FlagCreatePairsOff[bool], tyro.conf.arg(help_behavior_hint="")] = True
    """Join data sets without adding the attribute `domain`."""

    def run(self, watch: Watch = watch_nothing) -> None:
        """Make the data set and say what is in it."""
        self._check_size()
        if self.join:
            dataset = self._join(watch)
        else:
            self._refuse_what_is_for_joining()
            dataset = self._render(watch) if self.images is None else self._read(self.images, watch)
        if self.shards is not None:
            dataset = write_shards(dataset, self.shards)
        say(*summarize(dataset).split("\n"))
        for warning in losses_in_words(dataset):
            say(f"warning: {warning}", error=True)

    def _join(self, watch: Watch) -> Dataset:
        others = {"--images": self.images, "--labels": self.labels, "--tags": self.tags, "--unlabeled": self.unlabeled}
        others |= {"--count": self.count, "--only": self.only, "--gray": self.gray}
        others |= {"--size": self.size != _SIZE, "--binary-labels": self.binary_labels}
        others |= {"options for rendered faces": self.knobs != Knobs()}
        for name, value in others.items():
            if value not in (None, False, ""):
                raise ValueError(f"{name} cannot be combined with --join, whose data sets are there already")
        return join_datasets(
            self.out,
            self.join,
            domains=self.domains,
            labeled=self.domain_label,
            overwrite=self.overwrite,
            watch=watch,
        )

    def _refuse_what_is_for_joining(self) -> None:
        if self.domains or not self.domain_label:
            name = "--domains" if self.domains else "--no-domain-label"
            raise ValueError(f"{name} is for data sets that are joined: name them with --join")

    def _check_size(self) -> None:
        """Refuse a size at which the networks of no recipe work, before anything is written.

        Raises:
            ValueError: It is one; the message names the nearest sizes that can be trained.
        """
        is_refused = self.images is None and not 32 <= self.size <= 128
        if (
            self.any_size or self.join or self.size in (32, 64, 128) or self.size < 1 or is_refused
        ):  # torch is not loaded for these
            return
        from examples.anime_faces.systems import base_and_doublings

        try:
            base_and_doublings(self.size)
        except ValueError as error:
            raise ValueError(
                f"no recipe of this program can be trained on pictures of {self.size} pixels: --{error}; --any-size makes them "
                "all the same, for a recipe of your own"
            ) from error

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
            only=self.only,
            gray=self.gray,
            workers=self.workers,
            overwrite=self.overwrite,
            watch=watch,
        )

    def _read(self, images: Path, watch: Watch) -> Dataset:
        if self.count is not None or self.knobs != Knobs() or self.binary_labels:
            raise ValueError("--count and the options for rendered faces cannot be combined with --images")
        reading = Reading(
            size=self.size, fit=self.fit, least_side=self.least_side, follow_links=self.follow_links, gray=self.gray
        )
        source = self._source(images)
        source = only_chosen(source, self.only) if self.only else source
        return write_images(self.out, source, reading, workers=self.workers, overwrite=self.overwrite, watch=watch)

    def _source(self, images: Path) -> Source:
        if sum([self.labels is not None, self.tags is not None, self.unlabeled]) > 1:
            raise ValueError("only one of --labels, --tags and --unlabeled can be given")
        if self.labels is not None:
            return table_source(images, self.labels)
        if self.tags is not None:
            return tag_source(images, self.tags)
        return unlabeled_source(images) if self.unlabeled else folder_source(images)

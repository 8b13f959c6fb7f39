"""Data sets, runs and pictures that trials work with: small, and made once."""

import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.faults.children import command, start
from tests.support.stargan_files import published_generator

TINY = ("--width", "4", "--threads", "1", "--precision", "float32", "--grid-every", "1000")


class Materials:
    """Makes what trials need, when they need it.

    Args:
        folder: Where it is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def faces(self) -> Path:
        """A data set of 70 rendered faces of 32x32 pixels."""
        return self._made("faces", ["prepare", "--count", "70", "--size", "32", "--workers", "0"])

    def shards(self, count: int) -> Path:
        """Return the same data set in shards."""
        words = ["prepare", "--count", "70", "--size", "32", "--workers", "0", "--shards", str(count)]
        return self._made(f"shards-{count}", words)

    @cached_property
    def run(self) -> Path:
        """A run of `acgan` on these faces, of 3 steps. Copy it before you change it."""
        return self._made("run", training(self.faces, steps=3))

    @cached_property
    def photos(self) -> Path:
        """A folder of 6 small pictures, ``1.png`` to ``6.png``."""
        folder = self.folder / "photos"
        folder.mkdir(parents=True)
        rng = np.random.default_rng(0)
        for number in range(1, 7):
            picture = Image.fromarray(rng.integers(0, 256, (3, 3, 3), dtype=np.uint8))
            picture.resize((32, 32), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
        return folder

    @cached_property
    def tagged(self) -> Path:
        """A data set of these pictures with texts."""
        tags = self.folder / "tags.csv"
        tags.write_text("".join(f"{number},blue hair red eyes\n" for number in range(1, 7)), encoding="utf-8")
        words = ["--images", str(self.photos), "--tags", str(tags), "--size", "32", "--workers", "0"]
        return self._made("tagged", ["prepare", *words])

    @cached_property
    def weights(self) -> Path:
        """A file with the weights of a tiny generator of StarGAN."""
        path = self.folder / "1-G.ckpt"
        torch.save(published_generator(), path)
        return path

    @cached_property
    def words(self) -> Path:
        """A folder with a table of vectors, and with a tiny model of skip-thoughts."""
        folder, rng, features, size = self.folder / "words", np.random.default_rng(0), 5, 7
        folder.mkdir()
        (folder / "vectors.txt").write_text("blue hair\nred hair\n", encoding="utf-8")
        np.save(folder / "vectors.npy", rng.normal(size=(2, 3)))
        (folder / "dictionary.txt").write_text("<eos>\nUNK\nblue\nhair\n", encoding="utf-8")
        np.save(folder / "utable.npy", rng.normal(size=(4, features)))
        shapes = {"W": (features, 2 * size), "U": (size, 2 * size), "b": (2 * size,)}
        shapes |= {"Wx": (features, size), "Ux": (size, size), "bx": (size,)}
        arrays = {f"encoder_{name}": rng.normal(size=shape) for name, shape in shapes.items()}
        np.savez(folder / "uni_skip.npz", **arrays)
        return folder

    def run_in(self, folder: Path) -> Path:
        """Return a copy of the run, in a folder."""
        shutil.copytree(self.run, folder)
        return folder

    def faces_in(self, folder: Path) -> Path:
        """Return a copy of the data set, in a folder."""
        shutil.copytree(self.faces, folder)
        return folder

    def _made(self, name: str, words: Sequence[str]) -> Path:
        out = self.folder / name
        if not out.exists():
            ended = start(command(*words, "--out", str(out)), self.folder / f"{name}.output").wait()
            if ended.status:
                raise RuntimeError(f"{' '.join(words)} ended with {ended.in_short}")
        return out


def training(data: Path, *more: str, steps: int, batch_size: int = 6) -> list[str]:
    """Return the words of a training command, without its ``--out``."""
    words = ["train", "--recipe", "acgan", "--data", str(data), "--steps", str(steps), "--batch-size", str(batch_size)]
    return [*words, *TINY, *more]

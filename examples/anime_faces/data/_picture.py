"""Reading one picture that may be anything."""

import stat
import warnings
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from examples.anime_faces.data._pixels import Fit, UnusableError, to_rgb, to_square

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
"""The only formats whose decoders ever see a file: every other decoder is one more door."""

MOST_PIXELS = 25_000_000
_MOST_BYTES = 256 * 2**20
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How pictures are read.

    Args:
        size: width and height that they are brought to, at least 1.
        fit: how they become square.
        least_side: pictures with a shorter side are skipped.
        follow_links: whether links that lead out of the folder are read.

    Raises:
        ValueError: if ``size`` or ``least_side`` is below 1.
    """

    size: int = 64
    fit: Fit = Fit.CROP
    least_side: int = 16
    follow_links: bool = False

    def __post_init__(self) -> None:
        for name, value in (("size", self.size), ("least_side", self.least_side)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")


class Square(NamedTuple):
    """A picture as the data set keeps it: uint8 ``(size, size, 3)``, and what was converted on the way."""

    pixels: np.ndarray
    conversions: tuple[str, ...]


def read_picture(root: Path, name: str, reading: Reading) -> Square:
    """Read the file ``name`` of the folder ``root``.

    Nothing about the file is trusted: not its name, its kind, its size, nor its content. The pixels are counted before
    any is decoded. Rotation by EXIF is applied; of a moving picture the first frame is taken.

    Args:
        root: the folder.
        name: the file in it, parts separated by ``/``.
        reading: how it is read.

    Raises:
        UnusableError: if it cannot be used; the reason is in words.
    """
    path = _safe_path(root, name, follow_links=reading.follow_links)
    _check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a warning about a strange file is no reason to stop
            return _decode(path, reading)
    except UnusableError:
        raise
    except UnidentifiedImageError as error:
        raise UnusableError(_describe_stranger(path)) from error
    except Image.DecompressionBombError as error:
        raise UnusableError("more than 25 megapixels", str(error)) from error
    except PermissionError as error:
        raise UnusableError("may not be read") from error
    except Exception as error:  # decoders raise all kinds of errors on damaged files
        raise UnusableError("damaged or cut off", f"{type(error).__name__}: {error}") from error


def _safe_path(root: Path, name: str, *, follow_links: bool) -> Path:
    parts = PurePosixPath(name).parts
    if not parts or "\0" in name or "\\" in name or ".." in parts or name.startswith("/") or Path(name).is_absolute():
        raise UnusableError("a path that leads out of the folder")
    path = root / name
    if not follow_links:
        try:
            inside = path.resolve().is_relative_to(root.resolve())
        except (OSError, RuntimeError) as error:
            raise UnusableError("a link in a circle") from error
        if not inside:
            raise UnusableError("a link that leads out of the folder")
    return path


def _check_file(path: Path) -> None:
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise UnusableError("a link to nothing" if path.is_symlink() else "no such file") from error
    except OSError as error:
        raise UnusableError("may not be read", str(error.strerror)) from error
    if stat.S_ISDIR(status.st_mode):
        raise UnusableError("a folder")
    if not stat.S_ISREG(status.st_mode):
        raise UnusableError("no regular file")  # opening a pipe would wait forever
    if status.st_size == 0:
        raise UnusableError("an empty file")
    if status.st_size > _MOST_BYTES:
        raise UnusableError("more than 256 MiB", f"{status.st_size} bytes")


def _decode(path: Path, reading: Reading) -> Square:
    with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise UnusableError("more than 25 megapixels", f"{width} x {height}")
        if min(width, height) < reading.least_side:
            raise UnusableError(f"a side shorter than {reading.least_side} pixels", f"{width} x {height}")
        # JPEG files with several pictures (previews, stereo pairs) do not move.
        moving = image.format != "MPO" and getattr(image, "is_animated", False)
        image.load()
        turn = _TURNS.get(_orientation(image))
        rgb, conversions = to_rgb(image)
    if turn is not None:
        rgb, conversions = rgb.transpose(turn), (*conversions, "turned as EXIF says")
    if moving:
        conversions = (*conversions, "first frame of a moving picture")
    return Square(np.asarray(to_square(rgb, reading.size, reading.fit)), conversions)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 -- broken EXIF data says nothing; the picture is good without
        return 1


def _describe_stranger(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(256).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        return "a web page"
    return f"no picture of a known format ({', '.join(FORMATS)})"

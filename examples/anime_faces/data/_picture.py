"""Reading one picture from a file that may contain anything."""

import codecs
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from examples.anime_faces.data._file_names import begins_as
from examples.anime_faces.data._pixels import Fit, UnusableError, to_gray, to_rgb, to_square

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
"""The only formats that are decoded: every further decoder is one more way to attack the program."""

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
        size: Width and height of the result, at least 1.
        fit: How pictures become square.
        least_side: Pictures whose shorter side has fewer pixels are skipped; at least 1.
        follow_links: Whether to read links that point to files outside the folder.
        gray: Whether to take the colors out of the pictures.

    Raises:
        ValueError: ``size`` or ``least_side`` is below 1.
    """

    size: int = 64
    fit: Fit = Fit.CROP
    least_side: int = 16
    follow_links: bool = False
    gray: bool = False

    def __post_init__(self) -> None:
        for name, value in (("size", self.size), ("least_side", self.least_side)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")


HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}
"""Of the file formats of ISO/IEC 23008-12, which telephones write."""


class Square(NamedTuple):
    """A picture as the data set stores it, uint8 ``(size, size, 3)``, and the conversions that it went through."""

    pixels: np.ndarray
    conversions: tuple[str, ...]


def read_picture(root: Path, name: str, reading: Reading) -> Square:
    """Read the file ``name`` of the folder ``root``.

    Nothing about the file is trusted: neither its name, nor its kind, size or contents. The pixels are counted before any is
    decoded. Rotation by EXIF is applied, and only the first frame of an animation is used.

    Args:
        root: The folder.
        name: The file in it; its parts are separated by ``/``.
        reading: How to read it.

    Raises:
        UnusableError: It cannot be used; the error gives the reason in words.
    """
    path = _safe_path(root, name, follow_links=reading.follow_links)
    _check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a warning about one strange file should not stop the program
            return _decode(path, reading)
    except UnusableError:
        raise
    except UnidentifiedImageError as error:
        raise UnusableError(_describe_other_picture(path) or _describe_stranger(path)) from error
    except Image.DecompressionBombError as error:
        raise UnusableError("more than 25 megapixels", str(error)) from error
    except MemoryError as error:
        raise UnusableError("too large for the free memory") from error
    except Exception as error:  # decoders raise all kinds of errors on damaged files
        if isinstance(error, OSError) and error.errno is not None:  # the system's, not the decoder's
            raise UnusableError("may not be read", str(error.strerror)) from error
        raise UnusableError("damaged or cut off", f"{type(error).__name__}: {error}") from error


def _safe_path(root: Path, name: str, *, follow_links: bool) -> Path:
    if not name or "\0" in name:
        raise UnusableError("a name that no file can have")
    if ".." in name.replace("\\", "/").split("/") or Path(name).anchor:
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
        raise UnusableError("not a regular file")  # opening a pipe would wait forever
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
        # JPEG files with several pictures (previews, stereo pairs) are not animations.
        moving = image.format != "MPO" and getattr(image, "is_animated", False)
        image.load()
        turn = _TURNS.get(_orientation(image))
        rgb, conversions = to_rgb(image)
    if turn is not None:
        rgb, conversions = rgb.transpose(turn), (*conversions, "turned as EXIF says")
    if moving:
        conversions = (*conversions, "first frame of a moving picture")
    pixels = np.asarray(to_square(rgb, reading.size, reading.fit))
    return Square(to_gray(pixels) if reading.gray else pixels, conversions)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 -- a picture with broken EXIF data is used as it is
        return 1


def _describe_other_picture(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(12)
    if start[4:8] == b"ftyp" and start[8:] in HEIF_BRANDS:
        return "a picture in HEIC or AVIF format: convert it to JPEG or PNG"
    return ""


def _describe_stranger(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(256)
    if begins_as(start) is not None:
        return "damaged or cut off"
    text = start.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if b"<svg" in text:
        return "a drawing (SVG), not a picture"
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        return "a web page"
    if text.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS in place of the file; git lfs pull fetches it"
    if not start.strip(b"\0"):
        return "a file of zeros, as an interrupted copy leaves it"
    return f"not a picture of a known format ({', '.join(FORMATS)})"

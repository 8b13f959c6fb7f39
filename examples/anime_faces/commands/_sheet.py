"""The sheet that `sample` and `transfer` write: where it may be, how large its pictures are, and what is said about it."""

from pathlib import Path
from typing import TYPE_CHECKING

from examples.anime_faces.files import check_writable, is_device
from examples.anime_faces.printing import say

if TYPE_CHECKING:
    from examples.anime_faces.run import Sheet


def check_place(out: Path, name: str) -> Path:
    """Refuse a place where no sheet can be written, before anything is drawn, and return where it is written.

    A name without an ending gets ``.png``; devices, such as ``/dev/null``, stay.

    Args:
        out: What a user gave as --out.
        name: A name that a sheet could have, for the message.

    Raises:
        ValueError: It is a folder, or its ending is that of another kind of file.
        OSError: Nothing can be written there.
    """
    if out.is_dir():
        raise ValueError(f"--out must be a file, such as {out / name}, but {out} is a folder")
    if out.suffix.lower() not in ("", ".png"):
        raise ValueError(f"--out must end with .png, since the sheet is a PNG file, but it is {out}")
    out = out if out.suffix or is_device(out) else out.with_name(f"{out.name}.png")
    check_writable(out)
    return out


def write_sheet(sheet: "Sheet", out: Path, labels: str) -> None:
    """Write a sheet, and say where the text is that explains numbers on it, if there is one.

    Args:
        sheet: The sheet.
        out: Where it is written; missing folders are made.
        labels: What stands beside its rows and above its columns, in a word.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    legend = sheet.save(out)
    if legend is not None:
        say(f"note: no font here has the letters of some {labels}: numbers stand for them, which {legend} explains")

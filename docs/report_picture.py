"""Pictures of pages that the README and the guides show: screenshots of HTML files, small enough for a repository.

    python docs/report_picture.py [PAGE]

It needs Chromium or Chrome. Default page: ``runs/demo/report.html``, which ``make demo`` writes. The picture is called after
the page: ``report.jpg`` of the report, ``compare.jpg`` of the page that ``compare`` writes.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

PICTURES = Path(__file__).parent / "guides" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
WIDTH, HEIGHT = 1280, 1400
MOST_BYTES = 300_000


def main() -> None:
    """Take the picture and say where it is."""
    page = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/demo/report.html")
    written = PICTURES / f"{page.stem}.jpg"
    with tempfile.TemporaryDirectory() as folder:
        screenshot = Path(folder) / "page.png"
        take(page, screenshot)
        with Image.open(screenshot) as picture:
            written.write_bytes(small(without_empty_end(picture.convert("RGB"))))
    print(f"{written}: {written.stat().st_size:,} bytes")


def take(page: Path, picture: Path) -> None:
    """Write a screenshot of the top of a page.

    Raises:
        SystemExit: There is no such page, or no browser.
    """
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None or not page.exists():
        raise SystemExit(
            f"{page} does not exist" if browser else f"no browser is installed: one of {', '.join(BROWSERS)}"
        )
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}"]
    subprocess.run(
        [browser, *options, f"--screenshot={picture}", page.resolve().as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )


def without_empty_end(picture: Image.Image) -> Image.Image:
    """Cut off the rows at the bottom that have one color alone, but for a margin."""
    background = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
    filled = ImageChops.difference(picture, background).getbbox()
    return picture if filled is None else picture.crop((0, 0, picture.width, min(picture.height, filled[3] + 40)))


def small(picture: Image.Image) -> bytes:
    """Return a JPEG of at most 300 kB: of the best quality that fits, then smaller."""
    picture = picture.convert("RGB")
    while True:
        for quality in (92, 85, 75):
            buffer = io.BytesIO()
            picture.save(buffer, format="JPEG", quality=quality, optimize=True, progressive=True)
            if buffer.tell() <= MOST_BYTES:
                return buffer.getvalue()
        picture = picture.resize((picture.width * 4 // 5, picture.height * 4 // 5), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()

import io
import os
import struct
import time
import zlib
from contextlib import suppress
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from examples.anime_faces.data import Reading, _picture
from examples.anime_faces.data._picture import MOST_PIXELS, read_picture
from examples.anime_faces.data._pixels import UnusableError

READING = Reading(size=16, least_side=4)


def read(folder: Path, name: str, reading: Reading = READING):
    return read_picture(folder, name, reading)


def reason(folder: Path, name: str, reading: Reading = READING) -> str:
    with pytest.raises(UnusableError) as caught:
        read_picture(folder, name, reading)
    return caught.value.reason


def flat(mode: str, color) -> Image.Image:
    return Image.new(mode, (20, 20), color)


def halves() -> Image.Image:
    """Red above, green below, blue at the lower left."""
    image = Image.new("RGB", (24, 24), (255, 0, 0))
    image.paste((0, 255, 0), (0, 12, 24, 24))
    image.paste((0, 0, 255), (0, 12, 12, 24))
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_exif_rotation_is_applied(tmp_path, name, orientation):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = halves().transpose(undo[orientation]) if orientation > 1 else halves()
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / name, exif=exif, quality=95)
    square = read(tmp_path, name)
    expected = np.asarray(halves().resize((16, 16)))
    for row, column in [(3, 3), (3, 12), (12, 3), (12, 12)]:
        np.testing.assert_allclose(square.pixels[row, column], expected[row, column], atol=12)
    assert ("turned as EXIF says" in square.conversions) == (orientation > 1)


def test_broken_exif_is_passed_over(tmp_path, smooth):
    smooth().save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff\xff\xff")
    smooth().save(tmp_path / "b.jpg")
    np.testing.assert_array_equal(read(tmp_path, "a.jpg").pixels, read(tmp_path, "b.jpg").pixels)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_of_a_moving_picture_the_first_frame_is_taken(tmp_path, name):
    frames = [flat("RGB", (250, 0, 0)), flat("RGB", (0, 250, 0)), flat("RGB", (0, 0, 250))]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=50)
    square = read(tmp_path, name)
    np.testing.assert_allclose(square.pixels[8, 8], (250, 0, 0), atol=6)
    assert "first frame of a moving picture" in square.conversions


def test_a_photo_with_a_preview_does_not_move(tmp_path):
    flat("RGB", (250, 0, 0)).save(
        tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[flat("RGB", (0, 250, 0))]
    )
    square = read(tmp_path, "a.jpg")
    np.testing.assert_allclose(square.pixels[8, 8], (250, 0, 0), atol=6)
    assert square.conversions == ()


@pytest.mark.parametrize("percent", [10, 50, 90, 99])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.gif"])
def test_files_that_were_cut_off_are_refused(tmp_path, smooth, name, percent):
    smooth(1, (200, 200)).save(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) * percent // 100])
    assert reason(tmp_path, name) == "damaged or cut off"


def test_a_flipped_bit_in_a_png_is_refused(tmp_path, smooth):
    smooth(1, (200, 200)).save(tmp_path / "a.png")
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(data)
    assert reason(tmp_path, "a.png") == "damaged or cut off"


def test_what_is_no_picture_is_refused_with_its_reason(tmp_path, smooth):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "page.jpg").write_bytes(b"\n <!DOCTYPE html><html><body>404</body></html>")
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(300))
    assert reason(tmp_path, "phone.heic") == "a picture in HEIC or AVIF format: convert it to JPEG or PNG"
    (tmp_path / "x.jpg").mkdir()
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "circle.jpg").symlink_to(tmp_path / "circle.jpg")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
    smooth(0, (1, 1)).save(tmp_path / "dot.png")
    smooth(0, (500, 3)).save(tmp_path / "line.png")
    assert reason(tmp_path, "empty.jpg") == "an empty file"
    assert reason(tmp_path, "page.jpg") == "a web page"
    assert reason(tmp_path, "text.jpg").startswith("not a picture of a known format")
    assert reason(tmp_path, "x.jpg") == "a folder"
    assert reason(tmp_path, "gone.jpg") == "a link to nothing"
    assert reason(tmp_path, "circle.jpg") in {"a link in a circle", "may not be read"}
    assert reason(tmp_path, "pipe.jpg") == "not a regular file"
    assert reason(tmp_path, "missing.jpg") == "no such file"
    assert reason(tmp_path, "dot.png") == "a side shorter than 4 pixels"
    assert reason(tmp_path, "line.png") == "a side shorter than 4 pixels"


@pytest.mark.parametrize("ending", ["tiff", "ico", "tga", "ppm", "pcx", "eps", "pdf", "jp2", "sgi", "dds"])
def test_no_other_decoder_ever_sees_a_file(tmp_path, smooth, ending):
    smooth(0, (32, 32)).save(tmp_path / f"a.{ending}")
    (tmp_path / f"a.{ending}").rename(tmp_path / "a.jpg")
    assert reason(tmp_path, "a.jpg").startswith("not a picture of a known format")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_that_may_not_be_read(tmp_path, smooth):
    smooth().save(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)
    assert reason(tmp_path, "a.png") == "may not be read"


def test_a_file_that_the_system_refuses_to_open(tmp_path, smooth, monkeypatch):
    smooth().save(tmp_path / "a.png")

    def refuse(path, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert reason(tmp_path, "a.png") == "may not be read"


def empty_png(width: int, height: int) -> bytes:
    """A PNG of black and white pixels that is tiny on the disk, whatever its size in memory."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    body = zlib.compress(bytes((width + 7) // 8 + 1) * height)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [5001, 12_000, 20_000])
def test_pixels_are_counted_before_they_are_decoded(tmp_path, side):
    (tmp_path / "bomb.png").write_bytes(empty_png(side, side))
    start = time.process_time()
    assert reason(tmp_path, "bomb.png") == "more than 25 megapixels"
    assert time.process_time() - start < 0.05


def test_the_greatest_picture_is_still_read(tmp_path):
    (tmp_path / "big.png").write_bytes(empty_png(5000, 5000))
    assert MOST_PIXELS == 5000 * 5000
    assert (read(tmp_path, "big.png").pixels == 0).all()


@pytest.mark.parametrize("name", ["../a.png", "/etc/hostname", "sub/../../a.png", "..\\a.png", ".."])
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path, smooth, name):
    folder = tmp_path / "inside"
    (folder / "sub").mkdir(parents=True)
    smooth().save(tmp_path / "a.png")
    assert reason(folder, name) == "a path that leads out of the folder"


@pytest.mark.parametrize("name", ["", "a\0.png"])
def test_names_that_no_file_can_have_are_refused(tmp_path, name):
    assert reason(tmp_path, name) == "a name that no file can have"


@pytest.mark.skipif(os.name == "nt", reason="a backslash separates folders on Windows")
def test_a_backslash_in_a_name_leads_nowhere(tmp_path, smooth):
    smooth().save(tmp_path / "a\\b.png")
    assert read(tmp_path, "a\\b.png").pixels.shape == (16, 16, 3)


def test_links_that_lead_out_are_read_only_if_asked(tmp_path, smooth):
    folder = tmp_path / "inside"
    folder.mkdir()
    smooth().save(tmp_path / "a.png")
    smooth().save(folder / "b.png")
    (folder / "out.png").symlink_to(tmp_path / "a.png")
    (folder / "in.png").symlink_to(folder / "b.png")
    assert reason(folder, "out.png") == "a link that leads out of the folder"
    assert read(folder, "in.png").pixels.shape == (16, 16, 3)
    assert read(folder, "out.png", Reading(size=16, follow_links=True)).pixels.shape == (16, 16, 3)


@pytest.mark.parametrize(("name", "value"), [("size", 0), ("least_side", -1)])
def test_sizes_must_be_positive(name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got {value}"):
        Reading(**{name: value})


@pytest.fixture(scope="module")
def inside(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("names") / "inside"
    (folder / "sub").mkdir(parents=True)
    for path in (folder / "a.png", folder / "sub" / "b.png", folder.parent / "secret.png"):
        Image.new("RGB", (20, 20)).save(path)
    return folder


PARTS = st.sampled_from(["..", ".", "a.png", "sub", "b.png", "secret.png", "", "inside", "\0", "/", "~", "é"])


@given(name=st.text() | st.lists(PARTS).map("/".join))
def test_no_name_leads_out_of_the_folder(inside, name):
    with suppress(UnusableError):
        read(inside, name)
        assert (inside / name).resolve() in {inside / "a.png", inside / "sub" / "b.png"}


def encoded(format_name: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (24, 31, 3), np.uint8)).save(stream, format_name)
    return stream.getvalue()


WHOLE = {name: encoded(name) for name in ("JPEG", "PNG", "WEBP", "BMP", "GIF")}


@given(
    name=st.sampled_from(sorted(WHOLE)),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255))),
    cut=st.floats(0, 1),
)
@settings(max_examples=150)
def test_damaged_files_are_read_or_refused(inside, name, changes, cut):
    data = bytearray(WHOLE[name])
    for place, value in changes:
        data[int(place * len(data))] = value
    (inside / "damaged").write_bytes(data[: round(cut * len(data))] if cut > 0.5 else data)
    with suppress(UnusableError):
        square = read(inside, "damaged")
        assert square.pixels.shape == (16, 16, 3)
        assert square.pixels.dtype == np.uint8


@pytest.mark.parametrize("name", ["C:secret.png", "C:/secret.png", "//host/share/secret.png"])
def test_on_windows_no_drive_leads_out_of_the_folder(tmp_path, monkeypatch, name):
    monkeypatch.setattr(_picture, "Path", PureWindowsPath)
    assert reason(tmp_path, name, Reading(follow_links=True)) == "a path that leads out of the folder"


def test_a_file_of_more_than_256_mib_is_not_read(tmp_path):
    path = tmp_path / "a.png"
    path.touch()
    os.truncate(path, 256 * 2**20 + 1)  # a hole
    assert reason(tmp_path, "a.png") == "more than 256 MiB"
    os.truncate(path, 256 * 2**20)
    assert reason(tmp_path, "a.png") != "more than 256 MiB"

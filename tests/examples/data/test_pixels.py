"""Color modes and shapes of all kinds, read from files into squares of red, green and blue."""

import numpy as np
import pytest
from PIL import Image

from examples.anime_faces.data import Fit, Reading
from examples.anime_faces.data._picture import read_picture
from examples.anime_faces.data._pixels import UnusableError, to_rgb

READING = Reading(size=16, least_side=4)
UNSEEN = "white on transparent, so that nothing can be seen"


def read(folder, name: str, reading: Reading = READING):
    return read_picture(folder, name, reading)


def flat(mode: str, color) -> Image.Image:
    return Image.new(mode, (20, 20), color)


@pytest.mark.parametrize(
    ("image", "name", "expected", "conversions"),
    [
        (flat("RGB", (10, 200, 30)), "a.png", (10, 200, 30), ()),
        (flat("L", 90), "a.png", (90, 90, 90), ("gray",)),
        (flat("1", 1), "a.png", (255, 255, 255), ("black and white",)),
        (flat("LA", (0, 128)), "a.png", (127, 127, 127), ("gray", "transparent parts made white")),
        (flat("RGBA", (255, 0, 0, 0)), "a.png", (255, 255, 255), ("transparent parts made white", UNSEEN)),
        (flat("LA", (255, 99)), "a.png", (255, 255, 255), ("gray", "transparent parts made white", UNSEEN)),
        (flat("RGBA", (255, 255, 255, 255)), "a.png", (255, 255, 255), ()),
        (flat("RGBA", (255, 0, 0, 255)), "a.png", (255, 0, 0), ()),
        (flat("RGBA", (200, 100, 0, 51)), "a.webp", (244, 224, 204), ("transparent parts made white",)),
        (flat("RGB", (9, 80, 200)).quantize(4), "a.png", (9, 80, 200), ("palette",)),
        (flat("RGB", (9, 80, 200)).quantize(4), "a.bmp", (9, 80, 200), ("palette",)),
        (flat("CMYK", (0, 255, 255, 0)), "a.jpg", (254, 0, 0), ("CMYK",)),
        (flat("L", 60), "a.jpg", (60, 60, 60), ("gray",)),
        (flat("I;16", 65535), "a.png", (255, 255, 255), ("16-bit", "gray")),
        (flat("I;16", 0), "a.png", (0, 0, 0), ("16-bit", "gray")),
    ],
)
def test_every_color_mode_comes_out_as_the_color_that_it_shows(tmp_path, image, name, expected, conversions):
    image.save(tmp_path / name, lossless=True)
    square = read(tmp_path, name)
    assert square.pixels.shape == (16, 16, 3)
    assert square.pixels.dtype == np.uint8
    np.testing.assert_allclose(square.pixels.reshape(-1, 3).mean(axis=0), expected, atol=1.6)
    assert square.conversions == conversions


@pytest.mark.parametrize("value", [1, 127, 128, 257, 5000, 32768, 60000, 65534])
def test_sixteen_bit_gray_is_scaled_and_not_clipped(tmp_path, value):
    flat("I;16", value).save(tmp_path / "a.png")
    assert abs(int(read(tmp_path, "a.png").pixels[3, 3, 0]) - value / 257) <= 0.5


def test_transparent_color_of_a_palette_and_of_gray_is_laid_on_white(tmp_path):
    palette = Image.new("P", (20, 20), 0)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.save(tmp_path / "palette.png", transparency=0)
    flat("L", 7).save(tmp_path / "gray.png", transparency=7)
    flat("I;16", 700).save(tmp_path / "deep.png", transparency=700)
    for name in ("palette.png", "gray.png", "deep.png"):
        assert (read(tmp_path, name).pixels == 255).all(), name
        assert "transparent parts made white" in read(tmp_path, name).conversions


def test_fit_decides_what_happens_to_the_longer_side(tmp_path):
    image = Image.new("RGB", (60, 20), (255, 0, 0))
    image.paste((0, 255, 0), (20, 0, 40, 20))
    image.save(tmp_path / "a.png")
    crop, pad, stretch = (
        read(tmp_path, "a.png", Reading(size=30, fit=fit)).pixels for fit in (Fit.CROP, Fit.PAD, Fit.STRETCH)
    )
    assert (crop == (0, 255, 0)).all()
    assert (pad[:9] == 255).all()
    assert (pad[-9:] == 255).all()
    assert (pad[15, 15] == (0, 255, 0)).all()
    assert (pad[15, 2] == (255, 0, 0)).all()
    assert (stretch[[0, 29], 15] == (0, 255, 0)).all()
    assert (stretch[15, 2] == (255, 0, 0)).all()


def test_a_picture_of_the_right_size_keeps_its_pixels(tmp_path, smooth):
    image = smooth(3, (16, 16))
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path, "a.png").pixels, np.asarray(image))


def test_gray_of_32_bits_is_scaled_as_that_of_16():
    converted = to_rgb(flat("I", 257 * 40))
    assert converted.conversions[0] == "16-bit"
    assert converted.image.getpixel((0, 0)) == (40, 40, 40)


@pytest.mark.parametrize("mode", ["F", "HSV", "LAB"])
def test_modes_that_no_file_has_are_refused(mode):
    with pytest.raises(UnusableError) as caught:
        to_rgb(Image.new(mode, (2, 2)))
    assert (caught.value.reason, caught.value.detail) == ("a color mode that is not read", mode)

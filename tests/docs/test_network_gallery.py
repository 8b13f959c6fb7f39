"""The page of networks is up to date."""

import pytest

from docs.network_gallery.page import NETWORKS, PAGE, Entry, fill, make_entries
from gankit import networks


@pytest.fixture(scope="module")
def entries() -> dict[str, Entry]:
    return make_entries()


def test_the_page_is_fresh(entries: dict[str, Entry]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert fill(text, entries) == text, "run python -m docs.network_gallery"


def test_a_number_changed_by_hand_is_noticed(entries: dict[str, Entry]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    changed = text.replace(f"{entries['r3gan_critic'].table.parameters:,}", "1,234").replace("13.06 G", "1.5 G")
    assert changed.count("1,234") == 1
    assert changed.count("1.5 G") == 2
    assert fill(changed, entries) == text


def test_every_network_has_a_place(entries: dict[str, Entry]) -> None:
    classes = {name for name in vars(networks) if name.endswith(("Generator", "Critic", "Colorizer"))}
    assert {name.replace("_", "") for name in NETWORKS} == {name.lower() for name in classes}
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"gankit.networks.{name}`" in text for name in classes)
    with pytest.raises(ValueError, match="another"):
        fill(text + "\n<!-- network another -->\n<!-- end -->", entries)


def test_products_are_those_of_the_layers(entries: dict[str, Entry]) -> None:
    # The joined critic by hand: 4x4 convolutions of stride 2, one 1x1 convolution of 512 + 23 maps, one linear layer.
    channels, sides = (3, 64, 128, 256, 512), (32, 16, 8, 4)
    down = sum(16 * a * b * side**2 for a, b, side in zip(channels, channels[1:], sides, strict=False))
    assert entries["joined_critic"].products == down + 535 * 512 * 16 + 512 * 16


def test_sides_are_those_of_the_pictures(entries: dict[str, Entry]) -> None:
    sides = {name: entry.side for name, entry in entries.items()}
    assert (sides["dcgan_generator"], sides["make_girls_moe_generator"], sides["patchgan_critic"]) == (64, 128, 256)

"""The page of networks says what the networks are."""

import pytest

from docs.network_gallery.page import NETWORKS, PAGE, fill, make_tables
from gankit import networks
from gankit.networks import LayerTable


@pytest.fixture(scope="module")
def tables() -> dict[str, LayerTable]:
    return make_tables()


def test_the_page_is_fresh(tables: dict[str, LayerTable]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert fill(text, tables) == text, "run python -m docs.network_gallery"


def test_a_number_changed_by_hand_is_noticed(tables: dict[str, LayerTable]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    changed = text.replace(f"{tables['r3gan_critic'].parameters:,}", "1,234")
    assert changed != text
    assert fill(changed, tables) == text


def test_every_network_has_a_place(tables: dict[str, LayerTable]) -> None:
    classes = {name for name in vars(networks) if name.endswith(("Generator", "Critic", "Colorizer"))}
    assert {name.replace("_", "") for name in NETWORKS} == {name.lower() for name in classes}
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"gankit.networks.{name}`" in text for name in classes)
    with pytest.raises(ValueError, match="another"):
        fill(text + "\n<!-- network another -->\n<!-- end -->", tables)

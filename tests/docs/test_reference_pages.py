"""The joint between the guides and the API reference."""

import zlib
from pathlib import Path

import pytest

from docs.api.public_names import assigned_in, public_folders, public_names
from docs.reference_pages import (
    DocumentationError,
    ReferencePage,
    read_inventory,
    resolve_links,
)

INVENTORY = {
    "gankit.losses.Hinge": "gankit.losses.Hinge.html#gankit.losses.Hinge",
    "gankit.losses.Hinge.real": "gankit.losses.Hinge.html#gankit.losses.Hinge.real",
    "gankit.losses": "gankit.losses.html#module-gankit.losses",
}


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("[`gankit.losses.Hinge`][]", "[`gankit.losses.Hinge`](api/gankit.losses.Hinge.md)"),
        ("[the hinge][gankit.losses.Hinge]", "[the hinge](api/gankit.losses.Hinge.md)"),
        ("[`real`][gankit.losses.Hinge.real]", "[`real`](api/gankit.losses.Hinge.md#gankit.losses.Hinge.real)"),
        ("[`f([a], b[:, 0])`][gankit.losses.Hinge]", "[`f([a], b[:, 0])`](api/gankit.losses.Hinge.md)"),
        ("[`gankit.losses`][]", "[`gankit.losses`](api/gankit.losses.md)"),
        ("[the whole\nhinge][gankit.losses.Hinge]", "[the whole\nhinge](api/gankit.losses.Hinge.md)"),
        ("[the hinge]\n  [gankit.losses.Hinge]", "[the hinge](api/gankit.losses.Hinge.md)"),
        ("[another][note] and [plain](page.md)", "[another][note] and [plain](page.md)"),
    ],
)
def test_names_become_links(text: str, link: str) -> None:
    assert resolve_links(f"See {text}.\n", "index.md", INVENTORY) == f"See {link}.\n"


def test_links_are_relative_to_their_page() -> None:
    resolved = resolve_links("[`gankit.losses.Hinge`][]", "faces/data.md", INVENTORY)
    assert resolved == "[`gankit.losses.Hinge`](../api/gankit.losses.Hinge.md)\n"


@pytest.mark.parametrize("text", ["[`gankit.losses.Hing`][]", "[the hinge][gankit.losses.Hing]"])
def test_an_unknown_name_is_refused(text: str) -> None:
    with pytest.raises(DocumentationError, match=r"page\.md, line 2.*gankit\.losses\.Hing"):
        resolve_links(f"first line\n{text}\n", "page.md", INVENTORY)


@pytest.mark.parametrize("text", ["[a `hinge` loss][gankit.losses.Hinge]", "[hinge] [gankit.losses.Hinge ]"])
def test_a_link_that_would_show_its_brackets_is_refused(text: str) -> None:
    with pytest.raises(DocumentationError, match=r"page\.md, from line 4: the link .* is not understood"):
        resolve_links(f"```\n{text}\n```\n{text}\n", "page.md", INVENTORY)


def test_lines_are_counted_through_code_blocks() -> None:
    with pytest.raises(DocumentationError, match=r"page\.md, line 6: .*Hing'"):
        resolve_links("one\n```\nthree\n```\nfive\n[`gankit.losses.Hing`][]\n", "page.md", INVENTORY)


def test_code_blocks_stay_as_they_are() -> None:
    text = "```markdown\n[`gankit.losses.Hing`][]\n```\n"
    assert resolve_links(text, "index.md", INVENTORY) == text


def test_the_inventory_is_read_as_sphinx_writes_it(tmp_path: Path) -> None:
    lines = (
        "gankit.losses.Hinge py:class 1 gankit.losses.Hinge.html#$ -\n"
        "gankit.losses py:module 0 gankit.losses.html#module-$ -\n"
        "index std:doc -1 index.html API reference\n"
    )
    head = b"# Sphinx inventory version 2\n# Project: gankit\n# Version: \n# The remainder is compressed using zlib.\n"
    path = tmp_path / "objects.inv"
    path.write_bytes(head + zlib.compress(lines.encode()))
    assert read_inventory(path) == {
        "gankit.losses.Hinge": "gankit.losses.Hinge.html#gankit.losses.Hinge",
        "gankit.losses": "gankit.losses.html#module-gankit.losses",
    }


def test_members_leave_out_the_name_of_the_page() -> None:
    body = '<dt class="sig sig-object py" id="gankit.a.B"><dt class="sig sig-object py" id="gankit.a.B.c">'
    assert ReferencePage(name="gankit.a.B", title="B", body=body).members == ["gankit.a.B.c"]


def test_public_names_come_from_the_tables_of_contents(tmp_path: Path) -> None:
    for folder, text in {
        "zebra": "from house.zebra._stripe import (\n    Stripe as Stripe,\n    hidden,\n    other as renamed,\n)\n",
        "losses": "",
        "_core": "from house._core._x import x as x\n",
    }.items():
        (tmp_path / "house" / folder).mkdir(parents=True)
        (tmp_path / "house" / folder / "__init__.py").write_text(text)
    package = tmp_path / "house"
    assert public_folders(package) == ["losses", "zebra"]
    (stripe,) = public_names("zebra", package)
    assert (stripe.path, stripe.home) == ("house.zebra.Stripe", "house.zebra._stripe")


def test_public_names_are_found_through_the_table_of_contents_of_a_private_sub_folder(tmp_path: Path) -> None:
    package = tmp_path / "house"
    (package / "zebra" / "_coat").mkdir(parents=True)
    (package / "zebra" / "__init__.py").write_text("from house.zebra._coat import Stripe as Stripe, Dot as Dot\n")
    (package / "zebra" / "_coat" / "__init__.py").write_text("from house.zebra._coat._stripe import Stripe as Stripe\n")
    (package / "zebra" / "_coat" / "_stripe.py").write_text("Stripe: TypeAlias = int\nWidth = float\n")
    homes = {public.name: public.home for public in public_names("zebra", package)}
    assert homes == {"Stripe": "house.zebra._coat._stripe", "Dot": "house.zebra._coat"}
    assert assigned_in("Width", "zebra", package) == assigned_in("Stripe", "zebra", package) == homes["Stripe"]
    with pytest.raises(ValueError, match="one file of zebra must assign Dot"):
        assigned_in("Dot", "zebra", package)

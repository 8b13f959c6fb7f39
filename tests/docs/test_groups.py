"""The groups of public names, which the docstring of each folder declares."""

from pathlib import Path

import pytest

from docs.api.public_names import groups, public_folders, public_names

CODE = "from house.zebra._stripe import (\n    Stripe as Stripe,\n    dot as dot,\n    other as other,\n)\n"


def zebra(tmp_path: Path, listed: str) -> Path:
    (tmp_path / "house" / "zebra").mkdir(parents=True)
    (tmp_path / "house" / "zebra" / "__init__.py").write_text(f'"""Zebras.\n\nGroups:\n{listed}"""\n\n{CODE}')
    return tmp_path / "house"


@pytest.mark.parametrize("folder", public_folders())
def test_each_public_name_is_in_one_group_that_says_when_to_look_there(folder: str) -> None:
    found = groups(folder)
    names = [public.name for group in found for public in group.names]
    assert sorted(names) == sorted(public.name for public in public_names(folder))
    assert len({group.title for group in found}) == len(found) > 1
    for group in found:
        assert group.purpose.endswith("."), f"{folder}, {group.title}: the purpose is a sentence"


def test_a_group_has_a_title_a_purpose_and_names_over_several_lines(tmp_path: Path) -> None:
    listed = (
        "    Wild ones: Look here\n    first.\n        dot,\n        Stripe\n    Tame ones: Never.\n        other\n"
    )
    wild, tame = groups("zebra", zebra(tmp_path, listed))
    assert (wild.title, wild.purpose, wild.anchor) == ("Wild ones", "Look here first.", "wild-ones")
    assert [public.path for public in wild.names] == ["house.zebra.dot", "house.zebra.Stripe"]
    assert [public.name for public in tame.names] == ["other"]


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("    Wild: Here.\n        dot, Stripe\n", r"zebra: .* \['other'\]"),
        ("    Wild: Here.\n        dot, Stripe, other\n    Tame: There.\n        dot\n", r"zebra: .* \['dot'\]"),
        ("    Wild: Here.\n        dot, Stripe, other, horse\n", r"zebra, group 'Wild: Here\.'.*\['horse'\]"),
        ("    Wild here.\n        dot, Stripe, other\n", "'Title: purpose'"),
        ("", "must be in one group"),
    ],
)
def test_wrong_groups_are_refused(tmp_path: Path, listed: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        groups("zebra", zebra(tmp_path, listed))

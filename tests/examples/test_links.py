"""Links: where a path leads, and the refusal of links to nothing wherever a folder is written."""

from pathlib import Path

import pytest

from examples.anime_faces.__main__ import main
from examples.anime_faces.data import check_apart_from_data, check_place_of_run
from examples.anime_faces.files import check_writable
from examples.anime_faces.links import real_path, refuse_dead_link


def test_a_link_is_followed_and_a_circle_stays(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "there")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    assert real_path(tmp_path / "link") == real_path(tmp_path) / "there"
    assert real_path(tmp_path / "circle").name == "circle"


@pytest.mark.parametrize("below", ["", "a/b"])
def test_a_link_to_nothing_is_refused(tmp_path: Path, below: str) -> None:
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    with pytest.raises(
        ValueError, match=f"^--out must be .*, but {link} is a link to something .* not there: nowhere$"
    ):
        refuse_dead_link(link / below, "--out")
    with pytest.raises(ValueError, match=f"^{link} is a link to something that is not there: nowhere$"):
        check_writable(link / below / "a.png")
    (tmp_path / "nowhere").mkdir()
    refuse_dead_link(link / below, "--out")
    check_writable(link / below / "a.png")


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--data", "none", "--out"),
        ("check", "--data", "none", "--out"),
        ("prepare", "--count", "1", "--size", "32", "--workers", "0", "--out"),
        ("demo", "--minutes", "1", "--out"),
        ("sample", "--run", "none", "--pictures"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_each_command_says_so(tmp_path: Path, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert main([*arguments, str(tmp_path / "link")]) == 2
    printed = capsys.readouterr()
    assert f"{tmp_path / 'link'} is a link to something that is not there: {tmp_path / 'nowhere'}\n" in printed.err
    assert len(printed.err.splitlines()) == 1


def test_a_file_in_place_of_a_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for check in (check_apart_from_data, check_place_of_run):
        with pytest.raises(ValueError, match=r"--out must be a folder, but .*file is a file"):
            check(tmp_path / "file")

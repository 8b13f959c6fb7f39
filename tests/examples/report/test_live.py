"""The page while the work goes on: when it is written, what it says, and that it never stops the work."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from examples.anime_faces.report import LivePage, _live as live_module
from examples.anime_faces.run import Moment
from tests.examples.report.test_page import parsed

FACES = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def folder(trained_folder: Path, tmp_path: Path) -> Path:
    copied = tmp_path / "run"
    shutil.copytree(trained_folder, copied)
    return copied


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time that the page sees; tests move it."""
    now = [100.0]
    monkeypatch.setattr(live_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(live_module.time, "thread_time", lambda: 0.0)
    yield now
    monkeypatch.undo()


def text_of(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def ended(page: LivePage, error: BaseException, *moments: Moment) -> None:
    """Let the work report some moments, and end with an error."""
    for moment in moments:
        page.watch(moment)
    with pytest.raises(type(error)), page:
        raise error


def test_nothing_is_written_before_there_is_something_to_see(tmp_path: Path) -> None:
    ended(LivePage(tmp_path / "run"), ValueError("a mistake"))
    assert list(tmp_path.iterdir()) == []


def test_the_first_pictures_of_the_data_set_are_shown_at_once(tmp_path: Path) -> None:
    page = LivePage(tmp_path / "run", ("rendering faces", "training"))
    page.enter("rendering faces")
    page.watch_pictures(3, 1000, FACES)
    page_text = text_of(tmp_path / "run")
    seen = parsed(page_text)
    assert seen.open == []
    assert page_text.count("data:image/webp") == 3
    assert "3 of 1,000 pictures" in page_text
    assert "Rendering faces" in page_text
    assert re.search(r'data-written="\d+\.\d" data-every="5"', page_text)
    assert "location.reload" in page_text


def test_the_page_of_a_run_says_how_far_it_is_and_reloads(folder: Path) -> None:
    LivePage(folder, ("rendering faces", "training", "measuring them")).enter("training")
    assert '<li class="done">rendering faces</li>' in text_of(folder)
    page = LivePage(folder, ("rendering faces", "training"))
    page.enter("training")
    page.watch(Moment(done=3, total=7, seconds_left=61.4, has_new_grid=True))
    assert "3 of 7 steps" not in text_of(folder)  # written a moment ago
    page = LivePage(folder)
    page.watch(Moment(done=3, total=7, seconds_left=61.4, has_new_grid=True))
    assert "3 of 7 steps" in text_of(folder)
    assert 'data-left="61"' in text_of(folder)
    assert '<progress max="1" value="0.4286">' in text_of(folder)
    assert "It ended too early" not in text_of(folder)
    assert "The training stopped" not in text_of(folder)


def test_a_finished_page_reloads_no_more(folder: Path) -> None:
    with LivePage(folder) as page:
        page.watch(Moment(done=3, total=7))
        assert "data-written=" in text_of(folder)
    assert "data-written=" not in text_of(folder)
    assert "http-equiv" not in text_of(folder)
    assert "The training stopped" not in text_of(folder)


def test_a_stopped_run_says_where_it_stopped(folder: Path) -> None:
    settings = json.loads((folder / "settings.json").read_text())
    (folder / "settings.json").write_text(json.dumps({**settings, "steps": 1700}))
    ended(LivePage(folder), SystemExit(130), Moment(done=7, total=1700))
    assert "The training stopped after step 7 of 1,700. Repeat its command to continue." in text_of(folder)
    assert "data-written=" not in text_of(folder)


def test_an_error_is_shown_as_text(folder: Path) -> None:
    ended(LivePage(folder), RuntimeError("loss is <nan>"), Moment(done=3, total=7))
    assert "It ended too early" in text_of(folder)
    assert "loss is &lt;nan&gt;" in text_of(folder)
    assert "data-written=" not in text_of(folder)


def test_a_stop_before_the_run_begins_is_shown(tmp_path: Path) -> None:
    page = LivePage(tmp_path / "run", ("reading pictures", "training"))
    page.watch_pictures(3, 1000, FACES)
    ended(page, KeyboardInterrupt())
    assert "It was stopped." in text_of(tmp_path / "run")


def test_writing_is_rare_and_rarer_where_it_is_expensive(
    folder: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[float] = []
    spent = iter(float(number) * 0.06 for number in range(1000))  # each writing takes 0.06 seconds
    monkeypatch.setattr(live_module.time, "thread_time", lambda: next(spent))
    monkeypatch.setattr(live_module, "write_page", lambda *arguments: written.append(clock[0]))
    page = LivePage(folder)
    for second in range(100):
        clock[0] = 100.0 + second
        page.watch(Moment(done=second, total=1000, has_new_grid=second == 40))
    assert written == [100.0, 106.0, 127.0, 140.0, 161.0, 182.0]


def test_a_page_that_cannot_be_written_is_said_once_and_stops_nothing(
    folder: Path, clock: list[float], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(live_module, "write_page", fail)
    monkeypatch.setattr(live_module, "write_report", fail)
    with LivePage(folder) as page:
        for second in range(30):
            clock[0] = 100.0 + second
            page.watch(Moment(done=second, total=1000))
    said = capsys.readouterr().out
    assert said.count("the disk is full") == 1
    assert "report.html cannot be written now; the work continues" in said


def test_a_page_of_a_damaged_run_stops_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "metrics.json").write_text("{")
    LivePage(folder).watch(Moment(done=1, total=2))
    assert "metrics.json is damaged" in capsys.readouterr().out


def test_a_killed_process_is_noticed_from_the_age_of_the_page(folder: Path) -> None:
    before = time.time()
    LivePage(folder).watch(Moment(done=3, total=7))
    page = text_of(folder)
    found = re.search(r'data-written="([\d.]+)" data-every="(\d+)" data-patience="(\d+)"', page)
    assert found is not None
    assert abs(float(found[1]) - before) < 60
    assert 90 <= int(found[3]) < 600
    assert '<p class="late" hidden>' in page
    assert f"Written {time.strftime('%Y-%m-%d')}" in page

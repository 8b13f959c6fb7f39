import io
import re
from unittest import mock

import pytest

from examples.anime_faces import bars


def test_a_file_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with mock.patch.object(bars, "SECONDS_BETWEEN_LINES", 0.0), bars.Bar(total=3, unit="faces", desc="drawing") as bar:
        bar.update()
        bar.total = 2
        bar.set_postfix_str("gap 1.5", refresh=False)
        bar.update()
    shown = capsys.readouterr().err
    assert re.fullmatch(r"(drawing: \d of \d faces, \d\d:\d\d left at .*\n)+", shown), shown
    assert shown.count("\n") >= 2
    assert re.search(r"2 of 2 faces, 00:00 left at \d+ faces/s, gap 1\.5\n$|e\+\d+ faces/s, gap 1\.5\n$", shown)


def test_lines_are_rare(capsys: pytest.CaptureFixture[str]) -> None:
    with bars.Bar(total=500, unit="faces", desc="drawing") as bar:
        for _ in range(500):
            bar.update()
    assert capsys.readouterr().err.count("\n") == 1


class Terminal(io.StringIO):
    """A terminal with some columns."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2


@pytest.mark.parametrize(("columns", "is_a_bar"), [(80, True), (0, False)])
def test_a_terminal_gets_a_bar_if_it_has_room(monkeypatch: pytest.MonkeyPatch, columns: int, is_a_bar: bool) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("os.get_terminal_size", lambda *_: mock.Mock(columns=columns))
    with bars.Bar(total=2, unit="faces", desc="drawing") as bar:
        bar.update(2)
    assert ("\r" in terminal.getvalue()) == is_a_bar
    assert "2 of 2 faces" in terminal.getvalue() or is_a_bar


@pytest.mark.parametrize("terminal", [False, True])
def test_a_pace_is_said_in_words_and_only_if_it_is_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool
) -> None:
    """There were `? left at ?steps/s`, `4.53s/steps` and `1.50steps/s`."""
    stream = Terminal()
    monkeypatch.setattr("tqdm.std.time", lambda: 1e9)  # no time passes but what is taken off below
    if terminal:
        monkeypatch.setattr("sys.stderr", stream)
        monkeypatch.setattr("os.get_terminal_size", lambda *_: mock.Mock(columns=200))
    with mock.patch.object(bars, "SECONDS_BETWEEN_LINES", 0.0), bars.Bar(total=9, unit="steps", desc="training") as bar:
        bar.refresh()
        bar.n = bar.initial = 2
        bar.refresh()
        for done in (4, 6):
            bar.n = done
            bar.start_t -= 4.0
            bar.refresh()
    shown = stream.getvalue() if terminal else capsys.readouterr().err
    assert "?" not in shown
    assert "2 of 9 steps, 00:00 passed\r" in shown or "2 of 9 steps\n" in shown
    assert "00:10 left at 2 s a step" in shown
    assert "00:06 left at 2 s a step" in shown

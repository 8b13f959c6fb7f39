import ast
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples.anime_faces.printing import one_line, open_closed_streams, say, visible, without_readers

PROGRAM = Path(__file__).parents[2] / "examples" / "anime_faces"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\rb\x07", "a\\x0db\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("evil\u202egnp.exe", "evil\\u202egnp.exe"),
        ("\u2066a\u2069", "\\u2066a\\u2069"),
        ("\udcff.png", "\\udcff.png"),
        ("a\U000e0041b", "a\\U000e0041b"),
        (
            "\u9752\u3044\u9aea, caf\xe9, \u0915\u094d\u200d\u0937\tx\n",
            "\u9752\u3044\u9aea, caf\xe9, \u0915\u094d\u200d\u0937\tx\n",
        ),
    ],
)
def test_signs_that_command_a_terminal_are_escaped(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert visible(text) == shown
    say(*text.split("\n"))
    say(*text.split("\n"), error=True)
    assert capsys.readouterr() == (f"{shown}\n", f"{shown}\n")


def test_a_help_text_keeps_its_colors_and_no_other_command(capsys: pytest.CaptureFixture[str]) -> None:
    say("\x1b[1;31mred\x1b[0m \x1b[2J\x07", colors=True)
    assert capsys.readouterr().out == "\x1b[1;31mred\x1b[0m \\x1b[2J\\x07\n"


class _Closed(io.StringIO):
    def write(self, text: str) -> int:
        del text
        raise BrokenPipeError(32, "Broken pipe")


def test_a_closed_output_is_an_error_only_where_somebody_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", _Closed())
    with pytest.raises(BrokenPipeError):
        say("a")
    with without_readers():
        say("a")
    with pytest.raises(BrokenPipeError):
        say("a")


def test_everything_is_printed_in_one_place() -> None:
    """Text from files, tags and names of files goes through `visible` on its way to the terminal."""
    offenders = [
        f"{path.relative_to(PROGRAM)}:{node.lineno}"
        for path in sorted(PROGRAM.rglob("*.py"))
        if path.name != "printing.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (ast.unparse(node.func) == "print" or ast.unparse(node.func).endswith(("stdout.write", "stderr.write")))
    ]
    assert not offenders, f"these calls print by themselves: {offenders}"


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, examples.anime_faces.printing; assert not {'torch', 'numpy', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_line_feed_in_a_name_begins_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("no\nerror: all is well")
    say("a\nb", "", "c", colors=True)
    assert one_line("a\nb\r\x1b") == "a\\x0ab\\x0d\\x1b"
    assert capsys.readouterr().out == "no\\x0aerror: all is well\na\\x0ab\n\nc\n"


def test_closed_streams_lead_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    there = sys.stderr
    monkeypatch.setattr(sys, "stdout", None)
    open_closed_streams()
    with sys.stdout:
        say("a")
        assert sys.stdout.name == os.devnull
        assert sys.stderr is there

import errno
import os
import subprocess
import sys
import warnings

import pytest

from examples.anime_faces import __main__ as program
from examples.anime_faces.errors import CommandError, RunLockedError, TrainingDivergedError, in_words


class _Ending:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def run(self) -> None:
        raise self.error


class _OtherError(CommandError):
    exit_code = 17


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandError("what"), 2),
        (RunLockedError("what"), 3),
        (TrainingDivergedError("what"), 4),
        (_OtherError("what"), 17),
        (ValueError("what"), 2),
        (OSError("what"), 2),
        (ChildProcessError("what"), 2),
    ],
)
def test_an_error_that_ends_a_command_is_one_line_and_its_exit_code(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "parse", lambda name, arguments: _Ending(error))
    assert program.main(["train"]) == code
    assert capsys.readouterr().err == "error: what\n"


@pytest.mark.parametrize("error", [RuntimeError("a bug"), TypeError("a bug"), AssertionError("a bug")])
def test_our_own_mistakes_are_raised_with_their_traceback(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "parse", lambda name, arguments: _Ending(error))
    with pytest.raises(type(error), match="a bug"):
        program.main(["train"])


def test_an_error_of_the_system_names_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = FileNotFoundError(2, "No such file or directory", "there.png")
    monkeypatch.setattr(program, "parse", lambda name, arguments: _Ending(error))
    assert program.main(["train"]) == 2
    assert capsys.readouterr().err == "error: there.png: No such file or directory\n"


def test_only_a_reader_of_the_output_that_has_gone_ends_a_command_in_silence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "parse", lambda name, arguments: _Ending(BrokenPipeError(32, "Broken pipe")))
    assert program.main(["evaluate"]) == 2
    assert (
        capsys.readouterr().err == "error: a process that this command had started has ended before its work was done\n"
    )


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("printed", [0, 100_000])
def test_a_reader_that_has_gone_is_noticed(stream: str, printed: int) -> None:
    code = (
        "import sys, examples.anime_faces.__main__ as program\n"
        "class Printing:\n"
        "    def run(self):\n"
        f"        sys.{stream}.write('x' * {printed})\n"
        "        raise BrokenPipeError(32, 'Broken pipe')\n"
        "program.parse = lambda name, arguments: Printing()\n"
        "sys.stdin.read()\n"
        "sys.exit(program.main(['train']))\n"
    )
    reading, writing = os.pipe()
    out, err = (writing, subprocess.PIPE) if stream == "stdout" else (subprocess.PIPE, writing)
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=out, stderr=err) as command:
        os.close(writing)
        os.close(reading)
        command.communicate(timeout=60)
    assert command.returncode == 141


@pytest.mark.parametrize(
    ("name", "message", "expected"),
    [
        ("prepare", "count must be at least 1, got 0", "--count must be at least 1, got 0"),
        ("prepare", "ribbon_rate must be between 0 and 1, got 3", "--ribbon-rate must be between 0 and 1, got 3"),
        ("evaluate", "samples and half the pictures must be", "--samples and half the pictures must be"),
        ("evaluate", "features 'a:b' cannot be loaded: no", "--features 'a:b' cannot be loaded: no"),
        ("train", "size must be a number", "size must be a number"),
        ("train", "threads must be at least 1", "--threads must be at least 1"),
        ("train", "--seed must be 0 or more", "--seed must be 0 or more"),
        ("prepare", "count the pictures", "count the pictures"),
        ("paint", "count must be 1", "count must be 1"),
    ],
)
def test_messages_name_the_flag_of_an_option(name: str, message: str, expected: str) -> None:
    assert program.with_flag(message, name) == expected


def test_a_full_disk_is_named_in_words() -> None:
    assert program.in_words(OSError(errno.ENOSPC, "No space left on device")).startswith("no space is left on the disk")


def test_own_warnings_are_notes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    others: list[str] = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *rest: others.append(str(message)))
    with program.warnings_as_notes():
        warnings.showwarning("a file was refused", RuntimeWarning, "/x/src/gankit/_core/_files.py", 7)
        warnings.showwarning("old", DeprecationWarning, "/x/site-packages/other/file.py", 7)
    assert capsys.readouterr().err == "note: a file was refused\n"
    assert others == ["old"]


def test_importing_the_errors_loads_no_torch() -> None:
    code = (
        "import sys, examples.anime_faces.errors; assert 'torch' not in sys.modules; assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_long_messages_are_cut() -> None:
    assert in_words(ValueError("a" * 1000)) == "a" * 1000
    assert in_words(ValueError("a" * 1_000_000)) == "a" * 1000 + "..."

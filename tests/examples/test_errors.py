import subprocess
import sys

import pytest

from examples.anime_faces import __main__ as program
from examples.anime_faces.errors import CommandError, RunLockedError, TrainingDivergedError


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


def test_importing_the_errors_loads_no_torch() -> None:
    code = (
        "import sys, examples.anime_faces.errors; assert 'torch' not in sys.modules; assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

"""The command line: `python -m examples.anime_faces COMMAND`."""

import io
import os
import re
import select
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn, TextIO

import tyro

from examples.anime_faces.commands import COMMANDS, OF_RECIPES, find_command, option_names, overview, recipe_of
from examples.anime_faces.commands._help import description_of_train, with_readable_help
from examples.anime_faces.commands._typed import refuse_mistaken, with_home, with_plain_errors
from examples.anime_faces.errors import CommandError, in_words, lines_to_say
from examples.anime_faces.printing import open_closed_streams, say
from examples.anime_faces.recipes import own_name

PROGRAM = "python -m examples.anime_faces"
OWN_FILES = {"anime_faces", "gankit"}
"""Folders of the program's own code, in the paths of warnings."""


def parse(name: str, arguments: list[str]) -> Any:
    """Return a command with its options filled in."""
    if name not in COMMANDS:
        raise ValueError(f"{name!r} is not a command; the commands are {', '.join(COMMANDS)}")
    if name in ("check", "train", "prepare"):
        refuse_empty(arguments)
    refuse_mistaken(name, arguments)
    arguments = with_home(arguments)
    command, program = find_command(name, arguments), f"{PROGRAM} {name}"
    if name in OF_RECIPES and recipe_of(arguments) != "default":  # help is that of the recipe
        program = f"{program} --recipe {recipe_of(arguments)}"
    about = description_of_train(command, own_name(recipe_of(arguments))) if name == "train" else None

    def read() -> Any:
        return tyro.cli(command, prog=program, description=about, args=arguments)

    return with_plain_errors(lambda: with_readable_help(read), arguments)


def refuse_empty(arguments: Sequence[str]) -> None:
    """Refuse an option whose value is an empty text, as a shell gives it for a variable that is not set.

    Raises:
        ValueError: There is one; the message names its flag.
    """
    flag = ""
    for argument in arguments:
        if argument.startswith("--"):
            flag, equals, value = argument.partition("=")
            is_empty = bool(equals) and not value.strip()
        else:
            is_empty = not argument.strip()
        if is_empty:
            raise ValueError(f"{flag or 'an argument'} must not be empty; leave it out for its default")


def with_flag(message: str, name: str) -> str:
    """Return a message that begins with an option's name, such as ``count must be``, with its flag instead.

    A flag that the command does not have, such as ``--recipe`` of `recipes`, loses its dashes.
    """
    flag = re.match(r"--([a-z-]+) ", message)
    if (
        flag is not None
        and name in COMMANDS
        and name not in OF_RECIPES
        and flag[1].replace("-", "_") not in option_names(name)
    ):
        return message[2:]
    found = re.match(r"(\w+) ('[^']*' )?(must|cannot|and) ", message)
    if found is None or name not in COMMANDS or found[1] not in option_names(name):
        return message
    return f"--{found[1].replace('_', '-')}{message[found.end(1) :]}"


def reader_has_gone(streams: Sequence[TextIO]) -> bool:
    """Whether one of these output streams is a pipe that nobody reads any more (`| head`)."""
    for stream in streams:
        try:
            stream.flush()
            number = stream.fileno()
        except BrokenPipeError:
            return True
        except (OSError, ValueError):  # it is closed, or is not a file
            continue
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(number, 0)  # errors are reported whatever is asked for
            if any(events & select.POLLERR for _, events in poll.poll(0)):
                return True
    return False


def accept_any_text() -> None:
    """Let both output streams escape what their encoding cannot write, such as a class name in Japanese under cp1252."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def wait_passively() -> None:
    """Let the threads of torch sleep while they wait for each other, instead of keeping a core busy; a user's own choice stays.

    A thread that waits busily for another one takes the core on which that one should work, as soon as something else runs on
    the machine too. The runtimes of OpenMP read these names when torch is imported, GNU's the first (Linux), LLVM's and Intel's
    both (macOS, Windows). Processes that are started later inherit them.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")


@contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Show the warnings of this program and of gankit as notes of one line, without the place in the code."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], filename: str, *rest: Any) -> None:
            if OWN_FILES & set(Path(filename).parts):
                say(f"note: {message}", error=True)
            else:
                usual(message, category, filename, *rest)

        warnings.showwarning = show
        yield


def is_idle_rank(arguments: list[str]) -> bool:
    """Whether `torchrun` has started this process beside others for a command that one process does: all but `train`."""
    if arguments[:1] == ["train"] or os.environ.get("WORLD_SIZE", "1") == "1":
        return False
    return os.environ.get("RANK", "0") != "0"


def end(code: int) -> NoReturn:
    """End the process at once with this exit code: all is decided, and all files are closed.

    A connection to a lost rank can keep the interpreter from ending, an output that nobody reads would change its exit code,
    and a signal that comes now would turn a finished run into a failed one.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def main(arguments: list[str]) -> int:
    """Run one command; a user's mistake becomes one clear line.

    Returns:
        0, or the exit code of the error: 2 for a mistake in what was asked or in the files, 3 where another process uses the
        folder, 4 where training diverged to NaN or infinity, 5 where another rank stopped, 6 where the device failed, 7 where a
        training ended with networks of no use, 8 where `check` found problems, 28 where a run could not be saved.
        130 after Ctrl-C; 141 where the reader of the output has gone.
    """
    open_closed_streams()
    accept_any_text()
    wait_passively()
    if is_idle_rank(arguments):
        return 0
    try:
        if not arguments or arguments[0] in ("-h", "--help"):
            say(*overview(PROGRAM).split("\n"))
        else:
            with warnings_as_notes():
                parse(arguments[0], arguments[1:]).run()
    except KeyboardInterrupt:
        return 130
    except CommandError as error:
        if str(error):  # else another process says it
            say(*lines_to_say(error, f"error: {error}"), error=True)
        return error.exit_code
    except (ValueError, OSError, MemoryError) as error:
        if isinstance(error, BrokenPipeError) and reader_has_gone((sys.stdout, sys.stderr)):
            # Leave nothing for the interpreter to flush.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        say(*lines_to_say(error, f"error: {with_flag(in_words(error), arguments[0])}"), error=True)
        return CommandError.exit_code
    return 0


def exit_code_of(arguments: list[str]) -> int:
    """Run one command, and return its exit code also where it ends by itself, as after its help."""
    try:
        return main(arguments)
    except SystemExit as ending:
        if ending.code is None or isinstance(ending.code, int):
            return ending.code or 0
        say(*str(ending.code).split("\n"), error=True)
        return 1


if __name__ == "__main__":
    end(exit_code_of(sys.argv[1:]))

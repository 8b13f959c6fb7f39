"""The command line: `python -m examples.anime_faces COMMAND`."""

import sys

import tyro

from examples.anime_faces.commands import COMMANDS, find_command

PROGRAM = "python -m examples.anime_faces"
USER_ERROR, LOCKED, NOT_FINITE = 2, 3, 4


def parse(arguments: list[str]) -> object:
    """Return the command that the arguments ask for, its options filled in."""
    if arguments and arguments[0] in COMMANDS:
        name, *rest = arguments
        return tyro.cli(find_command(name, rest), prog=f"{PROGRAM} {name}", args=rest)
    commands = {name: find_command(name, []) for name in COMMANDS}
    return tyro.extras.subcommand_cli_from_dict(commands, prog=PROGRAM, args=arguments, description=__doc__)


def exit_code_of(error: Exception) -> int:
    """Return the exit code for a user's mistake: 3 for a folder in use, 2 for the rest."""
    return LOCKED if type(error).__name__ == "RunLockedError" else USER_ERROR


def main(arguments: list[str]) -> int:
    """Run one command; a user's mistake becomes one clear line.

    Returns:
        0; 2 for a mistake in what was asked or in the files; 3 where another process uses the folder; 4 where training
        broke down in NaN.
    """
    try:
        parse(arguments).run()  # pyright: ignore[reportAttributeAccessIssue]
    except BrokenPipeError:
        sys.stderr.close()
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return exit_code_of(error)
    except KeyboardInterrupt:
        return 130
    except RuntimeError as error:
        if type(error).__name__ != "NotFiniteError":
            raise
        print(f"error: {error}", file=sys.stderr)
        return NOT_FINITE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Where a warning points to."""

import inspect


def stack_level_of_user() -> int:
    """Return the `stacklevel` with which the caller's warning names the first line outside of gankit and of contextlib."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and _is_inside(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    return level


def _is_inside(module: str) -> bool:
    return module.startswith("gankit.") or module == "contextlib"

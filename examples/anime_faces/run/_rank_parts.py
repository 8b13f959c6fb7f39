"""Parts of a system whose state each rank has for itself, such as pools of earlier pictures: all are in a checkpoint."""

from collections.abc import Mapping
from typing import Any

from examples.anime_faces.run._together import Together

OF_RANKS = "of ranks"


def parts_of_all(parts: Mapping[str, Any], together: Together) -> dict[str, Any]:
    """Return the states of parts, with those of all ranks where a state says which rank it is of."""
    if together.is_alone:
        return dict(parts)
    return {name: {OF_RANKS: together.of_all(part)} if "ranks" in part else part for name, part in parts.items()}


def parts_of_rank(parts: Mapping[str, Any], together: Together) -> dict[str, Any]:
    """Return this rank's states of what `parts_of_all` returned.

    Raises:
        ValueError: The run has another number of ranks now, and a part cannot be divided again.
    """
    found = dict(parts)
    for name, part in parts.items():
        saved = len(part[OF_RANKS]) if OF_RANKS in part else part.get("ranks", together.share.ranks)
        if saved != together.share.ranks:
            raise ValueError(
                f"the run must continue with {saved} rank{'s' * (saved > 1)}, since each has its own {name}, which cannot be "
                f"divided again, but there are {together.share.ranks} now"
            )
        if OF_RANKS in part:
            found[name] = part[OF_RANKS][together.share.rank]
    return found

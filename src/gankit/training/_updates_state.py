"""The state of several updates, some of which share an optimizer."""

from collections.abc import Mapping
from typing import Any

from gankit._core import brief
from gankit.training._update import Update, checked_state, load_all


def updates_state(updates: Mapping[str, Update]) -> dict[str, Any]:
    """Return the state of several updates; an optimizer that some of them share is in it once.

    Its tensors are those of the optimizers, not copies.

    Args:
        updates: Updates by name, such as those of one turn of the critic.

    Raises:
        ValueError: There is no update.

    Example:
        >>> import torch
        >>> from gankit.training import Update, load_updates_state, updates_state
        >>> critic = torch.nn.Linear(1, 1)
        >>> optimizer = torch.optim.Adam(critic.parameters())
        >>> updates = {name: Update(optimizer, lambda x: {"loss": critic(x).mean()}) for name in ("plain", "penalized")}
        >>> state = updates_state(updates)
        >>> state["plain"]["optimizer"].keys(), state["penalized"]["optimizer"]
        (dict_keys(['state', 'param_groups']), {'shared_with': 'plain'})
        >>> load_updates_state(updates, state)
    """
    if not isinstance(updates, Mapping) or not updates:
        found = "an empty mapping" if isinstance(updates, Mapping) else type(updates).__name__
        raise ValueError(f"updates must be a mapping of names to updates, with at least one, got {found}")
    first: dict[int, str] = {}
    states: dict[str, Any] = {}
    for name, update in updates.items():
        owner = first.setdefault(id(update.optimizer), name)
        states[name] = update.state_dict()
        if owner != name:
            states[name]["optimizer"] = {"shared_with": owner}
    return states


def load_updates_state(updates: Mapping[str, Update], state: Mapping[str, Any]) -> None:
    """Restore the state of several updates, which `updates_state` returned; if one does not fit, nothing changes.

    Args:
        updates: The updates by the names that they had in the state.
        state: What `updates_state` returned, or what a file of it holds.

    Raises:
        ValueError: Names differ, updates share optimizers in another way than in the state, or the state of one does not fit
            it.

    Example:
        >>> import torch
        >>> from gankit.training import Update, load_updates_state, updates_state
        >>> critic = torch.nn.Linear(1, 1)
        >>> updates = {"critic": Update(torch.optim.SGD(critic.parameters()), lambda x: {"loss": critic(x).mean()})}
        >>> _ = updates["critic"](torch.ones(1, 1))
        >>> state = updates_state(updates)
        >>> load_updates_state(updates, state)
        >>> updates["critic"].updates
        1
    """
    if not isinstance(state, Mapping) or state.keys() != updates.keys():
        found = brief(list(state)) if isinstance(state, Mapping) else type(state).__name__
        raise ValueError(f"state must hold one entry for each of the updates {sorted(updates)}, got {found}")
    states = {name: checked_state(state[name]) for name in updates}
    sources = {name: _source(name, states) for name in updates}
    for name, update in updates.items():
        shared = {other for other in updates if sources[other] == sources[name]}
        now = {other for other in updates if updates[other].optimizer is update.optimizer}
        if shared != now:
            raise ValueError(
                f"update {name!r} must share its optimizer with the same updates as in the state, got {sorted(now)}, and "
                f"{sorted(shared)} in the state"
            )
    kept = {name: own if sources[name] == name else {**own, "optimizer": None} for name, own in states.items()}
    load_all([(updates[name], kept[name]) for name in updates])


def _source(name: str, states: Mapping[str, Any]) -> str:
    """Return the name of the update whose state holds the optimizer of another one."""
    saved = states[name]["optimizer"]
    if "shared_with" not in saved:
        return name
    source = saved["shared_with"]
    if (
        len(saved) > 1
        or not isinstance(source, str)
        or source not in states
        or "shared_with" in states[source]["optimizer"]
    ):
        raise ValueError(
            f"update {name!r} must share its optimizer with an update whose state holds it, got {brief(saved)}"
        )
    return source

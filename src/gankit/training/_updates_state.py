"""The state of several updates, some of which share an optimizer."""

from collections.abc import Mapping
from typing import Any

from gankit.training._update import Update, checked_state


def updates_state(updates: Mapping[str, Update]) -> dict[str, Any]:
    """Return the state of several updates; an optimizer that some of them share is in it once.

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
    if not updates:
        raise ValueError("updates must hold at least one update, got an empty mapping")
    first: dict[int, str] = {}
    states: dict[str, Any] = {}
    for name, update in updates.items():
        owner = first.setdefault(id(update.optimizer), name)
        states[name] = update.state_dict()
        if owner != name:
            states[name]["optimizer"] = {"shared_with": owner}
    return states


def load_updates_state(updates: Mapping[str, Update], state: Mapping[str, Any]) -> None:
    """Restore the state of several updates, which `updates_state` returned.

    Raises:
        ValueError: Names differ, updates share other optimizers than those of the state did, or the state of one does not
            fit it.

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
        found = sorted(state) if isinstance(state, Mapping) else type(state).__name__
        raise ValueError(f"state must hold one entry for each of the updates {sorted(updates)}, got {found}")
    states = {name: checked_state(state[name]) for name in updates}
    owners = {
        name: next(first for first in updates if updates[first].optimizer is updates[name].optimizer)
        for name in updates
    }
    for name, owner in owners.items():
        saved = states[name]["optimizer"]
        shared = saved.get("shared_with", name) if isinstance(saved, Mapping) else name
        if shared != owner:
            raise ValueError(f"the optimizer of update {name!r} must be that of {shared!r}, got that of {owner!r}")
    for name, update in updates.items():
        if owners[name] == name:
            update.load_state_dict(states[name])
        else:
            update.load_without_optimizer(states[name])

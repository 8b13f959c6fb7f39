import copy

import pytest
import torch
from torch import nn

from gankit.training import (
    FiniteStepper,
    ScaledStepper,
    Update,
    load_checkpoint,
    load_updates_state,
    save_checkpoint,
    updates_state,
)


def _pair(*, shared: bool) -> dict[str, Update]:
    torch.manual_seed(1)
    critic = nn.Linear(2, 1)
    optimizers = [torch.optim.Adam(critic.parameters(), lr=0.1) for _ in range(2)]
    return {
        name: Update(optimizers[0 if shared else place], lambda x: {"loss": critic(x).square().mean()})
        for place, name in enumerate(("plain", "penalized"))
    }


@pytest.mark.parametrize("shared", [True, False])
def test_updates_are_saved_together_and_a_shared_optimizer_once(tmp_path, shared: bool) -> None:
    updates, x = _pair(shared=shared), torch.randn(5, 2)
    for name in ("plain", "penalized", "plain"):
        updates[name](x)
    state = updates_state(updates)
    assert (state["penalized"]["optimizer"] == {"shared_with": "plain"}) == shared
    save_checkpoint(tmp_path / "a.pt", state)
    others = _pair(shared=shared)
    load_updates_state(others, load_checkpoint(tmp_path / "a.pt"))
    assert [update.updates for update in others.values()] == [2, 1]
    moments = [[update.optimizer.state_dict()["state"] for update in each.values()] for each in (updates, others)]
    torch.testing.assert_close(moments[1], moments[0], rtol=0, atol=0)


def test_states_of_other_updates_are_refused() -> None:
    updates = _pair(shared=True)
    state = updates_state(updates)
    with pytest.raises(
        ValueError, match=r"one entry for each of the updates \['penalized', 'plain'\], got \['plain'\]"
    ):
        load_updates_state(updates, {"plain": state["plain"]})
    with pytest.raises(ValueError, match="got list"):
        load_updates_state(updates, [])  # pyright: ignore[reportArgumentType]
    with pytest.raises(
        ValueError, match=r"'plain' must share .* got \['plain'\], and \['penalized', 'plain'\] in the state"
    ):
        load_updates_state(_pair(shared=False), state)
    with pytest.raises(
        ValueError, match=r"'plain' must share .* got \['penalized', 'plain'\], and \['plain'\] in the state"
    ):
        load_updates_state(updates, updates_state(_pair(shared=False)))
    with pytest.raises(ValueError, match="state of an update must have version"):
        load_updates_state(updates, {**state, "plain": None})
    for empty, found in (({}, "an empty mapping"), ([1], "list")):
        with pytest.raises(ValueError, match=f"must be a mapping of names to updates, with at least one, got {found}"):
            updates_state(empty)  # pyright: ignore[reportArgumentType]


def test_the_order_of_names_plays_no_part() -> None:
    updates, x = _pair(shared=True), torch.randn(5, 2)
    for update in updates.values():
        update(x)
    others = _pair(shared=True)
    load_updates_state(dict(reversed(others.items())), updates_state(updates))
    states = [each["plain"].optimizer.state_dict()["state"] for each in (updates, others)]
    torch.testing.assert_close(states[1], states[0], rtol=0, atol=0)


class _Refusing(FiniteStepper):
    """A stepper that does not take some states."""

    def __init__(self) -> None:
        super().__init__()
        self.value = 1

    def state_dict(self) -> dict[str, int]:
        return {"version": 1, "value": self.value}

    def load_state_dict(self, state: dict[str, int]) -> None:
        if "bad" in state:
            raise KeyError("bad")
        self.value = state["value"]


@pytest.mark.parametrize("fault", ["optimizer", "kind", "stepper", "updates"])
def test_a_state_that_does_not_fit_changes_nothing(fault: str) -> None:
    networks = [nn.Linear(2, 1) for _ in range(2)]
    updates = {
        name: Update(
            torch.optim.Adam(n.parameters(), lr=0.1), lambda x, n=n: {"loss": n(x).mean()}, stepper=_Refusing()
        )
        for name, n in zip(("critic", "generator"), networks, strict=True)
    }
    for update in updates.values():
        update(torch.ones(3, 2))
    saved = copy.deepcopy(updates_state(updates))
    for update in updates.values():
        update.stepper.load_state_dict({"value": 7})
    for update in updates.values():
        update(torch.ones(3, 2))
    before = repr(updates_state(updates))
    bad = saved["generator"]
    if fault == "optimizer":
        bad["optimizer"] = {}
    elif fault == "kind":
        bad["optimizer"] = torch.optim.SGD(networks[1].parameters(), lr=0.1).state_dict()
    elif fault == "stepper":
        bad["stepper"] = {"version": 1, "bad": True}
    else:
        bad["updates"] = -1
    with pytest.raises((ValueError, KeyError)):
        load_updates_state(updates, saved)
    assert repr(updates_state(updates)) == before
    assert [update.stepper.state_dict()["value"] for update in updates.values()] == [7, 7]


def test_updates_that_are_loaded_in_inference_mode_go_on_outside() -> None:
    def run(*, mode: bool) -> torch.Tensor:
        torch.manual_seed(0)
        with torch.inference_mode(mode):
            stepper = ScaledStepper("cpu", initial_scale=2.0)
        network = nn.Linear(1, 1)
        update = Update(
            torch.optim.NAdam(network.parameters()), lambda x: {"loss": network(x).square().mean()}, stepper=stepper
        )
        update(torch.ones(1, 1))
        with torch.inference_mode(mode):
            state = {"update": {**updates_state({"update": update})["update"]}}
            load_updates_state({"update": update}, copy.deepcopy(state))
        update(torch.ones(1, 1))
        return network.weight

    assert torch.equal(run(mode=True), run(mode=False))

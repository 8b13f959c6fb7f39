import pytest
import torch
from torch import nn

from gankit.training import Update, load_checkpoint, load_updates_state, save_checkpoint, updates_state


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
    with pytest.raises(ValueError, match="optimizer of update 'penalized' must be that of 'plain', got that of 'pen"):
        load_updates_state(_pair(shared=False), state)
    with pytest.raises(
        ValueError, match="optimizer of update 'penalized' must be that of 'penalized', got that of 'pl"
    ):
        load_updates_state(updates, updates_state(_pair(shared=False)))
    with pytest.raises(ValueError, match="state of an update must have version"):
        load_updates_state(updates, {**state, "plain": None})
    with pytest.raises(ValueError, match="at least one update"):
        updates_state({})

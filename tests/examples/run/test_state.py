from typing import Any

import pytest
import torch
from torch import nn

import gankit as gk
from examples.anime_faces.run import _state, digest
from examples.anime_faces.run._state import in_current_format


def state() -> dict[str, Any]:
    return {
        "format": 1,
        "settings": {"out": "a"},
        "step": 3,
        "critic": {"weight": torch.arange(6.0).reshape(2, 3), "count": torch.tensor(2)},
        "recent": {"loss": [0.5, 0.25]},
        "optimizers": {"critic": {"param_groups": [{"lr": 0.1, "betas": (0.5, 0.9)}]}},
    }


def test_equal_states_have_equal_digests_whatever_the_settings() -> None:
    other = state()
    other["settings"] = {"out": "b"}
    other["critic"] = dict(reversed(other["critic"].items()))
    assert digest(other) == digest(state())


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["critic"]["weight"].view(-1)[5].add_(1e-6),
        lambda s: s["critic"].update(weight=s["critic"]["weight"].double()),
        lambda s: s["critic"].update(weight=s["critic"]["weight"].reshape(3, 2)),
        lambda s: s["recent"]["loss"].append(0.125),
        lambda s: s["optimizers"]["critic"]["param_groups"][0].update(lr=0.2),
        lambda s: s.update(step=4),
        lambda s: s["critic"].pop("count"),
    ],
)
def test_any_change_changes_the_digest(change: Any) -> None:
    changed = state()
    change(changed)
    assert digest(changed) != digest(state())


def test_the_memory_layout_does_not_matter() -> None:
    weight = torch.randn(2, 3, 4, 5)
    assert digest({"w": weight}) == digest({"w": weight.contiguous(memory_format=torch.channels_last)})


def test_other_formats_are_refused() -> None:
    with pytest.raises(ValueError, match="has format 7, but this version reads the formats 1 and 2"):
        in_current_format({"format": 7})


CPU, ONE, OTHER = torch.device("cpu"), torch.device("cuda"), torch.device("cuda:1")
STATES = [torch.tensor([place], dtype=torch.uint8) for place in range(2)]


@pytest.mark.parametrize(
    ("states", "devices", "restored", "words"),
    [
        (STATES, (ONE, ONE), (0, ONE), ""),  # saved by an earlier version on a machine with two GPUs
        (STATES, (OTHER, ONE), (1, ONE), ""),
        (STATES[:1], (OTHER, ONE), (0, ONE), ""),
        (STATES[1:], (OTHER, OTHER), (1, OTHER), ""),
        (STATES, (CPU, CPU), None, ""),
        ([], (CPU, CPU), None, ""),
        (STATES, (ONE, CPU), None, "those of cuda cannot continue on cpu"),
        (STATES, (CPU, ONE), None, "those of cpu cannot continue on cuda"),
        ([], (ONE, ONE), None, "those of cuda were not saved"),
        ([], (CPU, ONE), None, "those of cpu cannot continue on cuda"),
    ],
)
def test_the_random_state_of_a_gpu_goes_on_on_the_one_that_is_there(
    monkeypatch: pytest.MonkeyPatch, states: Any, devices: tuple[torch.device, torch.device], restored: Any, words: str
) -> None:
    set_to: list[tuple[int, torch.device]] = []
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: set_to.append((int(state), device)))
    problem = _state._restore_device(states, *devices)
    assert words in problem
    assert bool(problem) == bool(words)
    assert set_to == ([] if restored is None else [restored])


def test_the_random_state_of_mps_is_restored_without_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[int] = []
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda state: set_to.append(int(state)))
    assert _state._restore_device(STATES[1:], torch.device("mps"), torch.device("mps:0")) == ""
    assert set_to == [1]


def test_weights_are_taken_by_the_names_of_checkpoints() -> None:
    """Layers that spectral normalization or a compiler wraps have other names of their own."""

    class Counted(nn.Linear):
        seen = 0

        def get_extra_state(self) -> int:
            return self.seen

        def set_extra_state(self, state: int) -> None:
            self.seen = state

    first, second = Counted(2, 2), Counted(2, 2)
    first.seen = 5
    source, target = nn.Sequential(first, nn.Linear(2, 3)), nn.Sequential(second, nn.Linear(2, 4))
    target.compile(backend="eager")
    spectral = nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2))
    source.append(spectral)
    target.append(nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2)))
    saved = gk.training.network_state(source)
    taken, left_out = _state._take({**saved, "3.weight": torch.ones(1)}, target, "critic")
    assert torch.equal(second.weight, first.weight)
    assert second.seen == 5
    assert taken == 7
    assert left_out == [
        "critic.1.weight: shape (3, 2) there, (4, 2) here",
        "critic.1.bias: shape (3,) there, (4,) here",
        "critic.3.weight: not in this network",
    ]


def test_a_random_state_of_another_generator_is_said_to_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(state: torch.Tensor, device: torch.device) -> None:
        raise RuntimeError("RNG state is wrong size\nmore")

    monkeypatch.setattr(torch.cuda, "set_rng_state", refuse)
    assert _state._restore_device(STATES, ONE, ONE) == "those of cuda do not fit cuda (RNG state is wrong size)"

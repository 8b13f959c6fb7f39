"""What there is to choose from to compute on, and which is chosen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch

from examples.anime_faces.systems import Hardware, fastest_hardware, hardware_choices


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def test_choices_begin_with_what_is_slow_nowhere() -> None:
    with _threads(6):
        choices = hardware_choices(device="cpu")
    assert choices[0] == Hardware(device="cpu", precision="float32", channels_last=True, threads=6)
    assert [one.threads for one in choices[:4]] == [6, 3, 1, 6]
    assert len(set(choices)) == len(choices) == 3 * 2 * 2
    with _threads(4):
        choices = hardware_choices(device="cpu")
    assert [one.threads for one in choices[:4]] == [1, 2, 4, 1]


def test_flags_restrict_the_choices() -> None:
    assert {one.threads for one in hardware_choices(device="cpu", threads=3)} == {3}
    assert {one.precision for one in hardware_choices(device="cpu", precision="float32")} == {"float32"}
    assert hardware_choices(device="cpu", threads=3, precision="bfloat16") == (
        Hardware(device="cpu", precision="bfloat16", channels_last=True, threads=3),
    )
    for wrong, message in (({"threads": 0}, "--threads must"), ({"precision": "half"}, "--precision must")):
        with pytest.raises(ValueError, match=message):
            hardware_choices(**wrong)  # pyright: ignore[reportArgumentType]


def test_on_a_gpu_threads_are_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.systems._choices._existing_device", lambda device: "cuda")
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: False)
    assert {(one.precision, one.threads) for one in hardware_choices()} == {("float32", torch.get_num_threads())}


def test_the_real_step_decides_with_its_number_of_threads() -> None:
    """The work is slow with two threads, as where another process has a core."""
    now, seen = [0.0], set[tuple[int, int]]()

    def step_on(hardware: Hardware) -> Callable[[], object]:
        def step() -> None:
            seen.add((hardware.threads, torch.get_num_threads()))
            now[0] += 3.5 if hardware.threads == 2 else 0.6 + 0.1 * (not hardware.channels_last)

        return step

    with _threads(2):
        choices = hardware_choices(device="cpu", precision="float32")
        chosen, found = fastest_hardware(step_on, choices, seconds=60.0, clock=lambda: now[0])
        assert torch.get_num_threads() == 1
    assert chosen == Hardware(device="cpu", precision="float32", channels_last=True, threads=1)
    assert found is not None
    assert seen == {(1, 1), (2, 2)}
    assert "channels last, 1 thread: 0.60 s" in str(found)


@pytest.mark.parametrize(("seconds", "first"), [(0.98, False), (0.9, True)])
def test_channels_go_first_only_where_it_is_clearly_faster(seconds: float, first: bool) -> None:
    now = [0.0]

    def step_on(hardware: Hardware) -> Callable[[], object]:
        def step() -> None:
            now[0] += 1.0 if hardware.channels_last else seconds

        return step

    with _threads(1):
        choices = hardware_choices(device="cpu", precision="float32")
        chosen, _ = fastest_hardware(step_on, choices, seconds=60.0, clock=lambda: now[0])
    assert chosen.channels_last != first


def test_one_choice_is_not_timed() -> None:
    only = Hardware(threads=1)
    assert fastest_hardware(lambda hardware: pytest.fail("it was built"), [only], seconds=1.0) == (only, None)


def _on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.systems._choices._existing_device", lambda device: device or "cuda")
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: True)


def test_on_a_gpu_graphs_are_a_choice_after_what_is_slow_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    _on_a_gpu(monkeypatch)
    choices = hardware_choices()
    assert choices[0].gradients == "eager"
    assert {(one.precision, one.gradients) for one in choices} == {
        (precision, gradients) for precision in ("float32", "bfloat16") for gradients in ("eager", "graphed")
    }
    assert {one.gradients for one in hardware_choices(gradients="compiled")} == {"compiled"}
    (only,) = hardware_choices(precision="float16", threads=1)  # equal commands compute equal numbers
    assert (only.precision, only.gradients) == ("float16", "eager")
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 2)
    assert {one.gradients for one in hardware_choices()} == {"eager"}


def test_on_a_cpu_updates_are_eager_unless_asked_otherwise() -> None:
    assert {one.gradients for one in hardware_choices(device="cpu")} == {"eager"}
    assert {one.gradients for one in hardware_choices(device="cpu", gradients="compiled")} == {"compiled"}
    for wrong, message in (("graphed", "needs a CUDA device, but --device is cpu"), ("traced", "must be one of eager")):
        with pytest.raises(ValueError, match=message):
            hardware_choices(device="cpu", gradients=wrong)


@pytest.mark.parametrize(("seconds", "graphed"), [(0.98, False), (0.9, True)])
def test_graphs_are_used_where_they_are_clearly_faster(
    monkeypatch: pytest.MonkeyPatch, seconds: float, graphed: bool
) -> None:
    _on_a_gpu(monkeypatch)
    monkeypatch.setattr("examples.anime_faces.systems._choices.wait_for", lambda device: None)
    now = [0.0]

    def step_on(hardware: Hardware) -> Callable[[], object]:
        def step() -> None:
            now[0] += seconds if hardware.gradients == "graphed" else 1.0

        return step

    choices = [one for one in hardware_choices(precision="float32") if one.channels_last]
    with _threads(1):
        monkeypatch.setattr("examples.anime_faces.systems._choices._convolve", lambda precision, device: None)
        chosen, found = fastest_hardware(step_on, choices, seconds=60.0, clock=lambda: now[0])
    assert (chosen.gradients == "graphed") == graphed
    assert found is not None
    assert set(found.seconds) == {"eager", "graphed"}

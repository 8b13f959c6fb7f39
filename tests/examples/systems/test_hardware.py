"""What a run computes on."""

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


@pytest.mark.parametrize(
    ("wrong", "message"), [({"precision": "half"}, "precision must be one of"), ({"threads": 0}, "threads")]
)
def test_hardware_is_checked(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Hardware(**wrong)  # pyright: ignore[reportArgumentType]


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
    monkeypatch.setattr("examples.anime_faces.systems._hardware._existing_device", lambda device: "cuda")
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

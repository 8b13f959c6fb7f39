from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.tiny_session import tiny_parts

import gankit as gk
from examples.anime_faces.errors import DeviceError, TrainingDivergedError
from examples.anime_faces.run import TrainRequest, load_any_checkpoint, train
from examples.anime_faces.run._playing import memory_errors, play_named
from examples.anime_faces.systems import Training

RequestMaker = Callable[..., TrainRequest]

LOST = "CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be asynchronously reported"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "step 3: the computer ran out of memory; lower it"),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
            "step 3: cpu ran out of memory; lower it",
        ),
        (RuntimeError("CUDA error: out of memory"), "step 3: cpu ran out of memory; lower it"),
        (RuntimeError("not enough memory: you tried to allocate 9 bytes"), "step 3: cpu ran out of memory; lower it"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
            "step 3: cpu ran out of memory; lower it",
        ),
    ],
)
def test_too_little_memory_is_one_line(error: Exception, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"), memory_errors("step 3", "cpu", "lower it"):
        raise error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError(LOST), "CUDA error: an illegal memory access was encountered"),
        (torch.AcceleratorError(LOST), "CUDA error: an illegal memory access was encountered"),
        (torch.AcceleratorError("\nthe link is down\nand more\nand more"), "the link is down"),
    ],
)
def test_a_device_that_failed_is_one_line(error: Exception, words: str) -> None:
    with pytest.raises(DeviceError) as caught, memory_errors("step 3", "cpu", "lower it"):
        raise error
    assert str(caught.value) == (
        f"step 3: cpu failed ({words}): nothing is saved from it, and the last checkpoint is as it was; repeat the command to "
        "continue from there"
    )
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    ("device", "is_used", "words"), [("cuda:1", True, " after 2.5 GiB"), ("cuda:1", False, ""), ("cpu", True, "")]
)
def test_of_a_gpu_it_is_said_how_much_was_used(
    monkeypatch: pytest.MonkeyPatch, device: str, words: str, *, is_used: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: is_used)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda which: {"cuda:1": 5 * 2**29}[which])
    with pytest.raises(ValueError, match="ran out of memory") as caught, memory_errors("step 3", device, "lower it"):
        raise torch.OutOfMemoryError("CUDA out of memory")
    assert str(caught.value) == f"step 3: {device} ran out of memory{words}; lower it"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "step 3: the computer ran out of memory; lower --batch-size (3 pictures in a batch here)"),
        (
            RuntimeError("can't allocate memory"),
            "step 3: cpu ran out of memory; lower --batch-size (3 pictures in a batch here)",
        ),
        (gk.training.NonFiniteError("critic: cost is nan"), "step 3: critic: cost is nan"),
    ],
)
def test_errors_of_a_round_say_which_step_it_was(
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    training, feed = tiny_parts(5)

    def fail(*arguments: object) -> None:
        raise error

    assert set(play_named(training, feed, 1)) >= {"critic/score", "generator/score"}
    monkeypatch.setattr(Training, "play", fail)
    kind = TrainingDivergedError if isinstance(error, gk.training.NonFiniteError) else ValueError
    with pytest.raises(kind) as caught:
        play_named(training, feed, 2)
    assert str(caught.value) == message


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="a bug"), memory_errors("step 3", "cpu", "lower it"):
        raise RuntimeError("a bug")


@pytest.mark.usefixtures("without_curves")
def test_nothing_is_saved_from_a_device_that_failed(request_for: RequestMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    play = Training.play

    def fail(self: Training, step: int, feed: Any) -> Any:
        if step == 4:
            raise RuntimeError(LOST)
        return play(self, step, feed)

    request = request_for(keep=(3,))
    with monkeypatch.context() as patched:
        patched.setattr(Training, "play", fail)
        with pytest.raises(DeviceError, match=r"step 5: cpu failed .*nothing is saved from it.*repeat the command"):
            train(request)
    assert load_any_checkpoint(request.out)["step"] == 3
    whole = train(request_for(out=request.out.with_name("whole")))
    assert train(request).digest == whole.digest

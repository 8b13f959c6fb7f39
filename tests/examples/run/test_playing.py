from collections.abc import Callable
from typing import Any

import pytest
import torch

from examples.anime_faces.errors import DeviceError
from examples.anime_faces.run import TrainRequest, load_any_checkpoint, train
from examples.anime_faces.run._playing import memory_errors
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
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
            "step 3: cpu ran out of memory; lower it",
        ),
    ],
)
def test_too_little_memory_is_one_line(error: Exception, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"), memory_errors("step 3", "cpu", "lower it"):
        raise error


@pytest.mark.parametrize("kind", [RuntimeError, torch.AcceleratorError])
def test_a_device_that_failed_is_one_line(kind: Any) -> None:
    with (
        pytest.raises(
            DeviceError, match=r"^step 3: cpu failed \(CUDA error: an illegal memory access was encountered\)"
        ) as caught,
        memory_errors("step 3", "cpu", "lower it"),
    ):
        raise kind(LOST)
    assert caught.value.exit_code == 6


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

"""Recording a step once and replaying it: the part that knows CUDA."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

import torch

ResultT = TypeVar("ResultT")


class Recorder(Protocol):
    """Records the operations of a step on fixed memory."""

    def aside(self) -> AbstractContextManager[None]:
        """Return a context for steps that run eagerly before one is recorded."""
        ...

    def record(self, step: Callable[[], ResultT], /) -> tuple[Callable[[], None], ResultT]:
        """Record a step without running it.

        Returns:
            What replays it, and the step's result, whose tensors each replay writes anew. Draws are fresh in each replay and
            come from the device's default generator.
        """
        ...


class CudaRecorder:
    """Records with ``torch.cuda.CUDAGraph``.

    Args:
        device: A CUDA device with its index.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Run on the stream of the recording, as libraries set themselves up for each stream."""
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        try:
            with torch.cuda.stream(self._stream):
                yield
        finally:
            current.wait_stream(self._stream)

    def record(self, step: Callable[[], ResultT]) -> tuple[Callable[[], None], ResultT]:
        """Capture a graph; the default generator of the device is registered with it by torch."""
        graph = torch.cuda.CUDAGraph()
        # thread_local: threads that pin memory for a data loader go on meanwhile.
        capturing = torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local")
        with torch.cuda.device(self._device), capturing:
            result = step()

        def replay() -> None:
            with torch.cuda.device(self._device):
                graph.replay()

        return replay, result


def recorder_for(device: torch.device) -> Recorder:
    """Return the recorder of a device.

    Raises:
        ValueError: There is none for its type.
    """
    if device.type != "cuda":
        raise ValueError(f"Graphed needs parameters on a CUDA device, got {device}: use Eager() there")
    return CudaRecorder(device)


@contextmanager
def same_random_numbers(device: torch.device) -> Iterator[Callable[[], None]]:
    """Yield a function that puts the random states of the CPU and of the device back to those of the context's begin."""
    module = None if device.type == "cpu" else torch.get_device_module(device)
    random = torch.get_rng_state()
    random_of_device = None if module is None else module.get_rng_state(device)

    def restore() -> None:
        torch.set_rng_state(random)
        if module is not None:
            module.set_rng_state(random_of_device, device)

    try:
        yield restore
    except BaseException:
        restore()
        raise

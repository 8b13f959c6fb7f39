"""The GPU: its name and settings, its clock, its memory, and the launches that it is given."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.timing import timed_in_turn

MEBIBYTE = 2**20
LAUNCHES = ("cudaLaunchKernel", "cuLaunchKernel", "cudaGraphLaunch", "cudaMemcpyAsync", "cudaMemsetAsync")


class Device(Protocol):
    """What the benchmark needs of a device; a test has one without a GPU, where some figures are None."""

    torch_device: torch.device

    def facts(self) -> Mapping[str, str]:
        """Return name, driver, version of torch, and settings."""
        ...

    def seconds(self, run: Callable[[], object], *, warmup: int, repeats: int, inner: int) -> list[float]:
        """Return the seconds of one call, of each repeat of `inner` calls, by the device's own events."""
        ...

    def peak_megabytes(self, run: Callable[[], object]) -> float | None:
        """Return the most mebibytes that a call adds to what is held before it."""
        ...

    def launches(self, run: Callable[[], object]) -> int | None:
        """Return how many kernels, graphs and copies the host launches in a call."""
        ...

    def refuse_waiting(self) -> AbstractContextManager[None]:
        """Return a context in which every wait of the host for the device raises ``RuntimeError``."""
        ...


class CudaDevice:
    """A CUDA device, with TF32 for float32 products and the fastest algorithms for convolutions.

    Args:
        index: Its number.
    """

    def __init__(self, index: int = 0) -> None:
        self.torch_device = torch.device("cuda", index)
        torch.cuda.set_device(self.torch_device)
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = True
        torch.set_float32_matmul_precision("high")

    def facts(self) -> dict[str, str]:
        """Return name, driver, versions and settings."""
        properties = torch.cuda.get_device_properties(self.torch_device)
        version = torch.backends.cudnn.version()
        return {
            "device": properties.name,
            "memory": f"{properties.total_memory / 2**30:.0f} GiB, {properties.multi_processor_count} multiprocessors",
            "driver": _driver(),
            "torch": f"{torch.__version__}, CUDA {torch.version.cuda}, cuDNN {version}",
            "settings": "cudnn.benchmark, TF32 for float32, channels last, 1 GPU",
        }

    def seconds(self, run: Callable[[], object], *, warmup: int, repeats: int, inner: int) -> list[float]:
        """Time by CUDA events; the host waits after each repeat only."""
        found = timed_in_turn([run], device=self.torch_device, warmup=warmup, repeats=repeats, inner=inner)
        return [row[0] / inner for row in found]

    def peak_megabytes(self, run: Callable[[], object]) -> float:
        """Return the peak of the allocator, over what it holds before."""
        torch.cuda.synchronize(self.torch_device)
        torch.cuda.reset_peak_memory_stats(self.torch_device)
        before = torch.cuda.memory_allocated(self.torch_device)
        run()
        torch.cuda.synchronize(self.torch_device)
        return (torch.cuda.max_memory_allocated(self.torch_device) - before) / MEBIBYTE

    def launches(self, run: Callable[[], object]) -> int:
        """Count the launches of the runtime by the profiler."""
        torch.cuda.synchronize(self.torch_device)
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
            run()
            torch.cuda.synchronize(self.torch_device)
        return sum(event.count for event in profiler.key_averages() if event.key.startswith(LAUNCHES))

    @contextmanager
    def refuse_waiting(self) -> Iterator[None]:
        """Let torch raise at each wait."""
        before = torch.cuda.get_sync_debug_mode()
        torch.cuda.set_sync_debug_mode("error")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode(before)


def _driver() -> str:
    from benchmarks.cuda.processes import output_of  # noqa: PLC0415 (only where there is a GPU)

    return output_of(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"], seconds=20) or "unknown"

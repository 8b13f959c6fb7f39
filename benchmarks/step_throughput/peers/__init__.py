"""Other GAN libraries, each driven through its own training step on the networks, data and optimizers of the table.

They are installed by ``python -m benchmarks.step_throughput.peers`` into a folder of their own, without what they depend on,
since they ask for old versions of torch and torchvision; none of their files is changed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.step_throughput.cases import Rule
from benchmarks.step_throughput.peers import mimicry, torchgan, vegans
from benchmarks.step_throughput.peers.stand_ins import FOLDER as FOLDER, PeerError as PeerError
from benchmarks.step_throughput.setting import Iteration, Networks, Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A library.

    Args:
        requirement: Its distribution and version.
        build: Returns what does one iteration, or raises `PeerError` with the reason why it cannot.
        note: What is different in its arithmetic.
        float64: Whether its steps run in float64; one that casts to float32 is compared in float32.
    """

    requirement: str
    build: Callable[[Rule, Networks, Setting], Iteration]
    note: str
    float64: bool = True


PEERS: dict[str, Peer] = {
    "torchgan 0.1.0": Peer(requirement="torchgan==0.1.0", build=torchgan.build, note=torchgan.NOTE),
    "mimicry 0.1.16": Peer(requirement="torch-mimicry==0.1.16", build=mimicry.build, note=mimicry.NOTE),
    "vegans 0.4.0": Peer(requirement="vegans==0.4.0", build=vegans.build, note=vegans.NOTE, float64=False),
}

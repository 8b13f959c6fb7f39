"""Each program of the page on several devices trains on two ranks, started as the page says; test_guides.py runs them alone."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "devices.md"
PROGRAMS = dict(
    re.findall(
        r'^```python title="(\w+\.py)"\n(.*?)^```$', PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
)
SAME_ON_ALL = """
total = torch.stack([p.detach().double().sum() for p in gk.training.network_state(critic).values()]).sum()
ends = torch.stack([total, -total])
distributed.all_reduce(ends, distributed.ReduceOp.MAX)
assert ranks == 2 and ends[0] == -ends[1], "the ranks hold other weights"
drawn = torch.rand(())
low = drawn.clone()
distributed.all_reduce(low, distributed.ReduceOp.MIN)
distributed.all_reduce(drawn, distributed.ReduceOp.MAX)
assert low < drawn, "the ranks draw the same numbers"
"""


def test_the_page_has_a_program_for_each_way() -> None:
    assert list(PROGRAMS) == ["averaged.py", "wrapped.py", "sharded.py"]


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_of_the_page_trains_on_two_ranks(tmp_path: Path, name: str) -> None:
    training, end, leave = PROGRAMS[name].rpartition("if ranks > 1:\n")
    (tmp_path / name).write_text(training + SAME_ON_ALL + end + leave, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr

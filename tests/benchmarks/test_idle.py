import os
import time
from pathlib import Path

import pytest

from benchmarks import idle
from benchmarks.idle import BusyError, Idleness, Watch, look, own_ticks, refuse_busy


def write_ticks(folder: Path, *, user: int, idle: int, waiting: int = 0) -> None:
    lines = f"cpu  {user} 0 0 {idle} {waiting} 0 0 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
    (folder / "stat").write_text(lines, encoding="utf-8")


def write_process(folder: Path, process: int, parent: int, *ticks: int) -> None:
    own = folder / str(process)
    own.mkdir(exist_ok=True)
    numbers = " ".join(str(tick) for tick in ticks)
    (own / "stat").write_text(
        f"{process} (a (name) 1) S {parent} 1 1 0 -1 4 0 0 0 0 {numbers} 20 0\n", encoding="utf-8"
    )


def test_the_share_of_others_is_what_is_busy_and_not_of_this_process_or_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle.os, "getpid", lambda: 7)
    write_process(tmp_path, 1, 0, 10, 10, 10, 10)
    write_process(tmp_path, 7, 1, 100, 20, 3, 4)
    write_process(tmp_path, 8, 7, 1, 1, 1, 1)
    write_ticks(tmp_path, user=1000, idle=500)
    watch = Watch(tmp_path)
    write_process(tmp_path, 1, 0, 90, 90, 90, 90)
    write_process(tmp_path, 7, 1, 120, 25, 8, 4)  # 30 more
    write_process(tmp_path, 8, 7, 11, 11, 1, 1)  # 20 more
    write_process(tmp_path, 9, 8, 5, 5, 5, 10)  # 25, of a grandchild that began meanwhile
    (tmp_path / "11").mkdir()  # has just ended
    write_ticks(tmp_path, user=1175, idle=900, waiting=25)
    assert watch.others() == pytest.approx((175 - 75) / (175 + 400 + 25))


@pytest.mark.skipif(not (idle.PROCESSES / "stat").exists(), reason="only Linux says what processes use")
def test_the_time_of_this_process_is_seen() -> None:
    before = own_ticks(idle.PROCESSES, os.getpid())
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    assert own_ticks(idle.PROCESSES, os.getpid()) - before >= 0.08 * os.sysconf("SC_CLK_TCK")


def test_without_the_file_nothing_is_known(tmp_path: Path) -> None:
    assert Watch(tmp_path / "none").others() is None
    assert Idleness(others=None, spread=0.0, load=9.0).idle


def test_the_spread_is_that_of_the_quartiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    times = iter([moment for repeat in range(60) for moment in (10.0 * repeat, 10.0 * repeat + 1 + 0.1 * (repeat % 2))])
    seen = look(seconds=0.0, clock=lambda: next(times))
    assert seen.spread == pytest.approx(0.1 / 1.05, rel=1e-6)


@pytest.mark.parametrize(("others", "spread", "expected"), [(0.04, 0.09, True), (0.06, 0.0, False), (0.0, 0.11, False)])
def test_both_bounds_hold(others: float, spread: float, expected: bool) -> None:
    assert Idleness(others=others, spread=spread, load=2.0).idle is expected


def test_a_busy_machine_is_refused_unless_it_was_allowed() -> None:
    busy = Idleness(others=0.5, spread=0.02, load=3.0)
    with pytest.raises(BusyError, match=r"other processes used 50\.0 % .*--busy"):
        refuse_busy(busy, busy=False)
    refuse_busy(busy, busy=True)
    refuse_busy(Idleness(others=0.0, spread=0.0, load=0.0), busy=False)

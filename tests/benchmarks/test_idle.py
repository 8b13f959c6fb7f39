import time
from pathlib import Path

import pytest

from benchmarks import idle
from benchmarks.idle import BusyError, Idleness, Watch, look, refuse_busy


def write_ticks(path: Path, *, user: int, idle: int, waiting: int = 0) -> None:
    path.write_text(f"cpu  {user} 0 0 {idle} {waiting} 0 0 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n", encoding="utf-8")


def test_the_share_of_others_is_what_is_busy_and_not_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, own = tmp_path / "stat", iter([(1.0, 0.5, 0.0, 0.0, 9.0), (1.25, 0.5, 0.125, 0.0, 9.0)])
    monkeypatch.setattr(idle.os, "times", lambda: next(own))
    monkeypatch.setattr(idle.os, "sysconf", lambda _: 200)  # ticks in a second: this process uses 75
    write_ticks(path, user=1000, idle=500)
    watch = Watch(path)
    write_ticks(path, user=1175, idle=900, waiting=25)
    assert watch.others() == pytest.approx((175 - 75) / (175 + 400 + 25))


def test_without_the_file_nothing_is_known(tmp_path: Path) -> None:
    assert Watch(tmp_path / "stat").others() is None
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

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from examples.anime_faces.data import _workers
from examples.anime_faces.data._workers import default_workers, ordered_map


def slow_square(number: int) -> int:
    time.sleep(0.02 if number % 3 == 0 else 0)
    return number * number


def refuse(number: int) -> int:
    raise ValueError(f"no {number}")


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("workers", [0, 3])
def test_results_come_in_the_order_of_the_tasks(workers):
    assert list(ordered_map(slow_square, range(20), workers=workers)) == [number**2 for number in range(20)]


@pytest.mark.parametrize("workers", [0, 1])
def test_errors_come_through(workers):
    with pytest.raises(ValueError, match="no 5"):
        list(ordered_map(refuse, [5], workers=workers))


def test_only_a_few_tasks_are_under_way():
    taken = []

    def tasks():
        for number in range(1000):
            taken.append(number)
            yield number

    with closing(ordered_map(slow_square, tasks(), workers=1)) as results:
        next(results)
        assert len(taken) <= 4


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_worker_is_an_error_and_no_wait():
    with pytest.raises(ChildProcessError, match=r"worker process was killed \(SIGKILL\)"):
        list(ordered_map(die, [1], workers=1))


UNGUARDED = """
import sys
from examples.anime_faces.data._workers import ordered_map
print("begin")
print(list(ordered_map(abs, range(-9, 0), workers=2)))
"""


@pytest.mark.parametrize("way", ["script", "standard input"])
def test_where_no_worker_can_start_the_work_is_done_and_the_cause_is_named(tmp_path, way):
    script = tmp_path / "unguarded.py"
    script.write_text(UNGUARDED)
    arguments, given = ([str(script)], None) if way == "script" else (["-"], UNGUARDED)
    done = subprocess.run(
        [sys.executable, *arguments],
        input=given,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        check=False,
    )
    assert done.returncode == 0
    assert "[9, 8, 7, 6, 5, 4, 3, 2, 1]" in done.stdout
    assert done.stdout.count("note: no worker process could start") == 1
    assert ('`if __name__ == "__main__":`' if way == "script" else "<stdin> is no file") in done.stdout
    assert "Traceback" not in done.stderr
    assert "memory" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "error", [OSError("not implemented"), ImportError("no semaphores"), AssertionError("daemonic")]
)
def test_a_system_without_processes_does_the_work_all_the_same(monkeypatch, capsys, error):
    class NoPool:
        def __init__(self, *arguments: object, **options: object) -> None:
            raise error

    monkeypatch.setattr(_workers, "ProcessPoolExecutor", NoPool)
    assert list(ordered_map(slow_square, range(5), workers=2)) == [0, 1, 4, 9, 16]
    assert str(error) in capsys.readouterr().out


def leave(number: int) -> int:
    os._exit(7)


def test_a_worker_that_ends_by_itself_is_not_said_to_lack_memory():
    with pytest.raises(ChildProcessError, match="ended with exit code 7; --workers 0") as caught:
        list(ordered_map(leave, [1], workers=1))
    assert "memory" not in str(caught.value)


def test_negative_numbers_of_workers_are_refused():
    with pytest.raises(ValueError, match="workers must be at least 0, got -1"):
        ordered_map(slow_square, [1], workers=-1)
    assert default_workers() >= 1


PARENT = """
import os, time
from examples.anime_faces.data import _workers
from examples.anime_faces.data._workers import ordered_map
if __name__ == "__main__":
    for pid in ordered_map(eval, ["__import__('os').getpid()", "__import__('time').sleep(300)"], workers=1):
        print(pid, flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_workers_end_with_a_killed_parent(tmp_path):
    (tmp_path / "parent.py").write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "parent.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # the killed program's resource tracker has something to say
        text=True,
        env=environment,
    )
    with parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 60
    while alive(worker):
        assert time.monotonic() < deadline, "the worker still waits for tasks"
        time.sleep(0.05)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    return status.rsplit(")", 1)[1].split()[0] != "Z"  # a zombie that nobody collects is dead, too


def test_macos_and_windows_do_not_say_which_cores_may_be_used(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert default_workers() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert default_workers() == 1


def test_a_pool_on_windows_is_no_larger_than_it_may_be(monkeypatch):
    asked = []

    class Pool:
        def __init__(self, workers: int, *arguments: object, **options: object) -> None:
            asked.append(workers)
            raise NotImplementedError("no processes in this test")

    monkeypatch.setattr(_workers, "ProcessPoolExecutor", Pool)
    for platform, workers in (("win32", 200), ("win32", 5), ("linux", 200)):
        monkeypatch.setattr(sys, "platform", platform)
        assert list(ordered_map(slow_square, [3], workers=workers)) == [9]
    assert asked == [61, 5, 200]

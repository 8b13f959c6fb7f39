"""Text files of a million lines, and of one endless line: time and memory grow with the file and no faster."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from examples.anime_faces.data import read_prompts, table_source, tag_source
from tests.faults.children import Ended, start
from tests.faults.tally import Arm, Setting, Tally, Trial

OWN_SECONDS = 15.0
MEGABYTES = 500.0
FACTOR, NOISE = 3.0, 0.15
"""The most that twice the file may take, in times of the file and in seconds more."""
LIMITS = {"seconds": OWN_SECONDS, "MB": MEGABYTES, "factor": FACTOR, "noise": NOISE}
COLORS = ("blue", "red", "green", "black", "aqua")
LINE = 10
"""Characters of an endless line for each line of the other files."""

Make = Callable[[int], str]
Read = Callable[[Path, Path], object]


def _prompts(root: Path, path: Path) -> object:
    del root
    return read_prompts(path, lambda text: ())


def _lines(line: Callable[[int], str], head: str = "") -> Make:
    return lambda count: head + "".join(line(number) for number in range(count))


LINES: dict[str, tuple[Read, Make]] = {
    "tags with counts": (
        tag_source,
        _lines(lambda n: f"{n},touhou:{n}\t{COLORS[n % 5]} hair:{n % 97}\t{COLORS[n % 3]} eyes:7\t1girl:{n}\t\n"),
    ),
    "tags of colors": (tag_source, _lines(lambda n: f"{n},{COLORS[n % 5]} hair {COLORS[n % 3]} eyes\n")),
    "a table": (table_source, _lines(lambda n: f"{n}.png,{COLORS[n % 5]},{COLORS[n % 3]};red\n", "file,hair,eyes\n")),
    "the list of CelebA": (
        table_source,
        lambda count: (
            f"{count}\nBlack_Hair Male\n" + "".join(f"{n:07d}.jpg  {1 - 2 * (n % 2)} -1\n" for n in range(count))
        ),
    ),
    "prompts": (_prompts, _lines(lambda n: f"{n},{COLORS[n % 5]} hair {COLORS[n % 3]} eyes\n")),
}
"""Files of lines, and what reads them."""

DIFFERENT: dict[str, tuple[Read, Make]] = {
    "tags that differ in each line": (
        tag_source,
        _lines(lambda n: f"{n},a{n}:1\tb{n}:2\tblue hair:3\tc{n} eyes:4\t\n"),
    ),
    "a table that differs in each line": (
        table_source,
        _lines(lambda n: f"dir/{n:06d} x.PNG,{n % 997},{n % 991};{n % 13}\n", "file,a,b\n"),
    ),
}
"""Files of lines of which nothing can be kept once."""

ENDLESS: dict[str, tuple[Read, Make]] = {
    "one line of tags": (tag_source, lambda count: "1," + "".join(f"tag{n}:{n}\t" for n in range(count)) + "\n"),
    "one line of tags, blanks between them": (tag_source, lambda count: "1," + "a:1 " * (LINE * count // 4) + "b"),
    "one line of tags, commas between them": (tag_source, lambda count: "1," + "a:1," * (LINE * count // 4) + "b"),
    "one line of colors": (tag_source, lambda count: "1," + "blue hair " * count + "b"),
    "one word": (tag_source, lambda count: "1," + "b" * (LINE * count)),
    "one line of colons": (tag_source, lambda count: "1," + ":" * (LINE * count)),
    "one line of a table": (table_source, lambda count: "file,hair\n1.png," + "blue;" * (LINE * count // 5)),
    "one header of a table": (table_source, lambda count: "file," + ",".join(f"a{n}" for n in range(count)) + "\n"),
    "one quote without an end": (table_source, lambda count: 'file,hair\n1.png,"' + "blue\n" * (LINE * count // 5)),
    "one prompt": (_prompts, lambda count: "1,blue hair" + " red eyes" * count),
    "one prompt of quotes": (_prompts, lambda count: '"' * (LINE * count)),
}
"""Files of one line; what is wrong in them must be found as quickly."""


def measure(setting: Setting, count: int, tally: Tally, *, read: Read, make: Make) -> None:
    """Read files of a quarter, a half and all of `count` lines."""
    baseline = start(bool, setting.place / "baseline").wait().peak
    before = 0.0
    for number, lines in enumerate((count // 4, count // 2, count)):
        path = setting.place / f"{number}.txt"
        path.write_text(make(lines), encoding="utf-8")
        with tally.attempt(f"{lines} lines, {path.stat().st_size / 1e6:.1f} MB") as attempt:
            ended = _read(setting, read, path, str(number))
            more = (ended.peak - baseline) / 1e6
            attempt.expect(not ended.hung and ended.status == 0, f"it failed: {ended.in_short}")
            attempt.expect(ended.own_seconds <= OWN_SECONDS, f"it took {ended.own_seconds:.1f} s")
            attempt.expect(more <= MEGABYTES, f"it took {more:.0f} MB")
            most = FACTOR * before + NOISE
            if number:
                attempt.expect(
                    ended.own_seconds <= most, f"it took {ended.own_seconds:.2f} s, and half of it {before:.2f} s"
                )
            before = ended.own_seconds
            tally.most("seconds", round(ended.own_seconds, 2))
            tally.most("MB", round(more, 1))
        path.unlink()
        if tally.failures:
            return  # a longer file would only take longer


def _read(setting: Setting, read: Read, path: Path, name: str) -> Ended:
    def work() -> None:
        try:
            read(setting.materials.photos, path)
        except ValueError as error:  # a mistake that is said is as good as a result
            sys.stdout.write(str(error)[:300])

    assert setting.materials.photos
    return start(work, setting.place / name, own_seconds=2 * OWN_SECONDS).wait()


PARSERS = Trial(
    name="parsers",
    how=(
        "Tags, tables and prompts of a million lines, alike and all different, and single lines of 1 MB; "
        "longer ones are refused before they are read."
    ),
    promise=(
        "Time and memory of reading a text file grow at most in proportion to its length: a million lines in 15 s and 500 MB."
    ),
    arms={
        name: Arm(run=partial(measure, read=read, make=make), long=long, quick=8_000, limits=LIMITS)
        for files, long in ((LINES, 1_000_000), (DIFFERENT, 1_000_000), (ENDLESS, 100_000))
        for name, (read, make) in files.items()
    },
)

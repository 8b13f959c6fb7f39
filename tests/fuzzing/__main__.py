"""The coverage-guided fuzzer of all readers of files: `python -m tests.fuzzing TARGET --minutes 10`."""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.fuzzing.corpus import CORPUS, folder_of, minimized
from tests.fuzzing.page import KEPT, PAGE, page
from tests.fuzzing.targets import BINARY, TARGETS

WORK = Path(__file__).parents[2] / "build" / "fuzzing"
STATUS = re.compile(r"#(\d+)\s+(?:INITED|NEW|REDUCE|DONE|pulse).*?cov: (\d+) ft: (\d+)")
MISSING = (
    "this program needs the package atheris, which has wheels for Linux and Python 3.11 to 3.13: pip install atheris"
)


def main(words: Sequence[str] | None = None) -> int:
    """Fuzz, write the records and the page, and return the exit status: 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"any of: {'; '.join(TARGETS)} (default: the binary ones)"
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="for each target")
    parser.add_argument("--minimize", action="store_true", help="only make the corpus that tests replay small again")
    asked = parser.parse_args(words)
    unknown = [name for name in asked.targets if name not in TARGETS]
    if unknown:
        parser.error(f"{unknown[0]!r} is no target; they are: {'; '.join(TARGETS)}")
    names = asked.targets or list(BINARY)
    if find_spec("atheris") is None and not asked.minimize:
        parser.error(MISSING)
    findings = 0
    for name in names:
        if not asked.minimize:
            record = fuzz(name, 60 * asked.minutes)
            findings += len(record["findings"])
            (KEPT / f"{folder_of(name)}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        minimized(name, WORK / "corpus" / folder_of(name))
        PAGE.write_text(page(), encoding="utf-8")
    return int(findings > 0)


def fuzz(name: str, seconds: float) -> dict[str, Any]:
    """Run the fuzzer of one target, and return what it did."""
    corpus, found = WORK / "corpus" / folder_of(name), WORK / "findings" / folder_of(name)
    for folder in (corpus, found, KEPT, CORPUS):
        folder.mkdir(parents=True, exist_ok=True)
    for path in (CORPUS / folder_of(name)).glob("*"):
        (corpus / path.name).write_bytes(path.read_bytes())
    begun = time.time()
    command = [sys.executable, "-m", "tests.fuzzing.engine", name, f"{seconds:.0f}", str(corpus), str(found)]
    with tempfile.TemporaryFile("w+") as output:
        ended = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
        output.seek(0)
        text = output.read()
    counts = [tuple(map(int, one.groups())) for one in STATUS.finditer(text)]
    if not counts:
        raise SystemExit(f"the fuzzer of {name!r} ended with status {ended.returncode}:\n{text[-3000:]}")
    new = [path for path in found.iterdir() if path.stat().st_mtime >= begun]
    findings = [json.loads(path.read_text(encoding="utf-8"))[1] for path in new if path.suffix == ".json"]
    ends = ("crash-", "oom-", "timeout-")  # of libFuzzer itself
    findings += [f"{path.name}: the process ended or hung" for path in new if path.name.startswith(ends)]
    first, last = next(one for one in counts if one[1]), counts[-1]
    record = {
        "target": name,
        "seconds": round(time.time() - begun),
        "executions": last[0],
        "branches": [first[1], last[1]],
        "features": [first[2], last[2]],
        "findings": sorted(findings),
    }
    sys.stdout.write(f"{json.dumps(record)}\n")
    sys.stdout.flush()
    return record


if __name__ == "__main__":
    sys.exit(main())

"""The coverage-guided fuzzer: one process that changes files of one target, keeps those that reach new code, and counts.

It is started by `python -m tests.fuzzing`, and needs the package atheris. What breaks a rule is noted, and does not end it.
"""

import hashlib
import json
import random
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

INSTRUMENTED = ("gankit", "examples", "zipfile", "tarfile", "csv", "json", "webdataset", "numpy.lib._format_impl")
"""Modules whose branches are counted: they must be imported while atheris looks on."""
LONGEST = 1 << 15
SHARE_OF_OWN = 0.5
"""How often a file is changed by what knows its format; libFuzzer changes the others."""


def main(name: str, seconds: str, corpus: str, found: str) -> None:
    """Fuzz one target.

    Args:
        name: The target.
        seconds: How long.
        corpus: The folder of files that reached new code; they are where it begins, and it adds others.
        found: The folder that findings are written to: the file, and what was wrong beside it.
    """
    atheris: Any = import_module("atheris")  # which most who work on this do not have
    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        reading, target = import_module("tests.fuzzing.target"), import_module("tests.fuzzing.targets").TARGETS[name]
    seen: set[str] = set()
    for data in target.seeds().values():
        (Path(corpus) / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)

    def one(data: bytes) -> None:
        whole = target.finish(data)
        try:
            reading.check(target, whole, place / "files")
        except AssertionError as found_out:  # a FindingError, or an assertion of the reader
            place_of_it = getattr(found_out, "place", str(found_out))
            if place_of_it not in seen:
                seen.add(place_of_it)
                own = hashlib.sha256(place_of_it.encode()).hexdigest()[:16]
                (Path(found) / f"{own}.bin").write_bytes(whole)
                (Path(found) / f"{own}.json").write_text(json.dumps([name, str(found_out)]), encoding="utf-8")

    def changed(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < SHARE_OF_OWN:
            return target.mutate(rng, data)[:most]
        return atheris.Mutate(data, most)

    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=3600", "-rss_limit_mb=4096"]
    prefix = f"-artifact_prefix={found}/"
    atheris.Setup([sys.argv[0], corpus, *options, prefix], one, custom_mutator=changed)
    with reading.quick_folder() as place:
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Writing what an evaluation found, with all that is needed to find it again."""

import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from examples.anime_faces.judge import load_card, renderer_fingerprint
from examples.anime_faces.metrics._evaluation import Evaluation

SCHEMA = 1
PACKAGES = ("gankit", "torch", "numpy", "torchmetrics", "pillow", "safetensors")


def write_metrics(path: Path, evaluation: Evaluation, about: dict[str, Any]) -> dict[str, Any]:
    """Write an evaluation as JSON, whole or not at all, and return what was written.

    Args:
        path: the file.
        evaluation: what was found.
        about: what was evaluated: the run, the data set, the feature network.
    """
    judge, encoder = load_card("judge"), load_card("encoder")
    record = {
        "schema": SCHEMA,
        **about,
        **evaluation.record(),
        "networks": {"judge": judge["file"]["sha256"], "encoder": encoder["file"]["sha256"]},
        "renderer": {"judge_trained_on": judge["renderer"], "now": renderer_fingerprint()},
        "revision": revision(),
        "versions": _versions(),
    }
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return record


def revision() -> str | None:
    """Return the git revision of this code, with ``+changes`` where files differ from it; None outside a checkout."""
    git = shutil.which("git")
    if git is None:
        return None
    folder = Path(__file__).parent
    commit = _output([git, "rev-parse", "HEAD"], folder)
    changes = _output([git, "status", "--porcelain", "--untracked-files=no"], folder)
    return f"{commit}+changes" if commit and changes else commit


def _output(command: list[str], folder: Path) -> str | None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=20)  # noqa: S603
    return done.stdout.strip() if done.returncode == 0 else None


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found

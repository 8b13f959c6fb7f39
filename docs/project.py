"""The version and the addresses of the project, and the copies of its address.

The line `Repository` of `[project.urls]` in `pyproject.toml` is the setting. After a change of it, ``python docs/project.py``
replaces the old address everywhere else. The site reads both values when it is built.
"""

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_FROM_REPOSITORY = {
    "Homepage": "",
    "Documentation": "/tree/main/docs/guides",
    "Issues": "/issues",
    "Changelog": "/blob/main/CHANGELOG.md",
}
_VERSION = re.compile(r'^__version__ = "(.+)"$', flags=re.MULTILINE)
_ADDRESS = re.compile(r"https?://[^\s<>\"'`)}\]]*\bgankit\b[^\s<>\"'`)}\]]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What the site shows of the project.

    Args:
        version: The version, such as ``1.2.3``.
        repository: Address of the source code, without a slash at its end.
        urls: All addresses, by their names in `pyproject.toml`.
    """

    version: str
    repository: str
    urls: dict[str, str]


def read_project(root: Path = ROOT) -> Project:
    """Read the version and the addresses."""
    urls = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    version = _VERSION.search((root / "src" / "gankit" / "_version.py").read_text(encoding="utf-8"))
    assert version is not None
    return Project(version=version[1], repository=urls["Repository"].rstrip("/"), urls=urls)


def files_with_addresses(root: Path = ROOT) -> list[Path]:
    """The files in which an address of the project may stand."""
    guides = sorted((root / "docs" / "guides").rglob("*.md"))
    return [root / "pyproject.toml", root / "CITATION.cff", *sorted(root.glob("*.md")), *guides]


def wrong_addresses(root: Path = ROOT) -> list[str]:
    """List each address of the project that is not below `Repository`, or not of the form that its name has."""
    project = read_project(root)
    expected = {name: project.repository + path for name, path in _FROM_REPOSITORY.items()}
    wrong = [
        f"pyproject.toml: {name} is {project.urls.get(name)}, not {address}"
        for name, address in expected.items()
        if project.urls.get(name) != address
    ]
    below = re.compile(re.escape(project.repository) + r"(?![\w-])")
    for path in files_with_addresses(root):
        found = _ADDRESS.findall(path.read_text(encoding="utf-8"))
        wrong += [
            f"{path.relative_to(root)}: {it} is not below {project.repository}" for it in found if not below.match(it)
        ]
    return list(dict.fromkeys(wrong))


def move(root: Path = ROOT) -> int:
    """Replace the old address, that of `Homepage`, by the new one, that of `Repository`, and count the files changed."""
    project = read_project(root)
    old = re.compile(re.escape(project.urls["Homepage"].rstrip("/")) + r"(?![\w-])")
    changed = 0
    for path in files_with_addresses(root):
        text = path.read_text(encoding="utf-8")
        moved = old.sub(lambda _: project.repository, text)
        if moved != text:
            path.write_text(moved, encoding="utf-8")
            changed += 1
    return changed


def main() -> int:
    """Apply the setting, and list what it does not explain."""
    print(f"{move()} files changed")
    wrong = wrong_addresses()
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

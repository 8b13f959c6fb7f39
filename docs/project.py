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
_HTTPS = re.compile(r"https://[\w.-]+(:\d+)?(/[\w.~-]+)+/?")
_CLONE = r"(git clone {address} && cd )\S+"
_ADDRESS = r"https?://[^\s<>\"'`)}}\]]*\b(?:{names})\b[^\s<>\"'`)}}\]]*"


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

    @property
    def folder(self) -> str:
        """The folder that ``git clone`` makes."""
        return self.repository.rsplit("/", 1)[1].removesuffix(".git")


def read_project(root: Path = ROOT) -> Project:
    """Read the version and the addresses.

    Raises:
        ValueError: `Repository` is no https address, which readers and the site could not open.
    """
    urls = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    version = _VERSION.search((root / "src" / "gankit" / "_version.py").read_text(encoding="utf-8"))
    assert version is not None
    if not _HTTPS.fullmatch(urls["Repository"]):
        raise ValueError(
            "pyproject.toml: Repository must be an https address, such as https://github.com/NAME/gankit, but it is "
            f"{urls['Repository']!r}"
        )
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
    folders = {"gankit", project.folder, project.urls["Homepage"].rstrip("/").rsplit("/", 1)[-1]}
    address = re.compile(_ADDRESS.format(names="|".join(map(re.escape, sorted(folders)))))
    below = re.compile(re.escape(project.repository) + r"(?![\w-])")
    for path in files_with_addresses(root):
        found = address.findall(path.read_text(encoding="utf-8"))
        wrong += [
            f"{path.relative_to(root)}: {it} is not below {project.repository}" for it in found if not below.match(it)
        ]
    return list(dict.fromkeys(wrong))


def move(root: Path = ROOT) -> int:
    """Replace the old address, that of `Homepage`, by the new one, that of `Repository`, and count the files changed."""
    project = read_project(root)
    old = re.compile(re.escape(project.urls["Homepage"].rstrip("/")) + r"(?![\w-])")
    clone = re.compile(_CLONE.format(address=re.escape(project.repository)))
    changed = 0
    for path in files_with_addresses(root):
        text = path.read_text(encoding="utf-8")
        moved = old.sub(lambda _: project.repository, text)
        moved = clone.sub(lambda found: found[1] + project.folder, moved)
        if moved != text:
            path.write_text(moved, encoding="utf-8")
            changed += 1
    return changed


def main(root: Path = ROOT) -> int:
    """Apply the setting, and list what it does not explain."""
    try:
        print(f"{move(root)} files changed")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    wrong = wrong_addresses(root)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Where mutants are made: folders of the library and of the example, each with the tests that it is tried by."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARY = (
    *("_core", "losses", "constraints", "schedules", "latents", "augment"),
    *("blocks", "embedders", "networks", "training"),
)
EXAMPLE = {"run": ("run", "commands"), "data": ("data", "commands")}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder of sources, and the folders of its tests; the first of them holds its own."""

    name: str
    folder: Path
    tests: tuple[Path, ...]

    @property
    def files(self) -> list[Path]:
        """The sources, in order."""
        return sorted(self.folder.rglob("*.py"))


def _places() -> dict[str, Place]:
    library, example = ROOT / "src" / "gankit", ROOT / "examples" / "anime_faces"
    found = [
        Place(
            name=name,
            folder=library / name,
            tests=(ROOT / "tests" / name.lstrip("_"), library / name, ROOT / "tests" / "test_contract.py"),
        )
        for name in LIBRARY
    ]
    found += [
        Place(
            name=name,
            folder=example / name,
            tests=(*(ROOT / "tests" / "examples" / folder for folder in folders), example / name),
        )
        for name, folders in EXAMPLE.items()
    ]
    return {place.name: place for place in found}


PLACES = _places()


def module_of(file: str) -> str:
    """The name by which a source file is imported, from its path below the root."""
    parts = Path(file).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "src" else parts).removesuffix(".__init__")

"""Every Python block of the guides runs, in order, page by page."""

import copy
import re
import sys
import types
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from embedders.published import write_model
from torch import nn

from docs.api.public_names import public_folders, public_names
from examples import training_script
from examples.anime_faces.data import write_rendered

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
README = GUIDES.parents[1] / "README.md"
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
LINKED = re.compile(r"\[`(?=gankit)([\w.]+)`\]\[\]|\]\s?\[(?=gankit)([\w.]+)\]")
PAGES = sorted(page for page in GUIDES.rglob("*.md") if BLOCK.search(page.read_text(encoding="utf-8")))


def blocks(page: Path) -> Iterator[tuple[int, str]]:
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        yield text.count("\n", 0, match.start(1)) + 1, match[1]


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def a_data_set_and_a_text_model() -> None:
    """What the page on texts takes as there: faces with texts, and skip-thoughts as they were published."""
    write_rendered(Path("data/tagged"), 3, 32, workers=0)
    Path("skip_thoughts").mkdir()
    write_model(Path("skip_thoughts"))


def a_run_of_the_training_script() -> None:
    """What the page of the script takes as there: a checkpoint of it, with the networks of its defaults."""
    training_script.main(["--out", "runs/toy", "--rounds", "1", "--critic-steps", "1", "--batch", "2"])


THERE: dict[str, Callable[[], None]] = {
    "texts.md": a_data_set_and_a_text_model,
    "training_script.md": a_run_of_the_training_script,
}


@pytest.mark.usefixtures("in_an_empty_folder")
@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(GUIDES).as_posix() for page in PAGES])
def test_the_code_of_a_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page.name in THERE:
        THERE[page.name]()
    module = types.ModuleType(f"guide_{page.stem}")  # torch.compile imports the module of a function
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for line, code in blocks(page):
        # Blank lines in front make the numbers in a traceback those of the page.
        exec(compile("\n" * (line - 1) + code, str(page), "exec"), vars(module))


@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(GUIDES).as_posix() for page in PAGES])
def test_no_line_of_code_is_cut_off_by_its_page(page: Path) -> None:
    wide = "hide: [toc]" in page.read_text(encoding="utf-8")
    too_long = [line for _, code in blocks(page) for line in code.splitlines() if len(line) > (116 if wide else 94)]
    assert not too_long, "a page of 1280 pixels shows no more; break the lines"


def test_every_public_name_is_linked_from_a_guide() -> None:
    # The page of other libraries' numbers compares names; it does not say when to use them.
    guides = [page.read_text(encoding="utf-8") for page in PAGES if page.name != "different_numbers.md"]
    linked = {match[1] or match[2] for text in guides for match in LINKED.finditer(text)}
    public = {name.path for folder in public_folders() for name in public_names(folder)}
    assert len(public) > 100
    assert not sorted(public - linked), "say on a page when to take it, with a link"


@pytest.mark.usefixtures("in_an_empty_folder")
def test_the_code_of_the_readme_runs() -> None:
    generator = nn.Sequential(nn.Linear(128, 8), nn.ReLU(), nn.Linear(8, 2))
    critic = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    batches = iter(partial(torch.randn, 5, 2), None)
    # What the text says is the reader's own.
    yours = {
        "generator": generator,
        "critic": critic,
        "generator_optimizer": torch.optim.Adam(generator.parameters()),
        "critic_optimizer": torch.optim.Adam(critic.parameters()),
        "batches": batches,
        "rounds": 2,
    }
    before = {name: copy.deepcopy(network) for name, network in {"critic": critic, "generator": generator}.items()}
    drawn = {"real": torch.randn(5, 2), "fake": torch.randn(5, 2), "latents": torch.randn(5, 128)}
    namespace: dict[str, object] = {**yours, **drawn}
    codes = [code for _, code in blocks(README)]
    assert len(codes) >= 2
    for code in codes:
        exec(compile(code, str(README), "exec"), namespace)
    assert all(
        not torch.equal(next(network.parameters()), next(yours[name].parameters())) for name, network in before.items()
    )
    assert isinstance(namespace["critic_cost"], torch.Tensor)


def test_the_readme_names_every_folder() -> None:
    rows = re.findall(r"^\| `gankit\.(\w+)` \|", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(rows) == sorted(public_folders())


def test_the_quickstart_keeps_its_promise_of_lines() -> None:
    text = (GUIDES / "quickstart.md").read_text(encoding="utf-8")
    section = text.partition("## WGAN-GP in 12 lines")[2]
    (block, *_) = BLOCK.findall(section)
    lines = [line for line in block.splitlines() if line.strip() and not line.startswith("import ")]
    assert len(lines) == 12
    shorter = text.partition("## Three lines in a loop you already have")[2]
    (block, *_) = BLOCK.findall(shorter)
    assert sum("gk." in line for line in block.splitlines()) == 3

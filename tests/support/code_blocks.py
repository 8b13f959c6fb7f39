"""The Python blocks of a page, the names that they need from outside, and a fresh process for each."""

import builtins
import doctest
import multiprocessing
import os
import re
import symtable
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

CONTINUES = "continues the code above"
"""The title of a block that uses names of the blocks above it on its page."""
NEEDS = "needs "
"""The first word of the title of a block that reads files; the title names them."""
YOURS = re.compile(r"^# yours: (.+)$", flags=re.MULTILINE)
"""The comment of a block that names what the reader supplies."""

_BLOCK = re.compile(r"^```python(?P<info>[^\n]*)\n(?P<code>.*?)^```$", flags=re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r'title="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Block:
    """One Python block: its first line on its page, its title, and its code."""

    line: int
    title: str
    code: str

    @property
    def continues(self) -> bool:
        return self.title == CONTINUES

    @property
    def yours(self) -> set[str]:
        """What the reader supplies, as a comment of the block says."""
        return {name for match in YOURS.finditer(self.code) for name in match[1].split(", ")}


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(text.count("\n", 0, match.start("code")) + 1, title[1] if title else "", match["code"])
        for match in _BLOCK.finditer(text)
        for title in [_TITLE.search(match["info"])]
    ]


def needed_names(code: str) -> set[str]:
    """The names that a piece of code reads, and neither makes nor finds among Python's own."""
    table = symtable.symtable(code, "block", "exec")
    read = {name for scope in _scopes(table) for name in _global_reads(scope, module=scope is table)}
    return read - made_names(code) - set(dir(builtins))


def made_names(code: str) -> set[str]:
    """The names that a piece of code assigns, imports or defines."""
    symbols = symtable.symtable(code, "block", "exec").get_symbols()
    return {it.get_name() for it in symbols if it.is_assigned() or it.is_imported() or it.is_namespace()}


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _scopes(child)


def _global_reads(scope: symtable.SymbolTable, *, module: bool) -> Iterator[str]:
    for symbol in scope.get_symbols():
        if symbol.is_referenced() and (module or symbol.is_global()):
            yield symbol.get_name()


def run_page(blocks: list[tuple[int, str]], page: str, module: types.ModuleType | None = None) -> None:
    """Run blocks one after the other, as one module: torch.compile imports the module of a function."""
    if module is None:
        module = sys.modules["page"] = types.ModuleType("page")
    for line, code in blocks:
        # Blank lines in front make the numbers in a traceback those of the page.
        exec(compile("\n" * (line - 1) + code, page, "exec"), vars(module))


def run_examples(docstring: str, name: str) -> None:
    """Run the examples of a docstring with no name but those that they make."""
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = doctest.DocTestParser().get_doctest(docstring, {"__name__": "__main__"}, name, name, 0)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=options, verbose=False).run(test, out=report.append)
    if report:
        raise AssertionError("".join(report))


def in_a_fresh_process(folder: Path, run: Callable[..., None], *arguments: object) -> str:
    """Call a function in a process of its own, in a folder, and return its traceback, empty where it succeeded.

    The process comes from a server that has imported torch and gankit and done nothing else.
    """
    context = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
    context.set_forkserver_preload(["torch", "gankit", __name__])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(sender, folder, run, *arguments))
    process.start()
    sender.close()
    try:
        said = receiver.recv()
    except EOFError:
        said = "the process ended without a word"
    process.join()
    return said if process.exitcode == 0 else f"{said}\nexit status {process.exitcode}"


def _call(sender: Connection, folder: Path, run: Callable[..., None], *arguments: object) -> None:
    os.chdir(folder)
    try:
        run(*arguments)
    except BaseException:  # noqa: BLE001  a block may leave by any of them
        sender.send(traceback.format_exc())
    else:
        sender.send("")

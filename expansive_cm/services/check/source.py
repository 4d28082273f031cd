"""What one Python file says that decides what it uses without importing it."""

import ast
from dataclasses import dataclass, field
from pathlib import Path

ANYTHING = "\0"
"""Stands in a text for what is only known when the program runs."""


@dataclass
class Source:
    """The texts of a file, what its functions ask for and call, and what it defines for tests."""

    texts: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    fixtures: set[str] = field(default_factory=set)
    tests: int = 0


def read(path: Path) -> Source:
    """Read a file without running it."""
    found = Source()
    pieces: set[ast.expr] = set()
    for node in ast.walk(ast.parse(path.read_text())):  # a text comes before its pieces
        if isinstance(node, ast.JoinedStr):
            pieces.update(node.values)
            found.texts.add("".join(map(piece, node.values)))
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str) and node not in pieces:
                found.texts.add(node.value)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            note_function(node, found)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.called.add(node.func.id)
    return found


def piece(value: ast.expr) -> str:
    """One part of a text with places in it."""
    return str(value.value) if isinstance(value, ast.Constant) else ANYTHING


def note_function(node: ast.FunctionDef | ast.AsyncFunctionDef, found: Source) -> None:
    """Remember what a function asks for, and whether it is a fixture or a test."""
    arguments = node.args
    found.asked |= {one.arg for one in (*arguments.args, *arguments.kwonlyargs)}
    found.tests += node.name.startswith("test_")
    for decorator in node.decorator_list:
        if "fixture" in ast.unparse(decorator).partition("(")[0]:
            found.fixtures.add(node.name)

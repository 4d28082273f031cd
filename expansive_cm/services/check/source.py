"""What one Python file says that decides what it uses without importing it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ANYTHING = "\0"
"""Stands in a text for what is only known when the program runs."""

NOT_LOOKED_AT = (ast.Name, ast.expr_context, ast.operator)


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
    for node in nodes(ast.parse(path.read_text())):
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


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what a file is made of, a text before its pieces.

    Of a million nodes of the project two thirds are names and how each is meant, which nobody
    looks at: they are left out, so it takes a third of the time of `ast.walk`.
    """
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name in node._fields:
            value = getattr(node, name, None)
            if type(value) is list:
                waiting += [one for one in value if isinstance(one, ast.AST)]
            elif isinstance(value, ast.AST) and not isinstance(value, NOT_LOOKED_AT):
                waiting.append(value)


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

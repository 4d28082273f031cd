"""What a failed browser test leaves behind: how its pages looked, what they said, their traces."""

import os
import re
import shutil
from dataclasses import dataclass, field
from typing import Any

from tests.environment import ROOT

FAILED = ROOT / ".data" / "failed"
TRACED = os.environ.get("TRACE") == "1"


@dataclass
class Evidence:
    """The contexts of a test while it runs, and what their pages said in their consoles."""

    name: str
    contexts: list[Any] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    kept: str = ""
    _listening: list[tuple[Any, str, Any]] = field(default_factory=list)

    def follow(self, context: Any) -> None:
        """Take down what the pages of a context say from now on."""
        self.contexts.append(context)
        number = len(self.contexts)
        if TRACED:
            context.tracing.start(screenshots=True, snapshots=True, sources=True)
        for event, note in {
            "console": lambda message: self._note(number, message),
            "weberror": lambda error: self._complain(number, error),
            "requestfailed": lambda request: self._failed(number, request),
        }.items():
            context.on(event, note)
            self._listening.append((context, event, note))

    def leave(self) -> None:
        """Listen no longer: the contexts are for others now."""
        for context, event, note in self._listening:
            context.remove_listener(event, note)
        self._listening.clear()

    def _note(self, number: int, message: Any) -> None:
        where = message.location
        self.said.append(f"{number} {message.type}: {message.text} ({where['url']})")
        # What the Content-Security-Policy made the browser refuse.
        if message.type == "error" and "Content Security Policy" in message.text:
            self.complaints.append(message.text)

    def _complain(self, number: int, error: Any) -> None:
        self.said.append(f"{number} uncaught: {error.error}")
        self.complaints.append(str(error.error))

    def _failed(self, number: int, request: Any) -> None:
        self.said.append(f"{number} {request.failure}: {request.method} {request.url}")

    def keep(self) -> str:
        """Keep everything, once; return where it lies and what the pages said, as text."""
        if self.contexts and not self.kept:
            name = self.name.removeprefix("tests/").replace(".py::", "-")
            folder = FAILED / re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for number, context in enumerate(self.contexts, start=1):
                self._keep_context(folder, number, context)
            console = "\n".join(self.said)
            (folder / "console.txt").write_text(f"{console}\n", encoding="utf-8")
            files = ", ".join(sorted(one.name for one in folder.iterdir()))
            self.kept = f"{os.path.relpath(folder, ROOT)}: {files}\n{console}"
        return self.kept

    def _keep_context(self, folder: Any, number: int, context: Any) -> None:
        from playwright.sync_api import Error

        for count, page in enumerate(context.pages, start=1):
            path = folder / f"{number}-{count}.png"
            try:
                page.screenshot(path=path, full_page=True, timeout=10_000)
            except Error as error:  # a page that hangs or is gone must not hide why
                self.said.append(f"{number} no picture of {page.url}: {error.message}")
        if TRACED:
            try:
                context.tracing.stop(path=folder / f"{number}-trace.zip")
            except Error as error:
                self.said.append(f"{number} no trace: {error.message}")

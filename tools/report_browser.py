"""A report in a headless Chromium that can reach nothing, for its tests, benchmark and picture."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route, sync_playwright

# Names under which distributions install it, after the one an environment may give.
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
VARIABLE = "OUROBOROS_CHROMIUM"
# Galleries are unpacked last: then everything is there.
READY = "body[data-galleries]"
PATIENCE_MS = 120_000


def find_chromium() -> str | None:
    """The browser named by ``OUROBOROS_CHROMIUM``, or one on the PATH, or None."""
    return os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, NAMES)), None)


@dataclass(frozen=True, slots=True)
class Opened:
    """A page with everything it asked for and complained about since it was opened.

    ``ask`` evaluates JavaScript through the debugger: the page's own policy allows no ``eval``.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def ask(self, expression: str) -> Any:
        session = self.page.context.new_cdp_session(self.page)
        try:
            answer = session.send(
                "Runtime.evaluate", {"expression": f"JSON.stringify({expression})"}
            )
        finally:
            session.detach()
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        text = answer["result"].get("value")
        return None if text is None else json.loads(text)


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium. Raises FileNotFoundError where there is none."""
    found = find_chromium()
    if found is None:
        raise FileNotFoundError(f"no Chromium: install chromium, or name one with {VARIABLE}")
    # Chromium's own sandbox refuses to run as root, which is who runs in containers.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=arguments)
        try:
            yield opened
        finally:
            opened.close()


@contextlib.contextmanager
def report_page(
    chromium: Browser, path: Path, *, hash_: str = "", width: int = 1400, height: int = 900,
    scheme: str = "light", scale: float = 1,
) -> Iterator[Opened]:  # fmt: skip
    """A report opened and ready; requests for anything but the file itself are refused and kept."""
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        device_scale_factor=scale,
    )
    opened = Opened(context.new_page())
    page, address = opened.page, path.resolve().as_uri()

    def answer(route: Route) -> None:
        if route.request.url.split("#")[0] == address:
            route.continue_()
            return
        opened.requests.append(route.request.url)
        route.abort()

    def complain(kind: str, text: str) -> None:
        if kind in {"error", "warning", "page error"}:
            opened.complaints.append(f"{kind}: {text}")

    page.route("**/*", answer)
    page.on("console", lambda message: complain(message.type, message.text))
    page.on("pageerror", lambda error: complain("page error", str(error)))
    try:
        page.goto(address + hash_)
        page.wait_for_selector(READY, timeout=PATIENCE_MS)
        yield opened
    finally:
        context.close()

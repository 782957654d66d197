"""A real Chromium, reports to open in it, and servers like those that reports are put on."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright
from support.records import hostile_record, small_record
from support.sites import write_components, write_report

from reportgen.finished.bundle import bundle_report
from reportgen.finished.comparison import compare
from reportgen.finished.comparison_pages import write_comparison
from reportgen.record import read_record

HERE = Path(__file__).parent
# What `npm ci` in this folder provides.
MODULES = HERE / "node_modules"

# No sandbox, since containers have none to give; nothing that would phone home.
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is a browser test."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


def find_chromium() -> str | None:
    """The browser's program: what `CHROMIUM` names, else the first that is installed."""
    named = os.environ.get("CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    program = find_chromium()
    if program is None:
        pytest.skip("there is no Chromium here: none on PATH, and CHROMIUM names none")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(SWITCHES))
        yield browser
        browser.close()


@dataclass
class Window:
    """A page in the browser with all it said and asked for."""

    page: Page
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, address: str) -> None:
        """Go to `address` and wait until it is all there."""
        self.page.goto(address, wait_until="load")

    def width(self) -> int:
        """How wide the content is, in CSS pixels."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))


def _note_failure(shown: Window, request: Request) -> None:
    """Note a request that failed, unless the browser gave it up because it left the page."""
    if request.failure != "net::ERR_ABORTED":
        shown.messages.append(f"failed: {request.url}")


Opener = Callable[..., Window]


@pytest.fixture
def window(browser: Browser) -> Iterator[Opener]:
    """Opens windows: `window(width=320, color_scheme="dark", java_script_enabled=False)`."""
    contexts: list[BrowserContext] = []

    def make(*, width: int = 1280, **settings: object) -> Window:
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)  # type: ignore[arg-type]
        contexts.append(context)
        shown = Window(context.new_page())
        shown.page.on("console", lambda message: shown.messages.append(message.text))
        shown.page.on("pageerror", lambda error: shown.messages.append(str(error)))
        shown.page.on("requestfailed", lambda request: _note_failure(shown, request))
        shown.page.on("request", lambda request: shown.requests.append(request.url))
        return shown

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small report, with the page of all components."""
    folder = tmp_path_factory.mktemp("browser") / "report"
    write_components(folder, write_report(small_record, folder))
    return folder


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report with hostile names."""
    folder = tmp_path_factory.mktemp("browser") / "hostile"
    write_report(hostile_record, folder)
    return folder


@pytest.fixture(scope="session")
def one_file(report: Path) -> Path:
    """The small report as one file, alone in its folder."""
    out = report.parent / "alone" / "one.html"
    bundle_report(report, out)
    return out


@pytest.fixture(scope="session")
def compared(report: Path, hostile: Path) -> Path:
    """The small report beside the hostile one."""
    folder = report.parent / "compared"
    write_comparison(compare(read_record(report), read_record(hostile)), (report, hostile), folder)
    return folder


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files under `/reports/7/`, with a policy; silent."""

    prefix = "/reports/7"
    policy: str | None = None

    def translate_path(self, path: str) -> str:
        """The file of an address below the prefix."""
        return super().translate_path(path.removeprefix(self.prefix))

    def end_headers(self) -> None:
        """Send the policy with everything."""
        if self.policy is not None:
            self.send_header("Content-Security-Policy", self.policy)
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serves a folder below a path of a local server: `serve(folder, policy=...)` gives the address."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(folder: Path, *, policy: str | None = None) -> str:
        handler = type("Handler", (_Handler,), {"policy": policy})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder)))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}{_Handler.prefix}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The text of axe-core."""
    file = MODULES / "axe-core" / "axe.min.js"
    if not file.is_file():
        pytest.skip("axe-core is not installed: run `npm ci --prefix tests/browser`")
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def nu() -> list[str]:
    """The command of the Nu HTML checker."""
    file = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
    java = shutil.which("java")
    if java is None or not file.is_file():
        pytest.skip("the Nu checker is not installed: it needs Java and `npm ci --prefix tests/browser`")
    # The stack is what the checker asks for with long pages.
    return [java, "-Xss8m", "-jar", str(file), "--stdout", "--errors-only", "--format", "json"]

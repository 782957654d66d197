"""What tests share: where real networks and photographs lie, if they do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` takes what the program makes now as what it should make."""
    parser.addoption("--update-golden", action="store_true", help="accept golden files and tables as made now")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten instead of compared."""
    return bool(request.config.getoption("--update-golden"))


def _shared(name: str) -> Path:
    folder = ROOT.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"the folder of real {name} is not beside the checkout")
    return folder


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of real trained networks."""
    return _shared("models")


@pytest.fixture(scope="session")
def shared_photos() -> Path:
    """The folder of real photographs."""
    return _shared("photos")

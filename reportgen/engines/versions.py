"""The versions that results depend on."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

# What must be the same everywhere for results to be.
PACKAGES = ("reportgen", "tensorflow", "keras", "numba", "numpy", "pillow")


def installed_versions() -> dict[str, str | None]:
    """The versions of `PACKAGES` in this process, None for what is missing."""
    found: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found

"""axe-core and the Nu HTML checker over every kind of page; `npm ci` in this folder provides both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browsing import axe_violations, nu_errors
from support.sites import COMPONENTS_PAGE, KINDS

if TYPE_CHECKING:
    from conftest import Opener


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 320)])
def test_axe(scheme: str, width: int, axe: str, report: Path, one_file: Path, compared: Path, window: Opener) -> None:
    # The pages' own policy would keep axe out.
    shown = window(width=width, color_scheme=scheme, bypass_csp=True)
    addresses = [
        *(f"{report.as_uri()}/{path}" for path in (*KINDS, COMPONENTS_PAGE)),
        *(f"{one_file.as_uri()}#{part}" for part in ("index", "layers/conv1", "units/conv1/0", "images/checks")),
        *(path.as_uri() for path in sorted(compared.glob("*.html"))),
    ]
    found = []
    for address in addresses:
        shown.open(address)
        found += [(address.rpartition("/")[2], *one) for one in axe_violations(shown.page, axe)]
    assert found == []


def test_nu(nu: list[str], report: Path, hostile: Path, one_file: Path, compared: Path) -> None:
    assert nu_errors(nu, (report, hostile, one_file, compared)) == []

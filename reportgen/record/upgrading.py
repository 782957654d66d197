"""What an older `report.json` leaves to be known, said as today's says it."""

from __future__ import annotations

from typing import Any

# How the sections of 1.0 behave; since 1.1 each says so itself.
_TRAITS_OF_1_0: dict[str, dict[str, Any]] = {
    "filters": {"gallery": "last", "on_channels": True, "compared": True},
    "feature-maps": {"on_layers": "small", "shrinks": True, "compared": True},
    "activation-maximization": {"gallery": "maximizations"},
    "deep-dream": {"gallery": "figures"},
}


def upgraded(data: Any) -> Any:
    """`data`, read from a `report.json` of schema 1.0, with what 1.1 adds; anything else as it is."""
    if not isinstance(data, dict) or data.get("schema_version") != "1.0":
        return data
    sections = data.get("sections")
    if isinstance(sections, list):
        sections = [_with_traits(section) for section in sections]
    return data | {"schema_version": "1.1", "sections": sections}


def _with_traits(section: Any) -> Any:
    if not isinstance(section, dict):
        return section
    return section | _TRAITS_OF_1_0.get(str(section.get("slug")), {})

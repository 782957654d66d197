"""The templates: where they lie, what they may call, and how every value becomes harmless text."""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from reportgen import formats
from reportgen.site.kept_templates import kept_templates
from reportgen.site.links import relative_link

# A template of the user's extends the one it replaces under this name: {% extends "reportgen/index.html.jinja2" %}.
ORIGINALS = "reportgen"

# HTML has no way of writing control characters and lone surrogates; their replacement shows that something was there.
_UNPRINTABLE = dict.fromkeys(
    (*range(9), 11, *range(14, 32), *range(127, 160), *range(0xD800, 0xE000)), "\N{REPLACEMENT CHARACTER}"
)


def template_directory() -> Path:
    """The folder of the report's own templates: inside the installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "templates"
    return packaged if packaged.is_dir() else package.parent / "templates"


def make_environment(overrides: Path | None = None) -> Environment:
    """Templates with everything escaped and every unknown name an error; those in `overrides` go first."""
    return _own_environment() if overrides is None else _environment(overrides)


class _Environment(Environment):
    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """What all templates may call, as a plain dictionary: each import within a page compares all of its keys."""
        return {**self.globals, **(d or {})}


@cache
def _own_environment() -> Environment:
    """The report's own templates, loaded once by a process: they do not change while it runs."""
    environment = _environment(None)
    environment.auto_reload = False
    return environment


def _environment(overrides: Path | None) -> Environment:
    own = FileSystemLoader(template_directory())
    loaders = [own, PrefixLoader({ORIGINALS: own})]
    environment = _Environment(
        loader=ChoiceLoader([FileSystemLoader(overrides), *loaders] if overrides else loaders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        cache_size=-1,
        bytecode_cache=kept_templates(hashlib.sha256(Path(__file__).read_bytes()).hexdigest()),
    )
    environment.filters |= {
        "capitalize_first": formats.capitalized,
        "uncapitalize": formats.uncapitalized,
        "count": formats.count,
        "counted": formats.counted,
        "short": formats.short_count,
        "bytes": formats.byte_count,
        "number": formats.number,
        "percent": formats.percent,
        "pieces": formats.name_pieces,
        "shape": formats.shape,
        "size": formats.size,
        "link": link,
    }
    return environment


def printable(value: Any) -> Any:
    """`value` as it goes into a page: text without control characters; what is markup already stays."""
    if not isinstance(value, str) or value.isprintable() or hasattr(value, "__html__"):
        return value
    return value.translate(_UNPRINTABLE)


@pass_context
def link(context: Context, target: str) -> str:
    """The address of a path in the report, maybe with `#fragment`, as seen from the page being written."""
    return relative_link(context["page"].path, target)

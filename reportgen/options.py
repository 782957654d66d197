"""What an option is beside its setting's type, and the words in which a value is refused."""

from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

Group = Literal["network", "feeding", "reading", "answers", "look"]

# What is told of a value that is refused.
_LETTERS_TOLD = 80
_BITS_TOLD = 256


@dataclass(frozen=True)
class OptionFacts:
    """What is to be known of a setting's option and does not follow from the setting's type.

    Attributes:
        metavar: what stands for the value in help; by default it follows the type.
        expects: the value in words, for the line that refuses another; by default it follows type and bounds.
        name: the option in `snake_case`, where it is not the setting's own.
        off_help: help of an option that switches off what is on by default.
        group: what the option says: how the network is loaded (`network`) and fed (`feeding`), how images are read,
            what the answers mean, how the pages look. Commands take whole groups.
        place: `argument` and `file` have no option of their own: the command names the one, and the other stands in
            the configuration file alone.
        repeats: may be given again, one value each time.
        joint: between the parts of one value.
        is_path: is, or may be, a path; a report names the last part of it alone.
        of_machine: of the machine, not of the report: the same report is made with another value.
    """

    metavar: str | None = None
    expects: str | None = None
    name: str | None = None
    off_help: str | None = None
    group: Group | None = None
    place: Literal["option", "argument", "file"] = "option"
    repeats: bool = False
    joint: str = ","
    is_path: bool = False
    of_machine: bool = False


def facts_of(field: FieldInfo) -> OptionFacts:
    """The facts that stand beside a field."""
    return next((item for item in field.metadata if isinstance(item, OptionFacts)), OptionFacts())


def kinds_of(annotation: Any) -> list[Any]:
    """What a setting's type allows besides none: the members of a union, else the type itself."""
    if get_origin(annotation) in (Union, types.UnionType):
        return [part for part in get_args(annotation) if part is not type(None)]
    return [annotation]


class FrozenSettings(BaseModel):
    """Frozen settings whose numbers are finite, and whose truth values are no numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        parts = value if isinstance(value, list | tuple) else (value,)
        if bool in kinds_of(cls.model_fields[str(info.field_name)].annotation):
            parts = [part for part in (value,) if not isinstance(part, bool | None)]
        else:
            parts = [part for part in parts if isinstance(part, bool)]
        if parts:
            raise ValueError("a truth value for another, or another for one")
        return value


def expected_value(field: FieldInfo) -> str:
    """The values a setting takes, in words: its option's, else by its type and bounds."""
    facts, kind = facts_of(field), kinds_of(field.annotation)[0]
    if facts.expects is not None:
        return facts.expects
    if get_origin(kind) is Literal:
        *others, last = (str(choice) for choice in get_args(kind))
        return f"{', '.join(others)} or {last}"
    words = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path"}
    return f"{words.get(kind, 'text')}{_bounds(field.metadata)}"


def _bounds(metadata: Iterable[Any]) -> str:
    """The bounds among a setting's metadata, in words."""
    kinds = {"ge": "of at least", "gt": "above", "le": "at most", "lt": "below"}
    found = [(kind, getattr(item, kind)) for item in metadata for kind in kinds if hasattr(item, kind)]
    return f" {' and '.join(f'{kinds[kind]} {bound:,}' for kind, bound in found)}" if found else ""


def told(value: Any) -> str:
    """A value as one line of a message, however long it is."""
    if isinstance(value, int) and value.bit_length() > _BITS_TOLD:
        return "a far larger one" if value > 0 else "a far smaller one"
    text = " ".join(repr(value).split())
    return text if len(text) <= _LETTERS_TOLD else f"{text[:_LETTERS_TOLD]}..."

"""The JSON that saved networks hold, read as far as the description of a network is ever long."""

from __future__ import annotations

import json
import zipfile
from typing import Any

# The longest known, of networks with thousands of layers, have some ten million letters.
MOST_JSON = 100_000_000


def member_json(archive: zipfile.ZipFile, name: str) -> Any:
    """The value that a member of a zip file holds in JSON, with the numbers that are none, as Keras writes them.

    Raises:
        ValueError: it is no JSON, is too long, or nests too deep.
        KeyError: there is no such member.
    """
    with archive.open(name) as member:
        text = member.read(MOST_JSON + 1)
    return loaded_json(text, name)


def loaded_json(text: str | bytes, name: str) -> Any:
    """The value of JSON that is called `name`; errors as of `member_json`."""
    if len(text) > MOST_JSON:
        raise ValueError(f"{name} has more than {MOST_JSON:,} letters")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(f"{name} nests too deep") from error

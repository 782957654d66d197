"""Text for Markdown as code hosts show it: what a report says stays text, whoever wrote the report.

Names and messages may hold anything: markup, links, mentions of people, references to issues, letters that turn the
direction of a line. None of it does anything.
"""

from __future__ import annotations

import re
import unicodedata

# Between two letters it is not seen, and what stands before and after it is no mention, reference or address.
_JOINER = "\N{WORD JOINER}"
_SPECIAL = re.compile(r"[\\`*\[\]|~$^{}]|(?<!\w)_|_(?!\w)")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LIVE = re.compile(r"(?<=@)|(?<=#)|(?<=:)(?=//)|(?<=www)(?=\.)|(?<=mailto)(?=:)", re.IGNORECASE)
_BEGINNING = re.compile(r"^([#+\-=:!]|\d+(?=[.)]))")


def plain(text: str, most: int | None = None) -> str:
    """`text` on one line, cut to `most` characters, without what controls a terminal or the direction of a line."""
    kept = "".join("\N{REPLACEMENT CHARACTER}" if _controls(letter) else letter for letter in " ".join(text.split()))
    kept = kept.replace(_JOINER, "")
    return kept if most is None or len(kept) <= most else f"{kept[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def _controls(letter: str) -> bool:
    return letter != _JOINER and unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co"}


def escaped(text: str, most: int | None = None) -> str:
    r"""`text` as Markdown that shows it as it is, on one line.

    >>> print(escaped("<b> *x* [a](b)"))
    &lt;b&gt; \*x\* \[a\](b)
    """
    quoted = _SPECIAL.sub(r"\\\g<0>", plain(text, most))
    quoted = "".join(_ENTITIES.get(letter, letter) for letter in _LIVE.sub(_JOINER, quoted))
    return _BEGINNING.sub(lambda found: f"{found[1]}\\" if found[1].isdigit() else f"\\{found[1]}", quoted)


def unescaped(markdown: str) -> str:
    """The text that `escaped` made `markdown` of.

    >>> unescaped(escaped("<b> *x* @someone"))
    '<b> *x* @someone'
    """
    text = re.sub(r"\\([^\w\s]|_)", r"\1", re.sub(r"^(\d+)\\", r"\1", markdown)).replace(_JOINER, "")
    for letter, entity in reversed(_ENTITIES.items()):
        text = text.replace(entity, letter)
    return text


def code(text: str, most: int | None = None) -> str:
    """`text` as a span of code: a name, or a path.

    >>> code("a`b")
    '`` a`b ``'
    """
    kept = plain(text, most) or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", kept)), default=0) + 1)
    space = " " if "`" in kept else ""
    return f"{fence}{space}{kept}{space}{fence}"

"""What maximised images are made for, in words: one row for each objective that a record may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ObjectiveWords:
    """`noun` is what one without a name is called, `variant` what is said beside the name, empty for the plain case.

    `furthest` names the number of the images that the picture's is compared with; `is_channel`: it is of a channel,
    not of an answer; `is_further`: it stands beside the picture of what excites the channel.
    """

    noun: str
    variant: str = ""
    furthest: str = "Highest in the images"
    is_channel: bool = False
    is_further: bool = False


OBJECTIVE_WORDS: Mapping[str, ObjectiveWords] = {
    "channel": ObjectiveWords("channel", is_channel=True),
    "negative": ObjectiveWords("channel", "what it likes least", is_channel=True, is_further=True),
    **{
        f"diversity {place}": ObjectiveWords("channel", f"variant {place}", is_channel=True, is_further=True)
        for place in (1, 2, 3)
    },
    "logit": ObjectiveWords("class"),
    "region": ObjectiveWords("class", "over the map"),
    "value": ObjectiveWords("value", "raised"),
    "value down": ObjectiveWords("value", "lowered", "Lowest in the images"),
    "nearest": ObjectiveWords("image", "likeness"),
}


def objective_words(objective: str) -> ObjectiveWords:
    """The words for an objective; of another one than these, its name beside the channel's."""
    return OBJECTIVE_WORDS.get(objective) or ObjectiveWords("channel", objective, is_channel=True)


def maximized_name(objective: str, index: int, label: str | None, output: str | None = None) -> str:
    """What a maximised image is made for: the name of a class or value, else its number.

    Args:
        output: of a network with several, to be named before it.

    >>> maximized_name("channel", 3, None), maximized_name("logit", 3, None), maximized_name("value", 0, "age", "age")
    ('channel 3', 'class 3', 'age')
    >>> maximized_name("logit", 3, "cat", "animal")
    'animal: cat'
    """
    name = label if label is not None else f"{objective_words(objective).noun} {index}"
    return name if output is None or name.startswith(output) else f"{output}: {name}"

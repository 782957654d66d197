"""The kinds of answers there are; the first that finds an output its own has it."""

from __future__ import annotations

from reportgen.analysis.answers.class_scores import CLASSES
from reportgen.analysis.answers.coordinates import BOXES, POINTS
from reportgen.analysis.answers.embeddings import EMBEDDING
from reportgen.analysis.answers.kind import Kind
from reportgen.analysis.answers.labels import MULTILABEL
from reportgen.analysis.answers.maps import MAP
from reportgen.analysis.answers.other import OTHER
from reportgen.analysis.answers.pictures import PICTURE
from reportgen.analysis.answers.values import VALUES

KINDS: tuple[Kind, ...] = (CLASSES, MULTILABEL, EMBEDDING, VALUES, MAP, PICTURE, POINTS, BOXES, OTHER)


def kind_of_answer(name: str) -> Kind:
    """The kind called `name`."""
    return next(kind for kind in KINDS if kind.name == name)

"""Images as the pages of the review list them: a small picture, a name, some words."""

from __future__ import annotations

from reportgen.site.catalogue import Catalogue
from reportgen.site.review_views import Shot


def view_shot(file: str, catalogue: Catalogue, words: str = "") -> Shot:
    """The image called `file`, with its page and small picture where it has them."""
    return Shot(file, catalogue.image_page(file), catalogue.record.thumbnails.get(file), words)

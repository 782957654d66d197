"""All pages of a report: path, title, neighbours and content, settled before the first one is written."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.record import Record
from reportgen.site.catalogue import Catalogue
from reportgen.site.channel_pages import unit_pages
from reportgen.site.evaluation_pages import evaluation_pages
from reportgen.site.front import front_page
from reportgen.site.gallery import gallery_pages, graph_pages
from reportgen.site.image_pages import image_pages
from reportgen.site.layer_pages import layer_pages, table_pages
from reportgen.site.outline import Link, Outline, OutlineGroup
from reportgen.site.output_pages import output_pages
from reportgen.site.page import HOME, IMAGES, LAYERS, UNITS, Page
from reportgen.site.quality_page import quality_pages
from reportgen.site.robustness_page import robustness_pages


def settle_pages(record: Record) -> list[Page]:
    """Every page of the report, in reading order."""
    catalogue = Catalogue(record)
    return [
        front_page(catalogue),
        *table_pages(catalogue),
        *layer_pages(catalogue),
        *gallery_pages(catalogue),
        *graph_pages(catalogue),
        *unit_pages(catalogue),
        *output_pages(catalogue),
        *image_pages(catalogue),
        *evaluation_pages(catalogue),
        *robustness_pages(catalogue),
        *quality_pages(catalogue),
    ]


def outline_of(record: Record, pages: Sequence[Page]) -> Outline:
    """The outline of all `pages`."""
    catalogue = Catalogue(record)
    titles = {page.path: page.title for page in pages}
    general = [Link(page.title, page.path) for page in pages if page.listed]
    layers = tuple(Link(layer.name, layer.page) for layer in record.layers if layer.page is not None)
    groups = [OutlineGroup("Layers", LAYERS, layers, names=True)]
    if UNITS in titles:
        folders = {layer: units[0].page.rpartition("/")[0] for layer, units in catalogue.units_of_layer.items()}
        links = tuple(Link(layer, catalogue.sheets.get(layer, f"{UNITS}#{folders[layer]}")) for layer in folders)
        # Without pages of single channels there are the tables of all channels of a layer.
        own = {layer: page for layer, page in catalogue.sheets.items() if layer not in catalogue.activates}
        links = links or tuple(Link(layer, page) for layer, page in own.items())
        groups.append(OutlineGroup("Channels", UNITS, links, names=True))
    images = tuple(Link(image.file, image.page) for image in record.images if image.page is not None)
    groups.append(OutlineGroup("Images", IMAGES, images, names=True))
    return Outline((HOME, *general), tuple(groups))

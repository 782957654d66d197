"""A whole report as one HTML file: every page inside, links between them, pictures as data, no script.

The pages are taken as they were written, so that templates and styles of the user's own are in them. One page
is shown at a time, the one whose part the address names (`:target`); each picture is in the file once, and
every place that shows it refers to it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from reportgen.files.inside import Inside
from reportgen.files.replacing import replacing
from reportgen.finished.opened import OpenedReport, odd_pages_told, opened_report
from reportgen.finished.rendering import write_pages
from reportgen.finished.rewriting import Part, Pictures, data_address, page_id
from reportgen.finished.shrinking import fit_size
from reportgen.record import Record
from reportgen.record.review import review_tiles
from reportgen.site.environment import make_environment, template_directory
from reportgen.site.links import feed_page
from reportgen.site.page import FRONT

# Places in the template where markup goes that was escaped already, when its page was written.
STYLE, PICTURES, STRIP, OUTLINE, PAGES = (
    f"<!-- {part} -->" for part in ("style", "pictures", "strip", "outline", "pages")
)


def bundle_report(folder: Path, out: Path, limit: int | None = None, templates: Path | None = None) -> None:
    """Write the report in `folder`, which stays as it is, as the one file `out`.

    Args:
        folder: the report.
        out: the file.
        limit: the most bytes of it. Where it would be larger, its pages are made again elsewhere, with coarser or
            fewer pictures.
        templates: a folder whose templates go before the report's own, where pages are made again.

    Raises:
        ReportgenError: `folder` is no report, or `out` cannot be written.
        GateError: it cannot be made to fit; the text ends with a table of what is biggest.
    """
    text = bundle_text(folder)
    with replacing(None, out) as places:
        if limit is not None and len(text.encode()) > limit:
            text = _smaller_text(folder, places.folder, limit, templates)
        write_bundle(text, places.single)


def write_bundle(text: str, file: Path) -> None:
    """Write the text of `bundle_text`, with the same line ends on every system."""
    file.write_text(text, encoding="utf-8", newline="\n")


def _smaller_text(folder: Path, copy: Path, limit: int, templates: Path | None) -> str:
    """The report in `folder` as text of at most `limit` bytes, from a `copy` that is made to fit."""
    with opened_report(folder) as report:
        report.copy_files(copy)

    def finish(shown: Record) -> int:
        with odd_pages_told(folder):
            write_pages(shown, copy, templates)
        return len(bundle_text(copy).encode())

    fit_size(report.record, copy, limit, finish)
    return bundle_text(copy)


def bundle_text(folder: Path) -> str:
    """The report in `folder` as the text of one HTML file.

    Raises:
        ReportgenError: `folder` is no report, or one of its files is missing, or not inside it.
    """
    with opened_report(folder) as report, odd_pages_told(folder):
        return _bundle(report)


def _bundle(report: OpenedReport) -> str:
    record, inside = report.record, report.inside
    written = Inside(report.folder, "make its pages again with `reportgen render`")
    ids = {page.path: page_id(page.path) for page in report.pages}
    pictures = Pictures(inside, picture_sizes(record))

    def part(path: str, wanted: str, prefix: str) -> str:
        taken = Part(page=path, pages=ids, prefix=prefix, wanted=wanted, pictures=pictures)
        feed_page(taken, written.read_text(path, "a page", "page"))
        return "".join(taken.pieces)

    articles = [
        f'<article class="page" id="{name}">\n{part(path, "main", f"{name}:")}\n</article>\n'
        for path, name in ids.items()
    ]
    inserts = {
        STYLE: _style(record, inside),
        STRIP: part(FRONT, "strip", ""),
        OUTLINE: part(FRONT, "outline", ""),
        PAGES: "".join(articles),
    }
    inserts[PICTURES] = pictures.style()
    logo = record.site.logo
    return frame_pages(
        inserts,
        title=record.site.title,
        generator=f"{record.generator.name} {record.generator.version}",
        created=record.provenance.created,
        logo=None if logo is None else data_address(logo, inside.read(logo, "site.logo", "picture")),
        holds="the whole report",
    )


def frame_pages(
    inserts: Mapping[str, str], *, title: str, generator: str, created: str | None, logo: str | None, holds: str
) -> str:
    """The file: `inserts` is the markup of its parts by place, `holds` says what is in the file."""
    frame = (
        make_environment()
        .get_template("bundle.html.jinja2")
        .render(
            title=title,
            generator=generator,
            created=created,
            holds=holds,
            strip=bool(inserts.get(STRIP)),
            digests=[b64encode(sha256(inserts[style].encode()).digest()).decode() for style in (STYLE, PICTURES)],
            logo=logo,
            icon=data_address("icon.svg", (template_directory() / "assets" / "icon.svg").read_bytes()),
        )
    )
    return _inserted(frame, inserts)


def picture_sizes(record: Record) -> dict[str, tuple[int, int]]:
    """Width and height in pixels of every picture `record` speaks of."""
    tops = [top for channel in record.units for top in channel.top_images]
    tiles = [tile for top in tops for tile in (top.patch, top.whole) if tile is not None]
    tiles += record.thumbnails.values()
    tiles += [tile for _, tile in review_tiles(record.evaluation, record.robustness)]
    sizes = {tile.picture: (tile.width, tile.height) for tile in tiles}
    for shown in record.maximizations:
        if shown.picture is not None and shown.width is not None and shown.height is not None:
            sizes[shown.picture] = (shown.width, shown.height)
    for image in record.images:
        for answer in image.answers:
            sizes |= answer.pictures
    return sizes | {figure.picture: (figure.width, figure.height) for figure in record.figures}


def _style(record: Record, inside: Inside) -> str:
    """The report's own style, what one file needs besides, and the user's."""
    css = record.site.css
    return own_style(*([] if css is None else [inside.read_text(css, "site.css", "style")]))


def own_style(*more: str) -> str:
    """The style of every file of many pages, and `more` after it."""
    own = template_directory() / "assets"
    parts = [*((own / name).read_text(encoding="utf-8") for name in ("style.css", "bundle.css")), *more]
    # "</style" in a comment or string of the user's would end the element; with a backslash it means the same.
    return "\n".join(parts).replace("</", "<\\/")


def _inserted(frame: str, inserts: Mapping[str, str]) -> str:
    """`frame` with each of the places replaced; what is inserted is not searched again."""
    places = "|".join(re.escape(place) for place in inserts)
    return re.sub(places, lambda match: inserts[match[0]], frame)

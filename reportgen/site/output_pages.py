"""The outputs of the network: what each gives, how its kind was settled, and its values over all images."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen import formats
from reportgen.record import Output, ValueSpread
from reportgen.site.answer_contents import ImageLink, class_name, link_image
from reportgen.site.answer_views import KINDS
from reportgen.site.catalogue import Catalogue
from reportgen.site.charts import draw_spread
from reportgen.site.facts import Facts
from reportgen.site.output_views import OutputsView, OutputView, SpreadView
from reportgen.site.page import HOME, OUTPUTS, Page, chained
from reportgen.site.parts import page_links, page_paths, split

# Values on one page, each with its chart and images: below 1,500 elements with the outline.
SPREADS = 24

# Images shown at each end of a value.
ENDS = 3

# Names of classes that stand on the page; all are in report.json.
MOST_NAMES = 100


def output_pages(catalogue: Catalogue) -> list[Page]:
    """The page of all outputs, and further ones where they have very many values; none in older records."""
    outputs = catalogue.record.model.outputs
    if not outputs:
        return []
    runs = split([(output.name, spread) for output in outputs for spread in output.spread or ()], SPREADS)
    paths = page_paths(OUTPUTS, "outputs-{}.html", len(runs))
    pages = []
    for number, (path, run) in enumerate(zip(paths, runs, strict=True), 1):
        here = {name for name, _ in run}
        view = OutputsView(
            outputs=tuple(
                _view_output(place, output, [spread for name, spread in run if name == output.name], catalogue)
                for place, output in enumerate(outputs)
                if number == 1 or output.name in here
            ),
            total=len(outputs),
            first=number == 1,
            pages=page_links(paths),
        )
        pages.append(
            Page(
                path,
                "Outputs" if number == 1 else f"Outputs, page {number}",
                "outputs.html.jinja2",
                view,
                crumbs=(HOME,),
                parent=OUTPUTS,
                listed=number == 1,
            )
        )
    return chained(pages)


def output_anchor(place: int) -> str:
    """The id of an output on its page."""
    return f"output-{place}"


def _view_output(place: int, output: Output, spreads: Sequence[ValueSpread], catalogue: Catalogue) -> OutputView:
    names = [class_name(index, label) for index, label in enumerate(output.labels or ())]
    more = len(names) - MOST_NAMES
    return OutputView(
        output=output,
        anchor=output_anchor(place),
        title=KINDS[output.kind].phrase(output),
        facts=_facts(output),
        names=formats.listed(names[:MOST_NAMES]) + (f" and {formats.count(more)} more" if more > 0 else ""),
        values=tuple(
            SpreadView(
                spread,
                draw_spread(spread),
                _links(spread.lowest, catalogue),
                _links(spread.highest, catalogue),
            )
            for spread in spreads
        ),
    )


def _facts(output: Output) -> Facts:
    return (
        ("Read as", output.kind),
        ("Shape", formats.shape(output.shape)),
        ("Why", output.reason),
        ("Note", output.note or ""),
    )


def _links(files: Sequence[str], catalogue: Catalogue) -> tuple[ImageLink, ...]:
    return tuple(link_image(file, "", catalogue) for file in files[:ENDS])

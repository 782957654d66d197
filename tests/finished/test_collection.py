from __future__ import annotations

import hashlib
import html
import re
from pathlib import Path
from typing import Any

import pytest
from support.records import Builder, Names, hostile_record, small_record

from reportgen import record as r
from reportgen.cli import main
from reportgen.errors import ReportgenError
from reportgen.files.manifest import kind_of
from reportgen.finished.bundled_sites import bundle_folder
from reportgen.finished.collection import collect_reports
from reportgen.finished.collection_content import read_content
from reportgen.finished.rendering import write_pages
from reportgen.finished.verification import verify_report
from reportgen.record.review import ValueScore


def report(folder: Path, accuracy: float = 0.5, **tags: str) -> Path:
    """A small report with tags."""
    record = small_record(folder)
    assert record.evaluation is not None
    evaluation = record.evaluation.model_copy(update={"accuracy": accuracy})
    provenance = record.provenance.model_copy(update={"tags": tags})
    write_pages(record.model_copy(update={"evaluation": evaluation, "provenance": provenance}), folder)
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    return [report(tmp_path / f"made-{step}", 0.5 + 0.1 * step, step=str(step)) for step in (2, 10, 1)]


def slugs(site: Path) -> list[str]:
    return [entry.slug for entry in read_content(site).entries]


def test_reports_stand_in_the_order_of_their_steps(three: list[Path], tmp_path: Path) -> None:
    site = collect_reports(three, tmp_path / "site")
    assert slugs(site) == ["made-1", "made-2", "made-10"]
    assert kind_of(site) == "collection"
    assert verify_report(site) == []
    front = (site / "index.html").read_text(encoding="utf-8")
    places = [front.index(f"reports/made-{step}/index.html", front.index("<main")) for step in (10, 2, 1)]
    assert places == sorted(places)
    assert "Accuracy over the reports" in front
    assert "60.0 % at first (step 1)" in front
    assert "The same in all that have it: " in front
    assert "3 reports, the newest first." in front
    for name, digest in contents(three[0]).items():
        assert contents(site / "reports" / "made-2")[name] == digest


def test_dates_go_before_steps_and_untagged_reports_are_the_oldest(tmp_path: Path) -> None:
    reports = [
        report(tmp_path / "a", date="2026-03-01T12:00:00+02:00", step="1"),
        report(tmp_path / "b", date="2026-03-01T09:00", step="9"),
        report(tmp_path / "c", date="2025-12-31", step="50"),
        report(tmp_path / "d"),
        report(tmp_path / "e", run="other"),
    ]
    assert slugs(collect_reports(reports, tmp_path / "site")) == ["d", "e", "c", "b", "a"]


def _judged(folder: Path, output: r.EvaluationOutput, step: int) -> Path:
    record = small_record(folder)
    assert record.evaluation is not None
    none = {"images": 0, "accuracy": None, "top5_accuracy": None, "confusions": (), "outputs": (output,)}
    evaluation = record.evaluation.model_copy(update=none)
    provenance = record.provenance.model_copy(update={"tags": {"step": str(step)}})
    write_pages(record.model_copy(update={"evaluation": evaluation, "provenance": provenance}), folder)
    return folder


_SCORE = ValueScore(name="age", mae=4.0, rmse=5.0, r2=0.5, bias=0.0)


@pytest.mark.parametrize(
    ("kind", "first", "last", "words"),
    [
        ("map", {"mean_iou": 0.5}, {"mean_iou": 0.75}, "Mean IoU 0.5 at first 0.75 now"),
        ("picture", {"mae": 9.0}, {"mae": 4.5}, "Mean absolute error of pictures, of 255 9 at first 4.5 now"),
        ("multilabel", {"macro_f1": 0.25}, {"macro_f1": 0.5}, "Mean F1 of the labels 0.25 at first 0.5 now"),
        (
            "values",
            {"values": [_SCORE]},
            {"values": [_SCORE.model_copy(update={"mae": 1.5})]},
            "Mean absolute error 4 at first 1.5 now",
        ),
        (
            "values",
            {"values": [_SCORE, _SCORE.model_copy(update={"name": "height"})]},
            {"values": [_SCORE, _SCORE.model_copy(update={"name": "height", "mae": 2.0})]},
            "Mean absolute error of height 4 at first 2 now",
        ),
    ],
)
def test_what_is_not_classes_has_its_quality_over_time(
    kind: Any, first: dict[str, Any], last: dict[str, Any], words: str, tmp_path: Path
) -> None:
    outputs = [r.EvaluationOutput(output="out", kind=kind, images=2, unmatched=0, **own) for own in (first, last)]
    reports = [_judged(tmp_path / f"made-{step}", output, step) for step, output in enumerate(outputs)]
    site = collect_reports(reports, tmp_path / "site")
    front = html.unescape(re.sub(r"<[^>]+>", " ", (site / "index.html").read_text(encoding="utf-8")))
    title, start, end = re.fullmatch(r"(.*) (\S+) at first (\S+) now", words).groups()  # type: ignore[union-attr]
    assert title in front
    assert f"{start} at first (step 0), {end} now (step 1), the best so far" in front


def test_the_summary_tells_the_quality_of_what_is_not_classes(tmp_path: Path) -> None:
    output = r.EvaluationOutput(output="out", kind="map", images=2, unmatched=0, mean_iou=0.5)
    site = collect_reports([_judged(tmp_path / "made", output, 1)], tmp_path / "site")
    assert "mean IoU 0.5" in (site / "summary.md").read_text(encoding="utf-8")


def test_names_of_values_keep_their_letters(tmp_path: Path) -> None:
    scores = [_SCORE.model_copy(update={"name": name}) for name in ("Age", "pH")]
    output = r.EvaluationOutput(output="out", kind="values", images=2, unmatched=0, values=scores)
    front = (collect_reports([_judged(tmp_path / "made", output, 1)], tmp_path / "site") / "index.html").read_text(
        "utf-8"
    )
    for words in ("mean absolute error of Age", "R² of Age", "mean absolute error of pH", "R² of pH"):
        assert f"<dt>{words}</dt>" in front


def test_the_largest_numbers_are_drawn(tmp_path: Path) -> None:
    scores = [_SCORE.model_copy(update={"r2": value}) for value in (-1.7e308, 0.0, 1.7e308)]
    outputs = [r.EvaluationOutput(output="out", kind="values", images=2, unmatched=0, values=[one]) for one in scores]
    reports = [_judged(tmp_path / f"made-{step}", output, step) for step, output in enumerate(outputs)]
    front = (collect_reports(reports, tmp_path / "site") / "index.html").read_text(encoding="utf-8")
    assert not re.search(r'(d|cx|cy|points)="[^"]*(nan|inf)', front)


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({"date": "05/01/2026"}, "the tag date=05/01/2026 is not a date such as 2026-05-31"),
        ({"step": "10k"}, "the tag step=10k is not a number"),
        ({"step": "nan"}, "the tag step=nan is not a number"),
        ({"date": ""}, "the tag date= is not a date such as 2026-05-31"),
        ({"date": "2026-05-31", "step": "7", "run": "10k"}, None),
    ],
)
def test_tags_that_reports_cannot_be_ordered_by_are_told(
    tags: dict[str, str], told: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["collect", str(report(tmp_path / "made", **tags)), "-o", str(tmp_path / "site")]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(tmp_path / "site")
    assert said.err.count("\n") == (told is not None)
    assert (told or "") in said.err


def test_one_more_changes_only_what_it_must(three: list[Path], tmp_path: Path) -> None:
    site = collect_reports(three, tmp_path / "site")
    before = contents(site)
    collect_reports([report(tmp_path / "made-11", 0.9, step="11")], site)
    after = contents(site)
    changed = {name for name in after if before.get(name) != after[name]} | (before.keys() - after.keys())
    allowed = re.compile(
        r"reports/made-11/.*|changes/made-10-to-made-11/.*|index\.html|summary\.md|collection\.json|manifest\.json"
        r"|assets/search-\w+\.js"
    )
    assert [name for name in changed if not allowed.fullmatch(name)] == []
    assert "changes/made-10-to-made-11/index.html" in changed
    assert verify_report(site) == []


def test_one_in_between_takes_the_place_of_a_comparison(three: list[Path], tmp_path: Path) -> None:
    site = collect_reports(three, tmp_path / "site")
    collect_reports([report(tmp_path / "made-5", step="5")], site)
    assert sorted(path.name for path in (site / "changes").iterdir()) == [
        "made-1-to-made-2",
        "made-2-to-made-5",
        "made-5-to-made-10",
    ]
    assert verify_report(site) == []


def test_the_same_report_twice_is_one(three: list[Path], tmp_path: Path) -> None:
    site = collect_reports([*three, three[0]], tmp_path / "site")
    before = contents(site)
    collect_reports(three[1:], site)
    assert contents(site) == before


def test_reports_of_one_name_get_folders_of_their_own(tmp_path: Path) -> None:
    one, two = report(tmp_path / "x" / "report", step="1"), report(tmp_path / "y" / "report", step="2")
    assert slugs(collect_reports([one, two], tmp_path / "site")) == ["report", "report-2"]


def test_a_single_report_is_a_collection_too(tmp_path: Path) -> None:
    site = collect_reports([report(tmp_path / "one")], tmp_path / "site", title="My networks")
    assert read_content(site).title == "My networks"
    assert verify_report(site) == []
    assert "What changed" not in (site / "index.html").read_text(encoding="utf-8")


def test_names_of_a_stranger_stay_text(tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    write_pages(hostile_record(folder), folder)
    site = collect_reports([folder, report(tmp_path / "small", step="1")], tmp_path / "site")
    assert verify_report(site) == []
    front = (site / "index.html").read_text(encoding="utf-8")
    assert "<img src=x" not in front
    assert "<script>alert" not in front
    assert not re.search(r"(?<!`)<[a-z]", (site / "summary.md").read_text(encoding="utf-8").replace("`<img", ""))


def test_networks_of_different_kinds(tmp_path: Path) -> None:
    other = tmp_path / "other"
    record = Builder(
        other, Names(layers=("stem", "softmax"), images=("x.png", "y.png"), labels=("a", "b", "c"))
    ).record()
    headless = record.model_copy(
        update={
            "model": record.model.model_copy(
                update={"head": r.Head(kind="none", classes=None, labels="none", note="features")}
            ),
            "images": [image.model_copy(update={"predictions": []}) for image in record.images],
            "evaluation": None,
        }
    )
    write_pages(headless, other)
    site = collect_reports([other, report(tmp_path / "small", step="1")], tmp_path / "site")
    assert verify_report(site) == []
    assert read_content(site).comparisons[0].words[0] == "They share no image."


def test_what_is_no_report_is_refused(three: list[Path], tmp_path: Path) -> None:
    site = collect_reports(three, tmp_path / "site")
    before = contents(site)
    for wrong in (tmp_path / "none", tmp_path, site):
        with pytest.raises(ReportgenError, match="expected the folder of a report"):
            collect_reports([wrong], site)
    assert contents(site) == before
    with pytest.raises(ReportgenError, match="holds something else"):
        collect_reports(three, three[0])


def test_a_content_that_leads_elsewhere_is_refused(three: list[Path], tmp_path: Path) -> None:
    site = collect_reports(three, tmp_path / "site")
    file = site / "collection.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"slug": "made-1"', '"slug": "../../made-1"'))
    with pytest.raises(ReportgenError, match="no content of a collection"):
        collect_reports([three[0]], site)


def test_a_collection_in_one_file(three: list[Path], tmp_path: Path) -> None:
    site = collect_reports(three, tmp_path / "site")
    bundle_folder(site, tmp_path / "site.html")
    text = (tmp_path / "site.html").read_text(encoding="utf-8")
    assert "This one file holds the index of the collection; its reports and comparisons are bundled" in text
    assert "Accuracy over the reports" in text
    assert not re.search(r'(?:src|href)="(?!data:|#)', text)


def test_the_command(three: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site"
    assert main(["collect", *map(str, three), "-o", str(site)]) == 0
    assert capsys.readouterr().out == f"{site}\n"
    assert main(["verify", str(site)]) == 0


def test_many_reports_stand_on_several_pages(tmp_path: Path) -> None:
    from reportgen.finished import collection_pages
    from reportgen.finished.collection_content import Content, Entry

    entries = tuple(
        Entry(slug=f"r{place}", added=place, sha256=str(place), title="T", network="n", what="w", tags={}, counts={},
              measures=(), glimpse=None)
        for place in range(95)
    )  # fmt: skip
    collection_pages.write_index(Content(title="Many", entries=entries, comparisons=()), tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.html")) == ["index-2.html", "index-3.html", "index.html"]
    assert "reports/r94/index.html" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "reports/r0/index.html" in (tmp_path / "index-3.html").read_text(encoding="utf-8")

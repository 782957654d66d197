"""Answers that are no classes against the right ones, and classes of further outputs: judged as images are visited."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reportgen.analysis.answers import MatchedTruth
from reportgen.analysis.answers.maps import read_map
from reportgen.analysis.answers.pictures import picture_levels
from reportgen.analysis.figures_of_merit.classes import ClassAccumulator
from reportgen.analysis.figures_of_merit.maps import IGNORED, MapAccumulator
from reportgen.analysis.figures_of_merit.multilabel import MultilabelAccumulator
from reportgen.analysis.figures_of_merit.pictures import PictureAccumulator
from reportgen.analysis.figures_of_merit.values import Scatter, ValueAccumulator
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.array_files import load_array
from reportgen.errors import ReportgenError, one_line
from reportgen.picture_files import MASKS, opened_picture
from reportgen.record.review import ClassScore, EvaluationOutput, ValueScore, WorstImage
from reportgen.results import FloatArray
from reportgen.sections.review_recording import class_figures
from reportgen.sections.section import Contribution, VisitedImage, Work
from reportgen.sections.study import Study

MOST_WORST = 24

Judge = Callable[[int, VisitedImage, FloatArray], None]
Judged = tuple[Judge, Callable[[], EvaluationOutput]]


class JudgedOutputs:
    """Judges, image by image, every output with right answers but the one that the pass judges itself."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._files = [image.file for image in study.statistics.images]
        self._places = {file: place for place, file in enumerate(self._files)}
        outputs = [output for output in study.answers.outputs if output != study.review.told.judged]
        self._judged = {
            output.name: found
            for output in outputs
            if output.name in study.answers.truths
            and (found := self._judge_of(output, study.answers.truths[output.name])) is not None
        }

    @property
    def work(self) -> Work:
        """What is done while images are visited: all of them, where there is anything to judge."""
        images = self._study.images.images if self._judged else ()
        return Work(images=images, reads_answers=True, visit=self._visit)

    def results(self) -> dict[str, EvaluationOutput]:
        """The figures of each output, by name."""
        return {name: result() for name, (_, result) in self._judged.items()}

    def _visit(self, visited: VisitedImage) -> Contribution:
        for name, (judge, _) in self._judged.items():
            judge(self._places[visited.file], visited, visited.answers[name])
        return Contribution()

    def _judge_of(self, output: SettledOutput, truth: MatchedTruth) -> Judged | None:
        if not truth.is_matched:
            return None
        judges = {
            "classes": self._classes,
            "multilabel": self._labels,
            "values": self._values,
            "map": self._map,
            "picture": self._picture,
        }
        judge = judges.get(output.kind)
        return None if judge is None else judge(output, truth)

    def _classes(self, output: SettledOutput, truth: MatchedTruth) -> Judged:
        found = ClassAccumulator(output.classes, probabilities=True)

        def judge(place: int, visited: VisitedImage, answer: FloatArray) -> None:
            right = truth.classes.get(visited.file)
            if right is not None:
                scores = output.as_scores(answer.reshape(1, -1))
                scores = scores if output.is_single else output.as_probabilities(scores)
                found.add(np.array([place]), np.array([right[0]]), scores)

        return judge, lambda: class_figures(output, found.result(), self._files)

    def _labels(self, output: SettledOutput, truth: MatchedTruth) -> Judged:
        found = MultilabelAccumulator(output.classes)

        def judge(place: int, visited: VisitedImage, answer: FloatArray) -> None:
            if visited.file in truth.classes:
                carried = np.zeros((1, output.classes), np.bool_)
                carried[0, list(truth.classes[visited.file])] = True
                found.add(np.array([place]), carried, output.as_probabilities(answer.reshape(1, -1)))

        def result() -> EvaluationOutput:
            figures = found.result()
            names = _names(output)
            rows = [
                ClassScore(
                    label=names[row.index],
                    count=row.count,
                    precision=row.precision,
                    recall=row.recall,
                    f1=row.f1,
                    average_precision=row.average_precision,
                )
                for row in figures.per_label
            ]
            return EvaluationOutput(
                output=output.name,
                kind="multilabel",
                images=figures.images,
                unmatched=0,
                not_finite=figures.not_finite,
                accuracy=figures.exact,
                per_class=rows,
                macro_precision=figures.macro_precision,
                macro_recall=figures.macro_recall,
                macro_f1=figures.macro_f1,
                mean_average_precision=figures.mean_average_precision,
                without_images=tuple(names[index] for index in figures.without_images),
            )

        return judge, result

    def _values(self, output: SettledOutput, truth: MatchedTruth) -> Judged:
        found = ValueAccumulator(output.count, seed=self._study.config.seed)

        def judge(place: int, visited: VisitedImage, answer: FloatArray) -> None:
            if visited.file in truth.values:
                found.add(np.array([place]), np.array([truth.values[visited.file]]), answer.reshape(1, -1))

        def result() -> EvaluationOutput:
            figures = found.result()
            names = [output.value_name(row.index) for row in figures.per_value]
            worst = [
                WorstImage(image=self._files[one.image], score=abs(one.answer - one.truth), name=name)
                for name, row in zip(names, figures.per_value, strict=True)
                for one in row.worst
            ]
            return EvaluationOutput(
                output=output.name,
                kind="values",
                images=figures.images,
                unmatched=0,
                not_finite=figures.not_finite,
                values=[
                    ValueScore(name=name, mae=row.mae, rmse=row.rmse, r2=row.r2, bias=row.bias)
                    for name, row in zip(names, figures.per_value, strict=True)
                ],
                scatter=_scatter(figures.scatter) if output.count == 1 else (),
                worst=tuple(worst[:MOST_WORST]),
            )

        return judge, result

    def _map(self, output: SettledOutput, truth: MatchedTruth) -> Judged:
        single = output.classes == 1
        found = MapAccumulator(2 if single else output.classes)
        names = ["background", *_names(output)] if single else _names(output)

        def judge(place: int, visited: VisitedImage, answer: FloatArray) -> None:
            path = truth.files.get(visited.file)
            if path is not None:
                read = read_map(answer, output)
                # Where no class of several sigmoids stands out, the first is the nearest to it.
                predicted = read.indices + 1 if single else np.maximum(read.indices, 0)
                mask, answered = self._on_mask(read_mask(path), predicted, visited)
                found.add(place, mask, answered)

        def result() -> EvaluationOutput:
            figures = found.result()
            answers = figures.answers
            order = np.argsort(answers.mean_iou, kind="stable")[:MOST_WORST]
            return EvaluationOutput(
                output=output.name,
                kind="map",
                images=figures.images,
                unmatched=0,
                mean_iou=figures.mean_iou,
                pixel_accuracy=figures.pixel_accuracy,
                baseline=figures.baseline,
                per_class=[
                    ClassScore(
                        label=names[row.index],
                        count=row.images,
                        precision=row.precision,
                        recall=row.recall,
                        f1=row.dice,
                        iou=row.iou,
                    )
                    for row in figures.per_class
                ],
                confusion=[(names[one.truth], names[one.predicted], one.count) for one in figures.confusion],
                without_images=tuple(names[index] for index in figures.without_images),
                worst=tuple(
                    WorstImage(image=self._files[answers.image[row]], score=float(answers.mean_iou[row]))
                    for row in order.tolist()
                ),
            )

        return judge, result

    def _on_mask(
        self, mask: NDArray[np.int64], predicted: NDArray[np.int64], visited: VisitedImage
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The mask, ignored where the network did not see, and the class answered at each of its pixels."""
        placed, size = visited.placement, self._study.fitting.size
        rows = (np.arange(mask.shape[0]) + 0.5) * visited.image.height / mask.shape[0] * placed.scale_y + placed.top
        columns = (np.arange(mask.shape[1]) + 0.5) * visited.image.width / mask.shape[1] * placed.scale_x + placed.left
        y = np.floor(rows * predicted.shape[0] / size[0]).astype(np.int64)
        x = np.floor(columns * predicted.shape[1] / size[1]).astype(np.int64)
        seen = ((y >= 0) & (y < predicted.shape[0]))[:, np.newaxis] & ((x >= 0) & (x < predicted.shape[1]))
        answered = predicted[np.clip(y, 0, len(predicted) - 1)[:, np.newaxis], np.clip(x, 0, predicted.shape[1] - 1)]
        return np.where(seen, mask, IGNORED), answered

    def _picture(self, output: SettledOutput, truth: MatchedTruth) -> Judged:
        found = PictureAccumulator()

        def judge(place: int, visited: VisitedImage, answer: FloatArray) -> None:
            levels = picture_levels(answer, output)
            if truth.given.form == "input":
                wanted = np.asarray(self._study.network.to_pictures(np.asarray(visited.pixels, np.float32)), np.float64)
            elif visited.file in truth.files:
                wanted = read_picture(truth.files[visited.file], (levels.shape[0], levels.shape[1]), levels.shape[2])
            else:
                return
            if wanted.shape == levels.shape:
                found.add(place, wanted, levels)

        def result() -> EvaluationOutput:
            figures = found.result()
            answers = figures.answers
            order = np.argsort(-answers.mae, kind="stable")[:MOST_WORST]
            return EvaluationOutput(
                output=output.name,
                kind="picture",
                images=figures.images,
                unmatched=0,
                not_finite=figures.not_finite,
                mae=figures.mae,
                psnr=figures.psnr,
                ssim=figures.ssim,
                worst=tuple(
                    WorstImage(image=self._files[answers.image[row]], score=float(answers.mae[row]))
                    for row in order.tolist()
                ),
            )

        return judge, result


def _scatter(found: Scatter) -> tuple[tuple[float, float], ...]:
    """Right value and answer of each image of the sample."""
    return tuple(zip(found.truth[:, 0].tolist(), found.answer[:, 0].tolist(), strict=True))


def _names(output: SettledOutput) -> list[str]:
    return [output.label(index) or str(index) for index in range(output.classes)]


def read_mask(path: Path, option: str = "--truth") -> NDArray[np.int64]:
    """The class of each pixel, `(height, width)`: of a grey or palette picture its numbers, of an array its values.

    Args:
        path: the file.
        option: what named its folder.

    Raises:
        ReportgenError: the file cannot be read.
    """
    try:
        if path.suffix.lower() == ".npy":
            values = load_array(path)
            if values.dtype.kind not in "biuf" or values.ndim not in (2, 3) or not np.isfinite(values).all():
                raise ValueError(f"it is of {values.dtype} and shape {values.shape}")
            with np.errstate(invalid="ignore"):  # numbers beyond those of classes are of none
                return values.astype(np.int64).reshape(values.shape[:2])
        with opened_picture(path, MASKS) as picture:
            grey = picture if picture.mode in ("P", "L", "1", "I", "I;16") else picture.convert("L")
            return np.asarray(grey).astype(np.int64)
    except (OSError, ValueError) as error:
        raise ReportgenError(
            f"{option}: expected a mask of class indices, cannot read {path.name}: {_why(error)}"
        ) from error


def read_picture(path: Path, size: tuple[int, int], channels: int) -> NDArray[np.float64]:
    """A right picture on 0..255, `(*size, channels)`.

    Raises:
        ReportgenError: the file cannot be read.
    """
    try:
        with opened_picture(path, MASKS) as picture:
            shown = picture.convert("L" if channels == 1 else "RGB")
            if shown.size != (size[1], size[0]):
                shown = shown.resize((size[1], size[0]), Image.Resampling.BILINEAR)
            return np.asarray(shown, np.float64).reshape(*size, -1)
    except (OSError, ValueError) as error:
        raise ReportgenError(f"--truth: expected a picture, cannot read {path.name}: {_why(error)}") from error


def _why(error: OSError | ValueError) -> str:
    return one_line(getattr(error, "strerror", None) or error, 100)

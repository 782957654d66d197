"""From what was measured of the network's answers to the record: outputs, and the answers to each image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reportgen import record
from reportgen.analysis.answers.coordinates import boxes_of, points_of
from reportgen.analysis.answers.embeddings import nearest
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.facts import Output, Prediction, ValueSpread
from reportgen.formats import finite
from reportgen.sections.study import Study

SPREAD_BINS = 20
EXTREME_IMAGES = 3  # shown with the lowest and with the highest values

# Outputs of more values have their spread told of the first ones only; answers to images that have no page are told
# of outputs of few values.
MOST_SPREADS = 256
FEW_VALUES = 16


class MeasuredAnswers:
    """The answers to all images, from what the pass over them kept."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._shown = {image.file for image in study.shown}
        self._images = {image.file: (place, image) for place, image in enumerate(study.statistics.images)}
        self._makers: Mapping[str, Callable[[SettledOutput, str], record.Answer | None]] = {
            "classes": self._classes,
            "multilabel": self._labels,
            "values": self._values,
            "embedding": self._embedding,
            "points": self._coordinates,
            "boxes": self._coordinates,
            "other": self._other,
        }

    def of(self, file: str, drawn: tuple[record.Answer, ...]) -> tuple[record.Answer, ...]:
        """The answers to an image, output by output; `drawn` are those that are pictures, where there are any."""
        by_output = {answer.output: answer for answer in drawn}
        answers = []
        for output in self.study.answers.outputs:
            make = self._makers.get(output.kind)
            told = file in self._shown or output.kind in ("classes", "other") or output.count <= FEW_VALUES
            answer = by_output.get(output.name) or (make(output, file) if make is not None and told else None)
            if answer is not None:
                answers.append(answer)
        return tuple(answers)

    def _kept(self, output: SettledOutput, file: str) -> NDArray[np.float32] | None:
        row = self.study.statistics.answer_rows.get(self._images[file][0])
        return None if row is None else self.study.statistics.kept_answers(output)[row]

    def _classes(self, output: SettledOutput, file: str) -> record.Answer:
        best = self.study.statistics.predictions(self._images[file][0], output)
        return record.ClassesAnswer(output=output.name, kind="classes", predictions=list(best))

    def _labels(self, output: SettledOutput, file: str) -> record.Answer | None:
        """Every label, the strongest first."""
        kept = self._kept(output, file)
        if kept is None:
            return None
        scores = output.as_probabilities(kept)
        order = np.argsort(-np.where(np.isfinite(scores), scores, -np.inf), kind="stable")
        predictions = [
            Prediction(index=int(index), label=output.label(int(index)), score=float(scores[index]))
            for index in order
            if np.isfinite(scores[index])
        ]
        return record.ClassesAnswer(output=output.name, kind="multilabel", predictions=predictions)

    @cached_property
    def _sorted(self) -> dict[str, list[NDArray[np.float32]]]:
        """The finite values of each place of each output of values, in order."""
        return {
            output.name: [
                np.sort(column[np.isfinite(column)]) for column in self.study.statistics.kept_answers(output).T
            ]
            for output in self.study.answers.outputs
            if output.kind == "values"
        }

    def _values(self, output: SettledOutput, file: str) -> record.Answer | None:
        kept = self._kept(output, file)
        if kept is None:
            return None
        values, truth = [], self.study.answers.truths.get(output.name)
        right = None if truth is None else truth.values.get(file)
        for index, value in enumerate(kept.tolist()):
            others = self._sorted[output.name][index]
            is_number = np.isfinite(value) and len(others)
            place = float(np.searchsorted(others, np.float32(value), "left")) / len(others) if is_number else None
            name = output.value_name(index)
            exact = None if right is None else finite(right[index])
            values.append(record.Value(index=index, name=name, value=finite(value), place=place, truth=exact))
        return record.ValuesAnswer(output=output.name, kind="values", values=values)

    @cached_property
    def _nearest(self) -> dict[str, dict[int, tuple[tuple[int, float], ...]]]:
        """The nearest other images of each image told of, by output."""
        statistics, found = self.study.statistics, {}
        for output in self.study.answers.outputs:
            if output.kind == "embedding":
                places, vectors = statistics.kept_vectors(output)
                wanted = [place for file, (place, _) in self._images.items() if file in self._shown]
                found[output.name] = nearest(vectors, places, wanted)
        return found

    def _embedding(self, output: SettledOutput, file: str) -> record.Answer | None:
        found = self._nearest[output.name].get(self._images[file][0])
        if found is None:
            return None
        images = self.study.statistics.images
        likenesses = [record.Likeness(image=images[place].file, cosine=cosine) for place, cosine in found]
        return record.EmbeddingAnswer(output=output.name, kind="embedding", nearest=likenesses)

    def _coordinates(self, output: SettledOutput, file: str) -> record.Answer | None:
        kept = self._kept(output, file)
        if kept is None or not np.isfinite(kept).all():
            return None
        image, size = self._images[file][1], self.study.network.size
        placement = self.study.fitting.place(image.height, image.width)
        is_points = output.kind == "points"
        return record.PointsAnswer(
            output=output.name,
            kind="points" if is_points else "boxes",
            points=points_of(kept, output, size, placement) if is_points else [],
            boxes=[] if is_points else boxes_of(kept, output, size, placement),
        )

    def _other(self, output: SettledOutput, file: str) -> record.Answer | None:
        kept = self._kept(output, file)
        if kept is None:
            return None
        low, high, mean, std = (finite(value) for value in kept.tolist())
        return record.OtherAnswer(output=output.name, kind="other", min=low, max=high, mean=mean, std=std)


def record_outputs(study: Study) -> list[Output]:
    """Every output, those of values with the values over all images."""
    return [
        output.described().model_copy(update={"spread": _spreads(study, output)})
        if output.kind == "values"
        else output.described()
        for output in study.answers.outputs
    ]


def _spreads(study: Study, output: SettledOutput) -> list[ValueSpread]:
    kept, answers = study.statistics.kept_answers(output), study.statistics.measured.answers
    files = [study.statistics.images[int(place)].file for place in answers.index]
    return [_spread(kept[:, index], index, output, files) for index in range(min(output.count, MOST_SPREADS))]


def _spread(column: NDArray[np.float32], index: int, output: SettledOutput, files: list[str]) -> ValueSpread:
    there = np.flatnonzero(np.isfinite(column))
    values = column[there].astype(np.float64)
    order = there[np.argsort(values, kind="stable")].tolist()
    varies = bool(values.size) and values.min() < values.max()
    counts, edges = np.histogram(values, SPREAD_BINS) if varies else (np.zeros(0, np.int64), np.zeros(0))
    return ValueSpread(
        index=index,
        name=output.value_name(index),
        min=float(values.min()) if values.size else None,
        max=float(values.max()) if values.size else None,
        mean=float(values.mean()) if values.size else None,
        std=float(values.std()) if values.size else None,
        edges=edges.tolist(),
        counts=counts.tolist(),
        lowest=[files[row] for row in order[:EXTREME_IMAGES]],
        highest=[files[row] for row in order[::-1][:EXTREME_IMAGES]],
    )

"""Masks of the objects in the images, by which evidence outside of them is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.answers.truth import read_truth
from reportgen.analysis.attribution.objects import object_of
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.right_pictures import read_mask
from reportgen.errors import ReportgenError
from reportgen.sections.study import Study

_OPTION = "[attribution] masks"


@dataclass(frozen=True)
class ObjectMasks:
    """The file with the mask of each image.

    `given` are masks of whatever the images show; `of_outputs` the right masks of each output of kind map.
    """

    given: Mapping[str, Path]
    of_outputs: Mapping[str, Mapping[str, Path]]

    def find(self, file: str, output: SettledOutput, index: int | None) -> NDArray[np.bool_] | None:
        """Where in an image that is which an answer of `output` speaks of, `(height, width)`; None without a mask.

        Args:
            index: the class that is explained.

        Raises:
            ReportgenError: the mask cannot be read.
        """
        if file in self.given:
            return object_of(read_mask(self.given[file], _OPTION))
        own = self.of_outputs.get(output.name)
        if own is not None and index is not None and file in own:
            return object_of(read_mask(own[file]), index + (output.classes == 1))
        if output.kind == "map":
            return None
        # Of another answer the masks tell what is there and what is background.
        masks = next((masks[file] for masks in self.of_outputs.values() if file in masks), None)
        return None if masks is None else object_of(read_mask(masks))


def find_masks(study: Study) -> ObjectMasks:
    """The masks that were given.

    Raises:
        ReportgenError: the folder of masks is none, or has no mask called as an image.
    """
    folder = study.config.attribution_parameters.masks
    files = [image.file for image in study.images]
    given: Mapping[str, Path] = {}
    if folder is not None:
        given = read_truth(str(folder), files).files if folder.is_dir() else {}
        if not given:
            what = "one with none" if folder.is_dir() else "what is no folder"
            raise ReportgenError(
                f"{_OPTION}: expected a folder with a mask called as each image, got {what}: {folder}; name the masks "
                "like the images"
            )
    truths = study.answers.truths
    maps = [output.name for output in study.answers.outputs if output.kind == "map" and output.name in truths]
    return ObjectMasks(given, {name: truths[name].files for name in maps})

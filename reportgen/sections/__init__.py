"""The sections of a report, in reading order. A section is a file here and a line in `SECTIONS`."""

from __future__ import annotations

from reportgen.sections.activation_maximization import ACTIVATION_MAXIMIZATION
from reportgen.sections.attribution import ATTRIBUTION
from reportgen.sections.channels import CHANNELS
from reportgen.sections.deep_dream import DEEP_DREAM
from reportgen.sections.feature_maps import FEATURE_MAPS
from reportgen.sections.features import FEATURES
from reportgen.sections.filters import FILTERS
from reportgen.sections.images_quality import IMAGES_QUALITY
from reportgen.sections.layers import LAYERS
from reportgen.sections.overview import OVERVIEW
from reportgen.sections.predictions import PREDICTIONS
from reportgen.sections.robustness import ROBUSTNESS
from reportgen.sections.section import Section

SECTIONS: tuple[Section, ...] = (
    OVERVIEW,
    ATTRIBUTION,
    LAYERS,
    FILTERS,
    FEATURE_MAPS,
    FEATURES,
    ACTIVATION_MAXIMIZATION,
    DEEP_DREAM,
    PREDICTIONS,
    ROBUSTNESS,
    IMAGES_QUALITY,
    CHANNELS,
)

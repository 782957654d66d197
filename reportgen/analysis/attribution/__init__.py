"""Why a network answered as it did: maps of what in an image speaks for a target, and how far to believe them."""

from reportgen.analysis.attribution.attention import attention_rollout
from reportgen.analysis.attribution.cams import grad_cam, layer_cam
from reportgen.analysis.attribution.checks import agreement, spearman, verdict
from reportgen.analysis.attribution.curves import check_faithfulness
from reportgen.analysis.attribution.integrated_gradients import BLACK, MID_GREY, POINTS, integrated_gradients
from reportgen.analysis.attribution.layers import cam_layers
from reportgen.analysis.attribution.occlusion import occlusion
from reportgen.analysis.attribution.randomization import measure_randomization, randomize
from reportgen.analysis.attribution.results import (
    AttributionMaps,
    Curve,
    Faithfulness,
    Method,
    Randomization,
    Verdict,
)
from reportgen.analysis.attribution.targets import (
    Target,
    class_logit,
    likeness,
    logit_difference,
    output_value,
    region_logit,
    values_sum,
)
from reportgen.analysis.attribution.tracing import TracedCall, answer_images, score_images

__all__ = [
    "BLACK",
    "MID_GREY",
    "POINTS",
    "AttributionMaps",
    "Curve",
    "Faithfulness",
    "Method",
    "Randomization",
    "Target",
    "TracedCall",
    "Verdict",
    "agreement",
    "answer_images",
    "attention_rollout",
    "cam_layers",
    "check_faithfulness",
    "class_logit",
    "grad_cam",
    "integrated_gradients",
    "layer_cam",
    "likeness",
    "logit_difference",
    "measure_randomization",
    "occlusion",
    "output_value",
    "randomize",
    "region_logit",
    "score_images",
    "spearman",
    "values_sum",
    "verdict",
]

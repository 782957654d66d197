"""Load a Keras model; own its preprocessing, labels and input size."""

from reportgen.models.latent import latent_vectors
from reportgen.models.loading import load_network
from reportgen.models.network import NO_OTHERS, Network, Others, model_digest
from reportgen.models.preprocessing import MODES, RGB_MODES, MeasuredInput, Preprocessing, make_preprocessing

__all__ = [
    "MODES",
    "MeasuredInput",
    "NO_OTHERS",
    "Network",
    "Others",
    "Preprocessing",
    "RGB_MODES",
    "latent_vectors",
    "load_network",
    "make_preprocessing",
    "model_digest",
]

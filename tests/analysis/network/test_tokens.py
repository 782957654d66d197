from __future__ import annotations

import numpy as np
import tensorflow as tf
from support import zoo

from reportgen.analysis.network.capture import Extractor
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.tokens import fold_tokens


def test_tokens_fold_back_into_the_map_they_came_from() -> None:
    network = zoo.open_zoo("vision_transformer")
    summary = summarize_network(network)
    outputs = Extractor(network, ["patches", "row", "class_token"])(zoo.pictures(network))
    grid = summary.layer("row").token_grid
    assert grid == (4, 4, 0)
    np.testing.assert_array_equal(fold_tokens(outputs["row"], grid), outputs["patches"])
    with_class = summary.layer("class_token").token_grid
    assert with_class == (4, 4, 1)
    assert fold_tokens(outputs["class_token"], with_class).shape == (2, 4, 4, 8)
    tokens = tf.constant(outputs["class_token"])
    np.testing.assert_array_equal(fold_tokens(tokens, with_class), fold_tokens(tokens.numpy(), with_class))

"""Images for networks that rules look at."""

from __future__ import annotations

import numpy as np
import pytest
from support.images import random_images


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return random_images(12, 16, 16)

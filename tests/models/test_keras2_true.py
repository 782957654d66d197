"""Files that Keras 2 itself wrote, in an environment of its own, answer here as they did there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reportgen.cli import main
from reportgen.config import Config
from reportgen.models import load_network

# Written and run by Keras 2: networks, images and their answers, all from fixed seeds.
WRITER = """
import sys
from pathlib import Path
import numpy as np
import tensorflow as tf

keras, layers, folder = tf.keras, tf.keras.layers, Path(sys.argv[1])

def keep(name, model, side):
    rng = np.random.default_rng(1)
    for weight in model.weights:
        values = np.asarray(weight)
        if not values.any() or (values == 1).all():  # what was not drawn: biases, moments
            weight.assign((values + rng.uniform(0, 0.2, values.shape)).astype(values.dtype))
    pixels = rng.integers(0, 256, (3, side, side, 3)).astype("float32")
    np.savez(folder / f"{name}.npz", pixels=pixels, answers=model.predict(pixels / 255, verbose=0))
    model.save(folder / f"{name}.h5")
    model.save(folder / f"{name}.keras")

for name, side in (("MobileNet", 64), ("EfficientNetB0", 64), ("Xception", 75)):
    tf.keras.utils.set_random_seed(3)
    keep(name, getattr(keras.applications, name)(weights=None, classes=10, input_shape=(side, side, 3)), side)

tf.keras.utils.set_random_seed(3)
keep("augmented", keras.Sequential([
    layers.RandomFlip(input_shape=(32, 32, 3)), layers.RandomRotation(0.1), layers.Rescaling(2.0, offset=-1),
    layers.SeparableConv2D(8, 3, activation="relu"), layers.BatchNormalization(), layers.LeakyReLU(),
    layers.GlobalAveragePooling2D(), layers.Dense(4, activation="softmax"),
]), 32)

image = keras.Input((64, 64, 3))
base = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(64, 64, 3))
base.trainable = False
for layer in base.layers[50:]:
    layer.trainable = True
x = base(image / 0.5 - 1, training=False)
x = tf.concat([tf.reduce_mean(x, axis=[1, 2]), tf.reduce_max(tf.nn.relu(tf.image.resize(x, (4, 4))), axis=[1, 2])], 1)
keep("transfer", keras.Model(image, layers.Dense(3, activation="softmax")(x)), 64)
"""

NAMES = ("MobileNet", "EfficientNetB0", "Xception", "augmented", "transfer")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files of Keras 2, made in an environment that is thrown away with it."""
    folder = tmp_path_factory.mktemp("keras2")
    python = folder / "env" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    packages = ["tensorflow-cpu==2.15.*", "numpy<2", "setuptools<81"]
    install = [python, "-m", "pip", "install", "--quiet", *packages]
    installed = subprocess.run(install, check=False, capture_output=True, text=True)
    if installed.returncode != 0:
        pytest.skip(f"TensorFlow 2.15 cannot be installed: {installed.stderr.strip().splitlines()[-1]}")
    (folder / "write.py").write_text(WRITER)
    subprocess.run([python, folder / "write.py", folder], check=True, capture_output=True)
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("name", NAMES)
def test_true_files_answer_as_they_did(written, name, suffix, capsys):
    path = written / f"{name}{suffix}"
    network = load_network(Config(model=str(path), preprocess="unit"))
    known = np.load(written / f"{name}.npz")
    answers = np.asarray(network.model(network.feed(network.prepare(known["pixels"])), training=False))
    assert known["answers"].std() > 1e-4
    np.testing.assert_allclose(answers, known["answers"], rtol=1e-4, atol=1e-6)
    assert main(["layers", str(path)]) == 0
    assert "Conv2D" in capsys.readouterr().out

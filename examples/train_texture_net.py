"""Train the demo's network: a small convolutional network that names fourteen drawn textures.

    python examples/train_texture_net.py [DIRECTORY]

Writes `texture_net.keras`, `labels.txt` and `MODEL_CARD.md` into the directory (by default
`examples/demo`). Takes a few minutes on two cores and downloads nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from textures import LABELS, Picture, draw_set

SIZE = 64
SEED = 7
TRAINING_SEED, CHECK_SEED, HELD_OUT_SEED = 1, 2, 3
TRAINING_COUNT, CHECK_COUNT, HELD_OUT_COUNT = 1000 * len(LABELS), 50 * len(LABELS), 300 * len(LABELS)
EPOCHS = 8
BATCH = 64
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2  # smooths the filters of the first layer, which are shown in the report

CARD = """\
# Model card: texture_net

A convolutional network that names {classes} kinds of drawn texture. It is the network of `reportgen demo`: small
enough to travel with the program, and trained on pictures whose every detail is known, so that a reader of the
report can judge what the report says.

| | |
|---|---|
| File | `texture_net.keras`, Keras 3, {parameters:,} parameters, float32 |
| Input | {size}x{size} RGB, 0..255; the network rescales to -1..1 itself |
| Output | softmax over {classes} classes, named in `labels.txt` |
| Layers | {convolutions} convolutions with ReLU in four blocks, max pooling, global average pooling, one dense layer |
| Held-out accuracy | **{accuracy:.2%}** on {held_out:,} pictures never used for training or any choice |
| Licence | Apache-2.0, like the program |

## How it was made

`examples/train_texture_net.py` draws all pictures with `examples/textures.py`; there is no other data. Training:
{training:,} pictures (seed {training_seed}), {epochs} epochs, AdamW from a learning rate of {learning_rate} down a
cosine to zero, weight decay {weight_decay}, batches of {batch}. In each epoch every picture gets its colour channels
in a random order and is inverted or not. A second set of {check:,} pictures (seed {check_seed}) was watched during
training; the held-out set (seed {held_out_seed}) gave the figures below. Initial weights and shuffling: seed {seed}.
Made with Keras {keras_version} and TensorFlow {tensorflow_version}; other versions or processors may give slightly
different weights.

## What it gets wrong

Accuracy by class on the held-out pictures, worst first:

| class | accuracy | most often taken for |
|---|---:|---|
{rows}

## What it is not

It has never seen a photograph, and answers one of its {classes} textures for any picture. Pictures in which two
textures meet or overlay have no right answer; three of the demo's example images are such mixtures, on purpose.
"""


def build_network() -> keras.Model:
    """The untrained network: `(batch, 64, 64, 3)` of 0..255 to `(batch, classes)` probabilities."""
    pixels = keras.Input((SIZE, SIZE, 3), name="pixels")
    maps = keras.layers.Rescaling(1 / 127.5, offset=-1, name="rescaling")(pixels)
    for block, (filters, sides) in enumerate([(16, [5]), (24, [3, 3]), (40, [3, 3]), (64, [3, 3])], start=1):
        for index, side in enumerate(sides, start=1):
            name = f"block{block}_conv{index}"
            convolution = keras.layers.Conv2D(
                filters, side, padding="same", activation="relu", kernel_initializer="he_normal", name=name
            )
            maps = convolution(maps)
        if block < 4:
            maps = keras.layers.MaxPooling2D(name=f"block{block}_pool")(maps)
    features = keras.layers.GlobalAveragePooling2D(name="features")(maps)
    answer = keras.layers.Dense(len(LABELS), activation="softmax", name="predictions")(features)
    return keras.Model(pixels, answer, name="texture_net")


def recolour(pixels: Picture, rng: np.random.Generator) -> Picture:
    """The same pictures, each with its colour channels in a random order and inverted or not."""
    order = rng.permuted(np.tile(np.arange(3), (len(pixels), 1)), axis=1)
    turned = np.take_along_axis(pixels, order[:, None, None, :], axis=3)
    inverted = rng.integers(2, size=(len(pixels), 1, 1, 1)).astype(bool)
    return np.where(inverted, 255 - turned, turned)


def train() -> keras.Model:
    """Train the network; prints one line an epoch."""
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    pixels, labels = draw_set(TRAINING_COUNT, SIZE, TRAINING_SEED)
    check = draw_set(CHECK_COUNT, SIZE, CHECK_SEED)
    network = build_network()
    steps = EPOCHS * -(-TRAINING_COUNT // BATCH)
    network.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps), weight_decay=WEIGHT_DECAY
        ),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    rng = np.random.default_rng(SEED)
    for epoch in range(EPOCHS):
        history = network.fit(recolour(pixels, rng), labels, batch_size=BATCH, verbose=0)
        checked = network.evaluate(*check, batch_size=256, verbose=0, return_dict=True)["accuracy"]
        seen = history.history["accuracy"][0]
        print(f"epoch {epoch + 1}/{EPOCHS}: accuracy {seen:.4f}, on the check set {checked:.4f}", flush=True)
    return network


def without_optimizer(network: keras.Model) -> keras.Model:
    """The same network, never compiled, so that its file holds weights only."""
    bare = build_network()
    bare.set_weights(network.get_weights())
    return bare


def confusion(network: keras.Model) -> NDArray[np.int64]:
    """Counts on the held-out pictures, `(true class, answered class)`."""
    pixels, labels = draw_set(HELD_OUT_COUNT, SIZE, HELD_OUT_SEED)
    answers = network.predict(pixels, batch_size=256, verbose=0).argmax(axis=1)
    counts = np.zeros((len(LABELS), len(LABELS)), np.int64)
    np.add.at(counts, (labels, answers), 1)
    return counts


def card_rows(counts: NDArray[np.int64]) -> str:
    """The lines of the card's table, worst class first."""
    accuracy = counts.diagonal() / counts.sum(axis=1)
    wrong = counts - np.diag(counts.diagonal())
    rows = []
    for index in np.argsort(accuracy, kind="stable"):
        most = int(wrong[index].argmax())
        taken_for = f"{LABELS[most]} ({wrong[index, most]} of {counts[index].sum()})" if wrong[index].any() else "none"
        rows.append(f"| {LABELS[index]} | {accuracy[index]:.1%} | {taken_for} |")
    return "\n".join(rows)


def model_card(network: keras.Model, counts: NDArray[np.int64]) -> str:
    """What a reader must know of the network before believing it, as Markdown."""
    return CARD.format(
        classes=len(LABELS),
        parameters=network.count_params(),
        size=SIZE,
        convolutions=sum(isinstance(layer, keras.layers.Conv2D) for layer in network.layers),
        accuracy=counts.diagonal().sum() / counts.sum(),
        held_out=HELD_OUT_COUNT,
        training=TRAINING_COUNT,
        training_seed=TRAINING_SEED,
        epochs=EPOCHS,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        batch=BATCH,
        check=CHECK_COUNT,
        check_seed=CHECK_SEED,
        held_out_seed=HELD_OUT_SEED,
        seed=SEED,
        keras_version=keras.version(),
        tensorflow_version=tf.__version__,
        rows=card_rows(counts),
    )


def main() -> None:
    """Train, measure and write."""
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "demo"
    directory.mkdir(parents=True, exist_ok=True)
    network = without_optimizer(train())
    network.save(directory / "texture_net.keras")
    (directory / "labels.txt").write_text("\n".join(LABELS) + "\n", encoding="utf-8")
    card = model_card(network, confusion(network))
    (directory / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    print(card)


if __name__ == "__main__":
    main()

"""The block `kinds`: where kinds of sounds, kinds of pictures and texts meet.

In the space of the texts, names of sounds lie near each other and names of things do, and some are near to everything.
Here the similarities of the two sets of labels are sharpened and centred, and each label stands where the products
come nearest to that. A text stands where its products with the labels are its own sharpened similarities to them.
No training, and no pairs. The figures behind the choices are in ../README.md.
"""

from dataclasses import replace

import numpy as np

from .concepts import Concepts, Embed
from .parts import Synset
from .tower import unit

NAME = "kinds"
DIMENSION = 256
# Divides the similarities of labels before the exponential.
SHARPNESS = 0.15
PICTURE_TEMPERATURE = 2.0
PICTURE_TOP = 100
# Divides the similarities of a text to the labels.
TEXT_TEMPERATURE = 0.07
# Keeps a text off the directions in which labels hardly differ, as a part of their mean strength.
RIDGE = 0.1


def heads(
    embed: Embed, sound: Concepts, picture: Concepts, sounds: list[str], things: list[Synset]
) -> dict[str, Concepts]:
    """The block's heads: for sounds and pictures those of `concepts` with other labels, and one for texts."""
    names_of_sounds, names_of_things = sound_labels(embed, sounds), thing_labels(embed, things)
    heard, seen = meet(names_of_sounds, names_of_things, DIMENSION)
    names = np.concatenate([names_of_sounds, names_of_things])
    return {
        "text": text_head(names, np.concatenate([duals(heard), duals(seen)])),
        "visual": replace(picture, labels=seen, temperature=PICTURE_TEMPERATURE, top=PICTURE_TOP),
        "audio": replace(sound, labels=heard),
    }


def text_head(names: np.ndarray, labels: np.ndarray) -> Concepts:
    """A softmax over how similar a text is to each of `names`, weighing `labels`."""
    count, features = names.shape
    # The normalisation makes pooled features unit vectors, whatever their length.
    return Concepts(
        weight=names,
        bias=np.zeros(count),
        labels=labels,
        activation="softmax",
        temperature=TEXT_TEMPERATURE,
        top=count,
        norm_weight=np.full(features, features**-0.5),
        norm_bias=np.zeros(features),
    )


def duals(labels: np.ndarray, ridge: float = RIDGE) -> np.ndarray:
    """Vectors whose sum, weighed by similarities to `labels`, has products with these like the similarities.

    Their mean length is one, so that both kinds of labels count the same for a text.
    """
    strength = labels.T @ labels
    kept_off = ridge * np.trace(strength) / len(strength)
    found = labels @ np.linalg.inv(strength + kept_off * np.eye(len(strength)))
    return found / np.linalg.norm(found, axis=1).mean()


def sound_labels(embed: Embed, names: list[str]) -> np.ndarray:
    """One unit vector for each class of sounds: between its name and what one calls its sound."""
    return unit(embed(names) + embed([f"the sound of {name.lower()}" for name in names]))


def thing_labels(embed: Embed, things: list[Synset]) -> np.ndarray:
    """One unit vector for each class of pictures: its first name, explained, as sounds come from what a thing is."""
    return embed([f"{thing.names[0]}, {thing.gloss}" for thing in things])


def meet(sounds: np.ndarray, things: np.ndarray, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels of both kinds in `dimension` components, whose products are the sharpened similarities, centred.

    Without the means of rows and columns no label is nearer to all of the others than any.
    """
    sharp = np.exp(centred(sounds) @ centred(things).T / SHARPNESS)
    sharp = sharp - sharp.mean(axis=0) - sharp.mean(axis=1, keepdims=True) + sharp.mean()
    left, values, right = np.linalg.svd(sharp, full_matrices=False)
    # The sign of a singular vector is free; this one does not depend on the library.
    signs = np.sign(left[np.abs(left).argmax(axis=0), np.arange(left.shape[1])])
    root = signs * np.sqrt(values)
    return (left * root)[:, :dimension], (right.T * root)[:, :dimension]


def centred(labels: np.ndarray) -> np.ndarray:
    """Unit vectors around the mean of these."""
    return unit(labels - labels.mean(axis=0))

"""The block `kinds`: where kinds of sounds meet kinds of pictures.

In the space of the texts, names of sounds lie near each other and names of things do, and some are near to everything.
Here the similarities of the two sets of labels are sharpened and centred, and each label stands where the products
come nearest to that: no training, and no pairs. The figures behind the choices are in ../README.md.
"""

from dataclasses import replace

import numpy as np

from .concepts import Concepts, Embed
from .parts import Synset
from .tower import unit

NAME = "kinds"
DIMENSION = 128
# Divides the similarities of labels before the exponential.
SHARPNESS = 0.15
PICTURE_TEMPERATURE = 2.0
PICTURE_TOP = 100


def heads(embed: Embed, sound: Concepts, picture: Concepts, sounds: list[str], things: list[Synset]) -> tuple:
    """The block's heads for sounds and for pictures: those of `concepts` with other labels."""
    heard, seen = meet(sound_labels(embed, sounds), thing_labels(embed, things), DIMENSION)
    picture = replace(picture, labels=seen, temperature=PICTURE_TEMPERATURE, top=PICTURE_TOP)
    return replace(sound, labels=heard), picture


def silent_head(features: int) -> Concepts:
    """The head of a tower that has no part in the block: it gives zeros."""
    return Concepts(
        np.zeros((1, features)), np.zeros(1), np.zeros((1, DIMENSION)), activation="sigmoid", temperature=1.0, top=1
    )


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

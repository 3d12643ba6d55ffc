"""The spectrogram that Whisper listens to, as constants of a graph: 80 bands of mel, windows of 25 ms every 10 ms."""

import numpy as np

SAMPLE_RATE = 16_000
WINDOW = 400
HOP = 160
BANDS = 80
FREQUENCIES = WINDOW // 2 + 1

# Slaney's scale: linear up to 1 kHz, then 27 steps for each factor of 6.4.
LINEAR = 200 / 3
KNEE = 1000.0
STEP = np.log(6.4) / 27


def fourier() -> np.ndarray:
    """Cosines, then sines of each frequency under a Hann window, `[2 * FREQUENCIES, WINDOW]`."""
    time = np.arange(WINDOW)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * time / WINDOW)
    angles = 2 * np.pi * np.outer(np.arange(FREQUENCIES), time) / WINDOW
    return np.concatenate([np.cos(angles), np.sin(angles)]) * window


def filters() -> np.ndarray:
    """Triangles of equal area on Slaney's scale, `[BANDS, FREQUENCIES]`, as librosa makes them."""
    edges = _hertz(np.linspace(0, _mel(SAMPLE_RATE / 2), BANDS + 2))
    bins = np.linspace(0, SAMPLE_RATE / 2, FREQUENCIES)
    distance = edges[:, None] - bins
    width = np.diff(edges)[:, None]
    rising, falling = -distance[:-2] / width[:-1], distance[2:] / width[1:]
    return np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]


def _mel(hertz: float) -> float:
    return hertz / LINEAR if hertz < KNEE else KNEE / LINEAR + np.log(hertz / KNEE) / STEP


def _hertz(mels: np.ndarray) -> np.ndarray:
    above = mels - KNEE / LINEAR
    return np.where(above < 0, mels * LINEAR, KNEE * np.exp(np.maximum(above, 0) * STEP))

"""Draws the pictures that the test of crates/model reads: print_samples.py FONT OUT.

FONT is DejaVuSans.ttf, whose licence lets pictures of its letters be free.
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont


def sign(font: str) -> Image.Image:
    """Light on dark, two sizes."""
    picture = Image.new("L", (320, 140), 40)
    draw = ImageDraw.Draw(picture)
    draw.text((20, 20), "NO PARKING", 230, ImageFont.truetype(font, 40))
    draw.text((20, 85), "8 am to 6 pm", 230, ImageFont.truetype(font, 22))
    return picture


def receipt(font: str) -> Image.Image:
    """Small print in two columns."""
    picture = Image.new("L", (300, 120), 235)
    draw = ImageDraw.Draw(picture)
    for row, (name, price) in enumerate([("Bread", "3.20"), ("Coffee", "7.85"), ("Total", "11.05")]):
        draw.text((20, 15 + 32 * row), name, 20, ImageFont.truetype(font, 16))
        draw.text((220, 15 + 32 * row), price, 20, ImageFont.truetype(font, 16))
    return picture


def slanted(font: str) -> Image.Image:
    """A line that rises by nine degrees."""
    line = Image.new("L", (260, 60))
    ImageDraw.Draw(line).text((15, 12), "Harbour ferries", 255, ImageFont.truetype(font, 30))
    line = line.rotate(9, Image.Resampling.BICUBIC, expand=True)
    picture = Image.new("L", line.size, 220)
    picture.paste(30, (0, 0), line)
    return picture


def main() -> None:
    font, out = sys.argv[1], Path(sys.argv[2])
    for name, picture in {"sign": sign(font), "receipt": receipt(font), "slanted": slanted(font)}.items():
        picture.quantize(16).save(out / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()

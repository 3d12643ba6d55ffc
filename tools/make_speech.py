#!/usr/bin/env python3
"""Makes models/speech of Whisper tiny.en as CTranslate2 keeps it; `make speech` runs this."""

import argparse
from pathlib import Path

from speech import package


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", type=Path, help="folder with model.bin, config.json and tokenizer.json")
    parser.add_argument("out", type=Path, help="the package's folder")
    parser.add_argument("--half-floats", action="store_true", help="keep the decoder's weights as they are, to compare with")
    options = parser.parse_args()
    package.write(options.part, options.out, not options.half_floats)


if __name__ == "__main__":
    main()

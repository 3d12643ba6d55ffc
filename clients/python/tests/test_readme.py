"""The examples of the README, which are run as they stand there."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

from .serving import server

README = Path(__file__).parents[1] / "README.md"


class Readme(unittest.TestCase):
    def test_its_examples_run_one_after_the_other(self) -> None:
        examples = re.findall(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        self.assertGreater(len(examples), 5)
        here = os.getcwd()
        said = io.StringIO()
        settings = {"SENSORIUM_URL": server().url, "SENSORIUM_KEY": server().write_key}
        with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, settings), contextlib.redirect_stdout(said):
            shutil.copy(server().pack / "sky.png", folder)
            os.chdir(folder)
            try:
                names: dict[str, object] = {}
                for example in examples:
                    exec(compile(example, str(README), "exec"), names)
                self.assertTrue(Path("small.jpg").read_bytes().startswith(b"\xff\xd8"))
            finally:
                os.chdir(here)
            with server().client() as client:
                client.remove(folder)
        self.assertIn("404 b3:0000", said.getvalue())

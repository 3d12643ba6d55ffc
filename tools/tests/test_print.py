"""The package that reads print: what its tool writes; and the measures of how well it reads."""

import tempfile
import unittest
import zipfile
from pathlib import Path

import make_print
import print_rate

PACKAGE = Path(__file__).resolve().parents[2] / "models/print"


class Package(unittest.TestCase):
    def test_the_tool_makes_what_is_committed(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            wheel, out = Path(scratch) / "parts.whl", Path(scratch) / "print"
            with zipfile.ZipFile(wheel, "w") as archive:
                for name, source in make_print.COPIED.items():
                    archive.write(PACKAGE / name, source)
            make_print.make(wheel, out)
            made = {path.name: path.read_bytes() for path in out.iterdir()}
        committed = {path.name: path.read_bytes() for path in PACKAGE.iterdir() if path.name != "README.md"}
        self.assertEqual(made, committed)

    def test_there_is_a_character_for_each_output_but_the_blank(self) -> None:
        known = make_print.characters((PACKAGE / "rec.onnx").read_bytes())
        self.assertEqual(len(known), 6905)
        self.assertTrue(all(len(character) == 1 for character in known))
        self.assertEqual(known[-1], " ")


class Measures(unittest.TestCase):
    def test_a_distance_counts_edits(self) -> None:
        for a, b, edits in [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0)]:
            self.assertEqual(print_rate.distance(a, b), edits)
            self.assertEqual(print_rate.distance(b, a), edits)

    def test_rates_are_shares_of_the_truth(self) -> None:
        self.assertAlmostEqual(print_rate.accuracy("NO PARKINC", "NO PARKING"), 0.9)
        self.assertEqual(print_rate.accuracy("something much longer", "no"), 0)
        self.assertAlmostEqual(print_rate.recall("the fox the", "The quick fox"), 2 / 3)


if __name__ == "__main__":
    unittest.main()

"""The recipe's pairs: what is held out is never trained on."""

import json
import tempfile
import unittest
from pathlib import Path

from base import pairs


class HeldOut(unittest.TestCase):
    def data(self, folder: Path) -> Path:
        (folder / "flickr8k").mkdir(parents=True)
        for split in ("train", "dev"):
            rows = [f"{split}{n}.jpg\tcaption {k} of {n}" for n in range(3) for k in range(5)]
            (folder / f"flickr8k/{split}.tsv").write_text("\n".join(rows) + "\n")
        (folder / "imagenet_samples.tsv").write_text("imagenet_samples/a.jpg\ttench\n")
        (folder / "caltech101.tsv").write_text("caltech101/Faces/b.jpg\tfaces\n")
        sounds = [f"audio/esc10/rain/{fold}-{n}-A.ogg\train\tesc10" for fold in range(1, 5) for n in range(3)]
        sounds += [f"audio/modsounds/{n}.ogg\teffect {n}\tmodsounds" for n in range(40)]
        (folder / "audio.tsv").write_text("\n".join(sounds) + "\n")
        return folder

    def test_no_file_and_no_held_out_name_is_on_both_sides(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            train, judges = pairs.write(self.data(Path(scratch, "data")), Path(scratch, "pairs"))
            rows = {
                side: [json.loads(line) for path in paths for line in path.read_text().splitlines()]
                for side, paths in (("train", train), ("judge", judges))
            }
        files = {side: {row.get("image") or row["audio"] for row in of} for side, of in rows.items()}
        self.assertFalse(files["train"] & files["judge"])
        effects = {
            side: {row["label"] for row in of if "modsounds" in row.get("audio", "")} for side, of in rows.items()
        }
        self.assertTrue(effects["judge"])
        self.assertFalse(effects["train"] & effects["judge"])
        folds = {Path(row["audio"]).name[0] for row in rows["judge"] if "esc10" in row.get("audio", "")}
        self.assertEqual(folds, {pairs.HELD_OUT_FOLD})

    def test_captions_of_a_photo_are_one_item(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            items = list(pairs.captioned(self.data(Path(scratch)), "dev"))
        self.assertEqual([len(item["text"]) for item in items], [5, 5, 5])


if __name__ == "__main__":
    unittest.main()

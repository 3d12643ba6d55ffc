"""The recipe's pairs: what is held out is never trained on."""

import json
import tempfile
import unittest
from pathlib import Path

from base import pairs
from base.parts import Parts, Synset


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
        (folder / "clips.jsonl").write_text('{"text": "a clip", "audio": "clip.ogg", "label": "clip"}\n')
        (folder / "audio.tsv").write_text("\n".join(sounds) + "\n")
        return folder

    def test_no_file_and_no_held_out_name_is_on_both_sides(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            train, judges = pairs.write(self.data(Path(scratch, "data")), Path(scratch, "pairs"), {})
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


class Texts(unittest.TestCase):
    SYNSETS = {"n01440764": Synset(["tench", "Tinca tinca"], "a freshwater fish")}

    def items(self, file: str, label: str) -> list[pairs.Row]:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "things.tsv").write_text(f"{file}\t{label}\n")
            return list(pairs.classes(Path(folder), "things", self.SYNSETS))

    def test_a_thing_of_wordnet_goes_by_all_its_names_and_its_gloss(self) -> None:
        (item,) = self.items("things/n01440764_tench.jpg", "tench")
        self.assertEqual(
            item["text"],
            [
                "tench",
                "a photo of a tench",
                "A tench.",
                "Tinca tinca",
                "tench, a freshwater fish",
                "a freshwater fish",
            ],
        )

    def test_another_thing_goes_by_its_name_alone(self) -> None:
        (item,) = self.items("things/n01440764/1.jpg", "Anchor")
        self.assertEqual(item["text"], ["Anchor", "a photo of an Anchor", "An Anchor."])
        self.assertEqual(item["label"], "anchor")


class Info(unittest.TestCase):
    def test_synsets_keep_the_order_of_the_classifier(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch, "timm/data/_info")
            folder.mkdir(parents=True)
            (folder / "imagenet_synsets.txt").write_text("n2\nn1\n")
            (folder / "imagenet_synset_to_lemma.txt").write_text("n1\ta, b\nn2\tc\nn3\td\n")
            (folder / "imagenet_synset_to_definition.txt").write_text("n1\tx, y\nn2\tz\nn3\tw\n")
            parts = Parts(Path(scratch))
            expected = [("n2", Synset(["c"], "z")), ("n1", Synset(["a", "b"], "x, y"))]
            self.assertEqual(list(parts.picture_synsets().items()), expected)
            self.assertEqual(parts.picture_classes(), [["c"], ["a", "b"]])


if __name__ == "__main__":
    unittest.main()

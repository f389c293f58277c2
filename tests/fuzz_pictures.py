"""Damaged pictures, MATLAB files and checkpoints by the thousand, with the runner of submissions.

    python tests/fuzz_pictures.py --cases 20000 --workers 2 --state /tmp/fuzz-pictures

Forms: `images` (files of many formats, all called .jpg), `mat` (Annotations.mat), `checkpoints`
(those of `train`, and files of weights; needs the extra [baselines]). Options, resuming and what
counts as a finding are those of fuzz_submissions.py: each case ends in a result or in a printable
message, in time and memory.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import struct
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import fuzz_submissions as runner
import matlab
import numpy as np
from fuzz_mutations import NUMBERS, TEXTS, TOKENS, bytes_damage
from PIL import Image

from oneshot_emotic.emotic.images import check_images, open_image
from oneshot_emotic.emotic.layout import find_layout
from oneshot_emotic.emotic.matfile import ListedImage
from oneshot_emotic.emotic.persons import read_annotations
from oneshot_emotic.errors import InputError
from oneshot_emotic.files import json_text

sys.path.insert(0, str(Path(__file__).parent / "baselines"))

IMAGES, MAT, CHECKPOINTS = "images", "mat", "checkpoints"
FORMS = (IMAGES, MAT, CHECKPOINTS)
FOLDER, NAME = "mscoco/images", "a.jpg"
#: Formats and the modes to write them in: those that are read, then some that must not be.
WRITTEN = {
    "JPEG": ("RGB", "L", "CMYK"), "PNG": ("RGB", "RGBA", "P", "L", "I;16", "1", "LA"),
    "GIF": ("P",), "BMP": ("RGB", "L"), "WEBP": ("RGB", "RGBA"), "MPO": ("RGB",),
    "AVIF": ("RGB",), "BLP": ("P",), "DDS": ("RGB",), "EPS": ("RGB",), "TIFF": ("RGB", "CMYK"),
    "ICO": ("RGB",), "JPEG2000": ("RGB",), "PCX": ("RGB",), "PPM": ("RGB",), "PDF": ("RGB",),
    "SGI": ("RGB",), "TGA": ("RGB",), "IM": ("RGB",), "MSP": ("1",), "XBM": ("1",),
}  # fmt: skip

_loop = runner.run_cases


def try_some(folder: Path, form: str, cases: int) -> set[str]:
    """A few cases in this process, for the test-suite; what came of them."""
    (folder / "bases" / form).mkdir(parents=True)
    MAKE[form](folder / "bases" / form)
    place = folder / "place"
    place.mkdir()
    return {outcome(prepare(folder, place, form, 0, n), None, folder, False) for n in range(cases)}


def run_cases(*arguments: Any) -> runner.Tally:
    """The runner's loop, over the cases of this script."""
    runner.prepare, runner.outcome, runner._loader = prepare, outcome, lambda dataset: None
    return _loop(*arguments)


def make_bases(folder: Path) -> None:
    """Sound files of every form to damage."""
    for form, make in MAKE.items():
        (folder / "bases" / form).mkdir(parents=True, exist_ok=True)
        make(folder / "bases" / form)
    marker = folder / "bases" / runner.FOLDER / "submission.json"  # the runner looks for it
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()


def make_pictures(base: Path) -> None:
    """A picture of every format and mode that this Pillow can write."""
    pixels = np.random.default_rng(1).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    pixels[10:30] = 90  # something to pack
    for form, modes in WRITTEN.items():
        for mode in modes:
            with contextlib.suppress(KeyError, OSError):
                picture = Image.fromarray(pixels).convert("L" if mode == "I;16" else mode)
                picture.convert(mode).save(base / f"{form}-{mode.replace(';', '')}", form)


def make_annotations(base: Path) -> None:
    """Annotations of few persons, packed and not."""
    person, image = matlab.person, matlab.image
    several = person((("Anger",), ("Peace", "Pain")), ((1, 2, 3), (4, 5, 6)), combined=("Anger",))
    parts = {
        "train": [image("a.jpg", person(), person(box=(1, 2, 30, 40)))],
        "val": [image("b.jpg", several), image("c.jpg")],
        "test": [image("d.jpg", person(combined=("Peace",), mean=(1.5, 2, 3)))],
    }
    for number in range(3):
        extra = {"oneshot_emotic_synthetic": '{"seed": 1}'} if number else {}
        path = matlab.write_mat(base / f"{number}.mat", **parts, **extra)
        path.write_bytes(repacked(inflated(path.read_bytes()), packed=number < 2))


def make_checkpoints(base: Path) -> None:
    """A checkpoint, one to go on from, and files of weights as torch and safetensors write them."""
    try:
        import torch
    except ModuleNotFoundError:
        return
    from oneshot_emotic_baselines import train
    from oneshot_emotic_baselines.data import base_split
    from safetensors.torch import save_file

    tiny = baselines()

    def keep(line: str) -> None:
        if (base / "run" / train.RESUME).exists():  # not before the first epoch's end
            shutil.copy(base / "run" / train.RESUME, base / "resume.checkpoint")

    settings = tiny.settings("b-dml", epochs=1)
    run = train.train(settings, base_split(tiny.task()), tiny.data(), base / "run", say=keep)
    shutil.copy(run.checkpoint, base / "final.checkpoint")
    shutil.rmtree(base / "run")
    weights = tiny.small_resnet("", None, {}).state_dict()
    torch.save({"epoch": 1, "state_dict": weights}, base / "a.pth")
    torch.save(weights, base / "b.pth", _use_new_zipfile_serialization=False)
    save_file(weights, base / "c.safetensors")


MAKE = {IMAGES: make_pictures, MAT: make_annotations, CHECKPOINTS: make_checkpoints}


@cache
def baselines() -> Any:
    """The small network in place of a ResNet, and the data it is tried on."""
    import tiny
    import torch
    from oneshot_emotic_baselines import model

    torch.set_num_threads(1)
    model.resnet = tiny.small_resnet
    return tiny


# Damage.


def prepare(folder: Path, place: Path, form: str, seed: int, number: int) -> Path:
    """Write the damaged file of a case."""
    if form == CHECKPOINTS:
        baselines()  # before the clock of a case runs: importing torch takes seconds
    rng = random.Random(f"{form} {seed} {number}")
    base = rng.choice(sorted((folder / "bases" / form).iterdir()))
    content = base.read_bytes()
    for _ in range(rng.choice((1, 1, 2, 3))):
        with contextlib.suppress(Exception):  # damage upon damage that the structure does not bear
            content = rng.choice(DAMAGE[form])(rng, content)
    names = {IMAGES: f"emotic/{FOLDER}/{NAME}", MAT: "Annotations.mat"}
    target = place / names.get(form, f"a{base.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target


def other_numbers(rng: random.Random, content: bytes) -> bytes:
    """Numbers of either byte order in the head, where sizes stand."""
    data = bytearray(content)
    for _ in range(rng.randrange(1, 4)):
        width = rng.choice((1, 2, 4))
        value = rng.choice(NUMBERS) & (1 << 8 * width) - 1
        place = rng.randrange(max(1, min(len(data), 120) - width))
        data[place : place + width] = value.to_bytes(width, rng.choice(("little", "big")))
    return bytes(data)


def png_chunk(rng: random.Random, content: bytes) -> bytes:
    """A chunk of a PNG with another size, type or content, the checksum right."""
    assert content.startswith(b"\x89PNG")
    chunks, at = [], 8
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        chunks.append([content[at + 4 : at + 8], content[at + 8 : at + 8 + size]])
        at += size + 12
    chosen = rng.randrange(len(chunks))
    match rng.randrange(5):
        case 0:
            chunks[chosen][0] = rng.choice((b"IHDR", b"IDAT", b"iCCP", b"zTXt", b"acTL", b"tRNS"))
        case 1:
            chunks[chosen][1] = other_numbers(rng, chunks[chosen][1] or bytes(4))
        case 2:
            chunks.insert(chosen, chunks[rng.randrange(len(chunks))])
        case 3:
            bomb = b"a\0\0" + zlib.compress(bytes(rng.choice((10**6, 10**8))), 1)
            chunks.insert(1, [rng.choice((b"iCCP", b"zTXt", b"IDAT")), bomb])
        case _:
            head = bytearray(chunks[0][1])
            head[:8] = struct.pack(
                ">II", *(rng.choice((1, 500, 9_000, 13_000, 2**31)) for _ in "ab")
            )
            chunks[0][1] = bytes(head)
    packed = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return content[:8] + b"".join(packed)


def other_picture(rng: random.Random, content: bytes) -> bytes:
    """One picture's head, another one's rest."""
    form, modes = rng.choice(list(WRITTEN.items()))
    stream = io.BytesIO()
    Image.new(modes[0].replace("I;16", "L"), (rng.randrange(1, 99), 7)).save(stream, form)
    cut = rng.randrange(min(len(content), 400))
    return content[:cut] + stream.getvalue()[rng.randrange(2) * cut :]


def inflated(content: bytes) -> bytes:
    """A MATLAB file with its variables unpacked."""
    found = content[:128]
    for kind, body, _ in elements(content[128:], deepest=0):
        found += zlib.decompress(body) if kind == 15 else written([[kind, body, None]])
    return found


def repacked(content: bytes, packed: bool) -> bytes:
    """The contrary of `inflated`, or the same again."""
    if not packed:
        return content
    found = content[:128]
    for variable in elements(content[128:], deepest=0):
        body = zlib.compress(written([variable]))
        found += struct.pack("<II", 15, len(body)) + body
    return found


#: An element of a MATLAB file: its type, what is in it (bytes, or elements), and a size that it
#: states in place of its own.
Element = list[Any]


def elements(data: bytes, deepest: int = 100) -> list[Element]:
    """The elements in a run of bytes; matrices hold elements again, down to a depth."""
    found, at = [], 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind >> 16:
            found.append([kind & 0xFFFF, data[at + 4 : at + 4 + (kind >> 16)], None])
            at += 8
        else:
            body = data[at + 8 : at + 8 + size]
            inner = elements(body, deepest - 1) if kind == 14 and deepest else body
            found.append([kind, inner, None])
            at += 8 + (size if kind == 15 else size + 7 & ~7)  # nothing fills up what is packed
    return found


def written(items: list[Element]) -> bytes:
    """The bytes of elements."""
    found = []
    for kind, body, size in items:
        data = body if isinstance(body, bytes) else written(body)
        tag = struct.pack("<II", kind & 0xFFFFFFFF, len(data) if size is None else size)
        found.append(tag + data + b"\0" * (-len(data) % 8))
    return b"".join(found)


def mat_elements(rng: random.Random, content: bytes) -> bytes:
    """Elements with another type, size or content, again, elsewhere, or deep in cells."""
    plain = inflated(content)
    tree = elements(plain[128:])
    places: list[tuple[list[Element], int]] = []

    def gather(items: list[Element]) -> None:
        for place, (_, body, _) in enumerate(items):
            places.append((items, place))
            if not isinstance(body, bytes):
                gather(body)

    gather(tree)
    for _ in range(rng.choice((1, 1, 2, 5))):
        items, place = rng.choice(places)
        if place >= len(items):
            continue
        chosen = items[place]
        match rng.randrange(8):
            case 0:
                chosen[0] = rng.choice((*range(20), 200, 2**16, 2**31))
            case 1:
                chosen[2] = rng.choice(NUMBERS) & 0xFFFFFFFF
            case 2 | 3 if isinstance(chosen[1], bytes):
                numbers = [rng.choice(NUMBERS) & 0xFFFFFFFF for _ in range(rng.randrange(1, 5))]
                values = (1e308, -1e308, float("nan"), float("inf"), 0.5, 11, rng.random() * 12)
                chosen[1] = rng.choice(
                    (
                        struct.pack(f"<{len(numbers)}I", *numbers),
                        struct.pack("<d", rng.choice(values)),
                        rng.choice(TEXTS).encode("utf-16-le"),
                        rng.choice(TOKENS).encode(),
                        bytes_damage(rng, chosen[1]),
                    )
                )
            case 4:
                items.insert(place, chosen)
            case 5:
                del items[place]
            case 6:
                other, where = rng.choice(places)
                items[place] = other[min(where, len(other) - 1)]
            case _:
                for _ in range(rng.choice((1, 3, 15, 60))):
                    cell = elements(matlab.matrix(rng.choice((1, 1, 2, 4)), (1, 1)))[0]
                    cell[1].append(chosen)
                    chosen = cell
                items[place] = chosen
    return repacked(plain[:128] + written(tree), rng.random() < 0.7)


def mat_values(rng: random.Random, content: bytes) -> bytes:
    """A sound file with values, names, types and fields that nobody expects."""
    odd = (1e308, -1e308, 3e38, float("nan"), float("inf"), 0, 11, -5, 2**62, "5", "", True, 1j)
    odd += (np.zeros((0, 0)), np.eye(2), np.array([["a", "bc"]]), matlab.cell(("Peace", "Joy")))

    def some() -> Any:
        return rng.choice((5, 7.5, rng.choice(odd), rng.choice(TEXTS) or "a"))

    def person() -> dict[str, Any]:
        names = ("Peace", "Anger", "Disquitement", "Confuse/Doubt", rng.choice(TEXTS) or "a")
        numbers = [rng.choice((1, 5, 30, 60, 90, rng.choice(odd[:9]))) for _ in range(4)]
        levels = [tuple(rng.choice((5, 6, rng.choice(odd[:9]))) for _ in "vad") for _ in "ab"]
        lists = [rng.choices(names, k=rng.randrange(4)) for _ in range(rng.randrange(1, 4))]
        combined = rng.choice((None, names[:2], ()))
        fields = matlab.person(lists, levels, numbers, combined, rng.choice((None, levels[0])))
        if rng.random() < 0.03:
            fields[rng.choice(list(fields))] = some()
        if rng.random() < 0.02:
            del fields[rng.choice(list(fields))]
        return fields

    def image(number: int) -> dict[str, Any]:
        people = [person()] * rng.randrange(3)
        name = rng.choice((f"{number}.jpg", "a.jpg"))
        name = rng.choice(TEXTS) or "a" if rng.random() < 0.03 else name
        fields = matlab.image(name, *people, size=(rng.choice((64, rng.choice(odd[:9]))), 48))
        if rng.random() < 0.03:
            fields[rng.choice(list(fields))] = some()
        return fields

    extra = {"oneshot_emotic_synthetic": rng.choice((*TOKENS, '{"seed": 1}', 1))}
    parts = {name: [image(x) for x in range(3)] for name in ("train", "val", "test")}
    stream = io.BytesIO()
    matlab.write_mat(stream, **parts, **(extra if rng.random() < 0.3 else {}))
    return stream.getvalue()


def mat_bytes_damage(rng: random.Random, content: bytes) -> bytes:
    """Flips, cuts and splices of what is packed."""
    plain = inflated(content)
    return repacked(plain[:128] + bytes_damage(rng, plain[128:]), rng.random() < 0.7)


def safetensors_header(rng: random.Random, content: bytes) -> bytes:
    """Another entry in the header of a safetensors file."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    name = rng.choice(list(header))
    entry = header[name]
    if "data_offsets" in entry:
        key = rng.choice(list(entry))
        entry[key] = rng.choice(
            ("F64", "BF16", "BOOL", "", [], [rng.choice(NUMBERS)] * 2, None, -1)
        )
    else:
        key = rng.choice(list(entry))
        entry[key] = rng.choice((*TOKENS, *TEXTS, 1, None))
    if rng.random() < 0.3:
        header[rng.choice(TEXTS)] = header.pop(name)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def checkpoint_words(rng: random.Random, content: bytes) -> bytes:
    """Other words in a checkpoint, with a digest that is right: somebody else's file."""
    from oneshot_emotic_baselines.checkpoint import load_checkpoint, write_checkpoint

    path = Path(tempfile.gettempdir()) / f"fuzz-{os.getpid()}.checkpoint"
    try:
        path.write_bytes(content)
        held = load_checkpoint(path)
        place = rng.choice((held, held["settings"], held["network"], held["dataset"]))
        key = rng.choice(list(place))
        values = (rng.choice(NUMBERS), rng.choice(TEXTS), None, [], {}, 0.5, True, -1)
        if key in held["network"] and place is held["network"]:
            place[key] = place[key][:1] if rng.random() < 0.5 else place[key].double()
        elif rng.random() < 0.2:
            del place[key]
        else:
            place[key] = rng.choice(values)
        write_checkpoint(path, held)
        return path.read_bytes()
    finally:
        path.unlink(missing_ok=True)


def zip_members(rng: random.Random, content: bytes) -> bytes:
    """A torch file with a damaged, renamed, packed or doubled member."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as archive,
        zipfile.ZipFile(stream, "w", rng.choice((0, 0, 0, 8))) as changed,
    ):
        members = archive.namelist()
        chosen = rng.choice((rng.choice(members), next(x for x in members if x.endswith(".pkl"))))
        for name in members:
            data = archive.read(name)
            if name == chosen:
                match rng.randrange(4):
                    case 0:
                        name = rng.choice(TEXTS) or "a"
                    case 1:
                        continue
                    case _:
                        data = bytes_damage(rng, data)
            changed.writestr(name, data)
    return stream.getvalue()


Damage = Callable[[random.Random, bytes], bytes]
DAMAGE: dict[str, tuple[Damage, ...]] = {
    IMAGES: (bytes_damage, other_numbers, other_numbers, png_chunk, other_picture),
    MAT: (mat_bytes_damage, mat_elements, mat_elements, *[mat_values] * 4),
    CHECKPOINTS: (bytes_damage, safetensors_header, checkpoint_words, zip_members, zip_members),
}


# What comes of it.


def outcome(path: Path, load: Any, folder: Path, whole: bool) -> str:
    """`read` or `refused`; anything else is raised."""
    try:
        if path.name == NAME:
            return picture_outcome(path, folder, whole)
        if path.name == "Annotations.mat":
            return annotations_outcome(path, whole)
        return weights_outcome(path, whole)
    except InputError as error:
        runner.check_text(str(error))
        return "refused"


def picture_outcome(path: Path, folder: Path, whole: bool) -> str:
    root = path.parents[3]
    if whole:
        mat = root / "listed.mat"
        if not mat.exists():
            matlab.write_mat(mat, train=[matlab.image(NAME, matlab.person(), folder=FOLDER)])
        return runner.command("check-images", root, "--annotations", mat, known=(0, 1, 2))
    listed = ListedImage(FOLDER, NAME, 64.0, 48.0)
    folders = find_layout(root).image_folders
    states = []
    for decode in (True, False):
        report = check_images([listed], folders, decode=decode, workers=1)
        runner.check_text(report.to_csv())
        broken = {"missing", "truncated", "corrupt"} & set(report.counts())
        states.append("refused" if broken else "read")
    picture = open_image(listed, folders)
    if (picture is None) != (states[0] == "refused"):
        raise AssertionError(f"{states[0]}, but {picture}")
    if picture is not None:
        picture.resize((32, 32)).tobytes()
    return states[0]


def annotations_outcome(path: Path, whole: bool) -> str:
    if whole:
        target = path.parent / "dataset"
        shutil.rmtree(target, ignore_errors=True)
        return runner.command("build", path.parent, "-o", target, "--no-images")
    content = read_annotations(path)
    runner.check_text(content.quirks.to_csv())
    json_text(content.synthetic)
    assert content.persons["sample_id"].is_unique
    return "read"


def weights_outcome(path: Path, whole: bool) -> str:
    tiny = baselines()
    if path.suffix != ".checkpoint":
        from oneshot_emotic_baselines.weights import load_into, read_weights

        load_into(tiny.small_resnet("", None, {}), read_weights(path), str(path))
        return "read"
    if whole:
        data, dataset, output = tiny.stand_in(), tiny.dataset(), path.parent / "out"
        tiny.prepared()
        return runner.command("embed", path, "--data", data, "--dataset", dataset, "-o", output)
    from oneshot_emotic_baselines.embed import embed_task

    vectors = embed_task(path, tiny.task(), tiny.data(), device="cpu")
    assert np.isfinite(list(vectors.values())).all()
    return "read"


if __name__ == "__main__":
    runner.FORMS, runner.make_bases, runner.run_cases = FORMS, make_bases, run_cases
    runner.prepare, runner.outcome, runner._loader = prepare, outcome, lambda dataset: None
    runner.__doc__ = __doc__
    runner.main()

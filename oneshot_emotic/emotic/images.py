"""Looking at the image files of a copy: which are missing, broken or odd.

The splits never depend on this: they come from the annotations alone.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, UnidentifiedImageError

from oneshot_emotic.emotic.matfile import ListedImage
from oneshot_emotic.emotic.tables import csv_text
from oneshot_emotic.errors import printable

#: What a picture may be inside, whatever its name says. Pillow knows many more formats: one starts
#: another program (EPS), and several fall over damaged files.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")

#: Kind of finding -> what it is. The order is that of the report.
FINDINGS: dict[str, str] = {
    "missing": "file missing",
    "truncated": "file truncated, and no whole copy found",
    "corrupt": "file that is not an image or cannot be decoded, and no whole copy found",
    "nested-copy-used": "broken file with a whole nested copy: that copy is used",
    "nested-copy": "file with a nested copy, both whole: the outer one is used",
    "not-jpeg": "file with another format inside than its .jpg name says",
    "grey": "greyscale image",
    "palette": "palette image",
    "rgba": "image with an alpha channel",
    "cmyk": "CMYK image",
    "other-mode": "image of another colour mode",
    "exif-rotated": "image with an EXIF rotation: ignored, boxes are in the stored frame",
    "size-swapped": "image whose stored width and height are swapped in the annotations",
    "size-wrong": "image whose stored width and height are wrong in the annotations",
    "unlisted": "file that the annotations do not name",
}

#: Findings that leave a person without a picture.
BROKEN = ("missing", "truncated", "corrupt")

_MODES = {
    **dict.fromkeys(("L", "LA", "I;16", "1"), "grey"),
    **dict.fromkeys(("P", "PA"), "palette"),
    "RGBA": "rgba",
    "CMYK": "cmyk",
}
_EXIF_ORIENTATION = 274
_TAIL = 64

State = Literal["whole", "truncated", "corrupt"]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Finding:
    """One thing worth knowing of an image file, told so that it can be printed."""

    kind: str
    image_id: str
    detail: str = ""

    def __post_init__(self) -> None:
        """Files may be called anything, and decoders quote them."""
        object.__setattr__(self, "image_id", printable(self.image_id))
        object.__setattr__(self, "detail", printable(self.detail))


@dataclass(frozen=True)
class ImageReport:
    """What looking at all files gave.

    Attributes:
        findings: In the order of the annotations; unlisted files last.
        images: How many images were looked for.
        decoded: True when every file was decoded to its last pixel.
    """

    findings: tuple[Finding, ...]
    images: int
    decoded: bool

    def counts(self) -> dict[str, int]:
        """How often each kind was found, in the order of `FINDINGS`; others are left out."""
        counter = Counter(finding.kind for finding in self.findings)
        return {kind: counter[kind] for kind in FINDINGS if counter[kind]}

    def to_csv(self) -> str:
        """The full list: finding, image_id, detail."""
        rows = ((item.kind, item.image_id, item.detail) for item in self.findings)
        return csv_text(("finding", "image_id", "detail"), rows)


@dataclass(frozen=True)
class _Facts:
    """One file: its state, and what its header says where it has one."""

    path: Path
    state: State
    detail: str = ""
    format: str = ""
    mode: str = ""
    size: tuple[int, int] = (0, 0)
    rotated: bool = False


@contextlib.contextmanager
def pillow_quiet() -> Iterator[None]:
    """Without Pillow's warnings of odd files: the report names them itself.

    Not for use inside threads, which share the list of warnings.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check_images(
    listed: Sequence[ListedImage],
    image_folders: Mapping[str, Sequence[Path]],
    *,
    decode: bool,
    workers: int | None = None,
    progress: Progress = lambda done: None,
) -> ImageReport:
    """Look at the file of every listed image.

    Args:
        listed: The images, each once.
        image_folders: From `layout.find_layout`.
        decode: True decodes every file to its last pixel, the only sure test; False reads headers
            and the last bytes, which is quick and finds most.
        workers: Threads (decoding runs beside Python); default the number of processors.
        progress: Called with the number of images done so far.
    """

    def look(image: ListedImage) -> list[Finding]:
        copies = [_inspect(path, decode) for path in copies_of(image, image_folders)]
        return _findings_of(image, copies)

    findings: list[Finding] = []
    with pillow_quiet(), ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for done, found in enumerate(pool.map(look, listed), start=1):
            findings.extend(found)
            progress(done)
    findings.extend(_unlisted(listed, image_folders))
    return ImageReport(tuple(findings), len(listed), decode)


def copies_of(image: ListedImage, image_folders: Mapping[str, Sequence[Path]]) -> list[Path]:
    """The files that an image may be, the outermost first."""
    folders = image_folders.get(image.folder, ())
    return [path for folder in folders if (path := folder / image.filename).is_file()]


def open_image(
    image: ListedImage, image_folders: Mapping[str, Sequence[Path]]
) -> Image.Image | None:
    """The first copy of an image that decodes, in RGB and unrotated; None if there is none."""
    return next((picture for _, picture in sound_copies(image, image_folders)), None)


def sound_copies(
    image: ListedImage, image_folders: Mapping[str, Sequence[Path]]
) -> Iterator[tuple[Path, Image.Image]]:
    """The copies of an image that decode, the outermost first, in RGB and unrotated."""
    for path in copies_of(image, image_folders):
        # Decoders raise anything on a damaged file, down to struct.error and IndexError.
        with contextlib.suppress(Exception), Image.open(path, formats=FORMATS) as opened:
            opened.load()
            # convert() would copy a picture that is RGB already.
            picture: Image.Image = opened if opened.mode == "RGB" else opened.convert("RGB")
            yield path, picture


def _inspect(path: Path, decode: bool) -> _Facts:
    try:
        with Image.open(path, formats=FORMATS) as image:
            facts = _Facts(
                path,
                "whole",
                format=image.format or "",
                mode=image.mode,
                size=image.size,
                rotated=_is_rotated(image),
            )
            if decode:
                image.load()
            elif not _ends_well(path, facts.format):
                return _Facts(path, "truncated", "no end mark in the last bytes")
            return facts
    except UnidentifiedImageError:
        what = f"none of {', '.join(FORMATS)}; {path.stat().st_size:,} bytes"
        return _Facts(path, "corrupt", what)
    except Exception as error:  # as in open_image
        state: State = "truncated" if "truncated" in str(error).lower() else "corrupt"
        return _Facts(path, state, str(error) or type(error).__name__)


def _is_rotated(image: Image.Image) -> bool:
    # A PNG's getexif() decodes the whole file to look for a late chunk; cameras write JPEG.
    if image.format == "PNG":
        return False
    return bool(image.getexif().get(_EXIF_ORIENTATION, 1) != 1)


def _ends_well(path: Path, image_format: str) -> bool:
    mark = {"JPEG": b"\xff\xd9", "PNG": b"IEND", "GIF": b";"}.get(image_format)
    if mark is None:
        return True
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _TAIL))
        return mark in stream.read()


def _findings_of(image: ListedImage, copies: Sequence[_Facts]) -> list[Finding]:
    name = image.image_id
    if not copies:
        return [Finding("missing", name)]
    whole = next((facts for facts in copies if facts.state == "whole"), None)
    if whole is None:
        return [Finding(copies[0].state, name, copies[0].detail)]
    found = []
    if whole is not copies[0]:
        found.append(Finding("nested-copy-used", name, f"{copies[0].state}; {whole.path}"))
    elif len(copies) > 1:
        found.append(Finding("nested-copy", name, str(copies[1].path)))
    if whole.format != "JPEG" and image.filename.lower().endswith((".jpg", ".jpeg")):
        found.append(Finding("not-jpeg", name, whole.format))
    if whole.mode != "RGB":
        found.append(Finding(_MODES.get(whole.mode, "other-mode"), name, whole.mode))
    if whole.rotated:
        found.append(Finding("exif-rotated", name))
    stored = (image.width, image.height)
    if stored != whole.size:
        swapped = stored == whole.size[::-1]
        detail = f"stored {image.width:g} x {image.height:g}, is {whole.size[0]} x {whole.size[1]}"
        found.append(Finding("size-swapped" if swapped else "size-wrong", name, detail))
    return found


def _unlisted(
    listed: Iterable[ListedImage], image_folders: Mapping[str, Sequence[Path]]
) -> list[Finding]:
    known = {image.image_id for image in listed}
    return [
        Finding("unlisted", f"{name}/{path.name}", str(path))
        for name, folders in image_folders.items()
        for folder in folders
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.is_file() and f"{name}/{path.name}" not in known and path.name[0] != "."
    ]

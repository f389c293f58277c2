"""Encoders by name: built-in, timm:NAME[@FILE][?ARGUMENTS], hf:NAME, hf:FOLDER, MODULE:FACTORY."""

from __future__ import annotations

import difflib
import importlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneshot_emotic.encoders.colour_gradient import ColourGradient
from oneshot_emotic.encoders.hog_colour import HogColour
from oneshot_emotic.encoders.network import NetworkEncoder, first_line
from oneshot_emotic.encoders.protocol import Encoder, View
from oneshot_emotic.errors import InputError, some

if TYPE_CHECKING:
    import torch

_EXTRA = {"skimage", "timm", "torch", "torchvision", "transformers"}
#: Hand-made ones; nothing is downloaded for them.
BUILT_IN: dict[str, Callable[[], Encoder]] = {
    ColourGradient.name: ColourGradient,
    HogColour.name: HogColour,
}
_REMEDY = (
    "An encoder is timm:NAME[@FILE][?ARGUMENTS], hf:NAME, hf:FOLDER, MODULE:FACTORY, "
    + ", ".join(BUILT_IN)
)


def load_encoder(
    name: str, *, view: View = "both", device: str = "auto", batch_size: int = 64
) -> Encoder:
    """The encoder of a name.

    Args:
        name: `timm:NAME` with the pretrained weights of that name, `timm:NAME@FILE` with those of
            a file, either with model arguments (`?img_size=96&KEY=VALUE`),
            `hf:NAME_OR_FOLDER` of transformers, or `MODULE:FACTORY`, a callable without
            arguments; or one of `BUILT_IN`.
        view: What a network is shown; one of MODULE:FACTORY sees both and takes what it likes.
        device: `auto`, `cpu`, `cuda`, or another of torch's; likewise.
        batch_size: Persons at once; likewise.

    Raises:
        InputError: There is no such network, file or module, it cannot be loaded, or the extra
            `[encoders]` is not installed.
    """
    kind, _, rest = name.partition(":")
    options: dict[str, Any] = {"view": view, "device": device, "batch_size": batch_size}
    if kind == "timm" and rest:
        return _from_timm(rest, **options)
    if kind == "hf" and rest:
        return _from_transformers(rest, **options)
    if name not in BUILT_IN and not re.fullmatch(r"[^\W\d][\w.]*:[^\W\d]\w*", name):
        raise InputError("there is no such encoder", name, _REMEDY)
    if options != {"view": "both", "device": "auto", "batch_size": 64}:
        what = "view, device and batch size are for timm: and hf:; this one chooses for itself"
        raise InputError(what, name)
    if rest:
        return _own(kind, rest)
    with _loading(name):
        return BUILT_IN[name]()


def timm_network(place: str, *, pretrained: bool = True) -> tuple[Any, dict[str, Any]]:
    """A network of timm without its classifier, and what it expects of pictures.

    Args:
        place: `NAME[@FILE][?ARGUMENTS]`.
        pretrained: False for random weights.

    Raises:
        InputError: There is no such network, file or weights, or it cannot be made.
    """
    place, mark, given = place.partition("?")
    name, _, file = place.partition("@")
    arguments = _arguments(given) if mark else {}
    with _loading(f"timm:{name}"):
        import timm
    if ":" not in name:  # the others are places, such as hf-hub:
        bare = name.partition(".")[0]
        if not timm.is_model(bare):
            near = difflib.get_close_matches(bare, timm.list_models(), 3)
            remedy = f"Near ones: {', '.join(near)}" if near else ""
            raise InputError("timm has no such network", name, remedy)
        tagged = timm.list_pretrained(f"{bare}.*")
        if name not in (*tagged, bare) or (pretrained and not tagged and not file):
            remedy = f"There are {some(tagged)}" if tagged else f"Give a file: timm:{bare}@FILE"
            raise InputError("timm has no such weights", name, remedy)
    if file and not Path(file).is_file():
        raise InputError("there is no such file of weights", file)
    with _loading(f"timm:{name}"):
        download = pretrained and not file
        network = timm.create_model(name, pretrained=download, num_classes=0, **arguments)
        config = timm.data.resolve_model_data_config(network, args=arguments)
    if file:
        with _loading(file):
            weights = timm.models.load_state_dict(file, weights_only=True)
        _put_weights(network, weights, file)
    return network, config


def _from_timm(rest: str, **options: Any) -> NetworkEncoder:
    network, config = timm_network(rest)
    rest, mark, given = rest.partition("?")
    name, _, file = rest.partition("@")
    with _loading(f"timm:{name}"):
        import timm

        transform = timm.data.create_transform(**config, is_training=False)
    encoder = NetworkEncoder(
        f"timm:{name}{mark}{given}",
        network,
        lambda picture: {"pixels": transform(picture)[None]},
        lambda inputs: network(inputs["pixels"]),
        repr(config),
        **options,
    )
    if file:
        encoder.card["name"] = f"timm:{name}@{Path(file).stem}{mark}{given}"[:80]
    encoder.card["pretraining"] = f"the file {Path(file).name}"[:200] if file else name[:200]
    return encoder


def _arguments(text: str) -> dict[str, Any]:
    """Model arguments, `KEY=VALUE` joined by `&`: integers, numbers, true, false, else text."""
    pairs = re.findall(r"(?:^|&)([^\W\d]\w*)=([^&=]+)(?=&|$)", text)
    if len(dict(pairs)) != text.count("&") + 1:
        what = "model arguments are KEY=VALUE, each key once, with & between"
        raise InputError(what, f"?{text}", "Such as ?img_size=96&class_token=false")
    return {key: _value(value) for key, value in pairs}


def _value(text: str) -> float | str:
    try:
        found = json.loads(text, parse_constant=str)  # NaN and the like are text
    except ValueError:
        return text
    return found if isinstance(found, int | float) else text


def _put_weights(network: torch.nn.Module, weights: dict[str, Any], file: str) -> None:
    """Put a file's weights into a network, whose classifier is not there.

    A prefix that all of its keys have in the file, as Lightning and others write, is taken off.
    """
    wanted = network.state_dict()
    first = next(iter(wanted))
    if first not in weights:
        prefixes = [key.removesuffix(first) for key in weights if key.endswith(f".{first}")]
        prefixes = [x for x in prefixes if all(x + key in weights for key in wanted)]
        if len(prefixes) > 1:
            what = f"it holds the network several times, under {some(prefixes)}"
            raise InputError(what, file, "Save one of them alone")
        prefix = "".join(prefixes)
        weights = {k.removeprefix(prefix): x for k, x in weights.items() if k.startswith(prefix)}
    head = network.pretrained_cfg.get("classifier") or ()
    heads = tuple(f"{x}." for x in ((head,) if isinstance(head, str) else head))
    weights = {key: value for key, value in weights.items() if not key.startswith(heads)}
    try:
        network.load_state_dict(weights)
    except RuntimeError:
        shapes = [
            f"{key} {tuple(weights[key].shape)} for {tuple(wanted[key].shape)}"
            for key in wanted
            if key in weights and weights[key].shape != wanted[key].shape
        ]
        lists = {
            "it lacks": [key for key in wanted if key not in weights],
            "it has besides": [key for key in weights if key not in wanted],
            "of other shapes are": shapes,
        }
        found = "; ".join(f"{what} {some(keys, 2)}" for what, keys in lists.items() if keys)
        remedy = "Model arguments may help, such as ?img_size=96" if shapes else ""
        raise InputError(f"its weights are not of this network: {found}", file, remedy) from None


def _from_transformers(name: str, **options: Any) -> NetworkEncoder:
    if name.startswith((".", "/", "~")) and not Path(name).expanduser().is_dir():
        raise InputError("there is no such folder", name)
    place = str(Path(name).expanduser()) if name.startswith("~") else name
    with _loading(f"hf:{name}"):
        from transformers import AutoImageProcessor, AutoModel
        from transformers.utils import logging

        level = logging.get_verbosity()
        logging.set_verbosity_error()  # what matters of its report is said below
        try:
            processor = AutoImageProcessor.from_pretrained(place)
            network, loaded = AutoModel.from_pretrained(place, output_loading_info=True)
        except OSError as error:
            _check_folder(place, error)
            raise
        finally:
            logging.set_verbosity(level)
    network = network.float()
    missing = set(loaded["missing_keys"])
    pooled = not any(key.startswith("pooler.") for key in missing)  # else it is random
    if missing := {key for key in missing if not key.startswith("pooler.")}:
        raise InputError(f"it lacks weights of its network: {some(sorted(missing))}", f"hf:{name}")
    of_images = getattr(network, "get_image_features", None)  # of CLIP, SigLIP and the like

    def forward(inputs: Any) -> Any:
        found = of_images(**inputs) if of_images else network(**inputs)
        if not hasattr(found, "last_hidden_state"):  # transformers before 5: the vectors
            return found
        if pooled and getattr(found, "pooler_output", None) is not None:
            return found.pooler_output
        tokens = found.last_hidden_state
        return tokens.mean(1) if tokens.ndim == 3 else tokens.flatten(2).mean(2)

    short = Path(place).resolve().name if Path(place).is_dir() else name
    encoder = NetworkEncoder(
        f"hf:{short}",
        network,
        lambda picture: processor(images=picture, return_tensors="pt"),
        forward,
        processor.to_json_string(),
        **options,
    )
    encoder.card["pretraining"] = short[:200]
    return encoder


def _check_folder(place: str, error: OSError) -> None:
    """Say what is not there, where that is why transformers cannot load a place."""
    if not Path(place).is_dir():
        what = f"there is no such folder, and it could not be fetched: {first_line(error)}"
        raise InputError(what, f"hf:{place}")
    needed = {"config.json": "AutoModel", "preprocessor_config.json": "AutoImageProcessor"}
    for name, kind in needed.items():
        if not (Path(place) / name).is_file():
            remedy = f"Put it there: {kind}.from_pretrained(NAME).save_pretrained(FOLDER)"
            raise InputError(f"{name} is missing in {place}", remedy=remedy)


def _own(module: str, factory: str) -> Encoder:
    name = f"{module}:{factory}"
    sys.path.insert(0, str(Path.cwd()))
    try:
        with _loading(name):
            found = importlib.import_module(module)
    finally:
        sys.path.pop(0)
    make = getattr(found, factory, None)
    if not callable(make):
        raise InputError(f"{module} has no callable {factory}", name)
    with _loading(name):
        encoder: Encoder = make()
    return encoder


@contextmanager
def _loading(what: str) -> Iterator[None]:
    """Turn what a library says when it cannot load something into an `InputError`."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        remedy = "pip install 'oneshot-emotic[encoders]'" if library in _EXTRA else ""
        raise InputError(f"there is no module {error.name}", what, remedy) from None
    except InputError:
        raise
    except Exception as error:  # of the Hub, of HTTP, of pickles, of safetensors: no common class
        text = f"cannot be loaded: {type(error).__name__}: {first_line(error)}"
        raise InputError(text, what) from None

"""Persons with their pictures as a map-style dataset, for torch's DataLoader and its friends.

Nothing of torch, torchvision or datasets is imported before it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from oneshot_emotic.errors import InputError
from oneshot_emotic.pictures import Picture, Pictures
from oneshot_emotic.splits import BasePersons, Persons

if TYPE_CHECKING:
    import datasets

Target = Literal["index", "name"]
View = Literal["image", "body"]


class PersonDataset:
    """The persons of a split, each as a dict of image, body, label and sample_id.

    It is what `torch.utils.data.DataLoader`, Lightning and accelerate take, with any number of
    workers. Pillow images are not collated: give transforms that make tensors of one size.

    Attributes:
        classes: The classes in the order of the label's index; of base persons all base classes of
            the task, so that the parts of a split agree.

    Example:
        >>> train, val = task.base.split()  # doctest: +SKIP
        >>> data = PersonDataset(train, open_pictures(ROOT), transform)  # doctest: +SKIP
        >>> DataLoader(data, batch_size=64, shuffle=True, num_workers=4)  # doctest: +SKIP
    """

    def __init__(
        self,
        split: Persons,
        pictures: Pictures,
        transform: Callable[[Any], Any] | None = None,
        target: Target = "index",
        *,
        views: Sequence[View] = ("image", "body"),
        joint_transform: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
        classes: Sequence[str] | None = None,
    ) -> None:
        """Look the persons up; no picture is decoded yet.

        Args:
            split: Such as `task.base`, `task.base.clean`, what `split` gave, or `task.novel`.
            pictures: From `open_pictures`.
            transform: Called with the image, and with the body: of timm, torchvision or your own.
                It should make tensors of one size where a loader collates them.
            target: `index` for the label as its place in `classes`, `name` for its name.
            views: Which of `image` and `body` an item has.
            joint_transform: Called before with the dict of image, body and box, for what must
                treat them together, such as a mirroring. For a transform of torchvision's v2 the
                box is one of its `tv_tensors.BoundingBoxes`, which moves with the image; for any
                other callable a tuple x1, y1, x2, y2. The body is not cut again: v2 changes it as
                it changes the image, which is right for a mirroring or for colours. What cuts
                pieces out of pictures is for `views=("image",)`, where the item's box is the moved
                one (v2 refuses an image and a body of different sizes).
            classes: Their order; default: that of `task.classes` and `task.base.classes`.

        Raises:
            InputError: A person has no picture in `pictures`, a label is not in `classes`, or a
                class is there twice.
        """
        if not isinstance(split, Persons) or not isinstance(pictures, Pictures):
            given = f"{type(split).__name__} and {type(pictures).__name__}"
            remedy = "Give persons such as task.base, then what open_pictures returns"
            raise InputError(f"persons and pictures are a {given}", remedy=remedy)
        pictures.check(split.sample_ids)
        listed = tuple(views) if isinstance(views, Iterable) else (views,)
        if (
            target not in ("index", "name")
            or not listed
            or any(x not in ("image", "body") for x in listed)
        ):
            what = f"target is `index` or `name`, views are of `image` and `body`, not {target!r}"
            raise InputError(f"{what} and {views!r}")
        if classes is None and isinstance(split, BasePersons):
            classes = split.definition.base_classes  # the same in every part of a split
        elif classes is None:
            classes = split.classes
        self.classes = tuple(classes) if isinstance(classes, Iterable) else (classes,)
        if strange := sorted(x for x in split.counts if x not in self.classes):
            raise InputError(f"labels that are not among the classes: {strange}")
        if len({*map(str, self.classes)}) < len(self.classes):
            raise InputError(f"a class is there twice: {self.classes}")
        self._split, self._pictures, self._target = split, pictures, target
        self._transform, self._joint_transform, self._views = transform, joint_transform, listed
        self._index = {name: index for index, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self._split)

    def __getitem__(self, place: int) -> dict[str, Any]:
        """A person: `image` and `body` (as `transform` made them), `label` and `sample_id`."""
        sample_id, label = self._split.sample_ids[place], self._split.labels[place]
        picture = self._pictures[sample_id]
        views: dict[str, Any] = {name: getattr(picture, name) for name in self._views}
        if self._joint_transform is not None:
            views = self._joint_transform({**views, "box": self._box(picture)})
            if not isinstance(views, Mapping):
                raise InputError(f"the joint_transform gave no dict, but {type(views).__name__}")
        if self._transform is not None:
            views |= {name: self._transform(views[name]) for name in self._views}
        target = self._index[label] if self._target == "index" else label
        return {**views, "label": target, "sample_id": sample_id}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[place] for place in range(len(self)))

    def to_datasets(self) -> datasets.Dataset:
        """The same as a `datasets.Dataset` with Image and ClassLabel features, boxes in pixels.

        The pictures are copied into the library's cache, without transforms.

        Raises:
            InputError: The package `datasets` is not installed.
        """
        try:
            import datasets
        except ImportError:
            remedy = "pip install datasets"
            raise InputError("to_datasets needs the package datasets", remedy=remedy) from None
        features = datasets.Features(
            image=datasets.Image(),
            body=datasets.Image(),
            box=datasets.Sequence(datasets.Value("int32"), length=4),
            label=datasets.ClassLabel(names=list(self.classes)),
            sample_id=datasets.Value("string"),
        )
        found: datasets.Dataset = datasets.Dataset.from_generator(self._rows, features=features)
        return found

    def _box(self, picture: Picture) -> Any:
        kinds = type(self._joint_transform).__mro__
        if not any(kind.__module__.startswith("torchvision.") for kind in kinds):
            return picture.box
        from torchvision import tv_tensors

        size = picture.image.height, picture.image.width
        return tv_tensors.BoundingBoxes([picture.box], format="XYXY", canvas_size=size)

    def _rows(self) -> Iterator[dict[str, Any]]:
        for sample_id, label in zip(self._split.sample_ids, self._split.labels, strict=True):
            picture = self._pictures[sample_id]
            views = {"image": picture.image, "body": picture.body, "box": picture.box}
            yield {**views, "label": self._index[label], "sample_id": sample_id}

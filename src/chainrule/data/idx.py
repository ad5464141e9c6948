"""IDX files, the format of MNIST: a magic number, the sizes, the values, all big-endian.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section "File formats".
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.data.content import load_bytes
from chainrule.data.dataset import Array, Dataset
from chainrule.errors import DataError

# Third byte of the magic number -> type of the values.
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path) -> Array:
    """Read one IDX file, gzipped or not, as an array of the file's own shape and type (native byte order).

    Raises:
        DataError: no such file, wrong magic number, unknown type, or a length that does not match the sizes; names
            the byte offset (in the uncompressed data).

    >>> read_idx("train-images-idx3-ubyte.gz").shape  # doctest: +SKIP
    (60000, 28, 28)
    """
    path = Path(path)
    data = load_bytes(path)
    if len(data) < 4:
        raise DataError(
            f"{path} ends at byte offset {len(data)}, before the 4 bytes of the IDX magic number are complete: "
            "the file is truncated, fetch it again."
        )
    if data[0] or data[1] or data[2] not in _TYPES or not data[3]:
        at = next(k for k, bad in enumerate((data[0], data[1], data[2] not in _TYPES, not data[3])) if bad)
        raise DataError(
            f"{path} is not an IDX file: its magic number is 0x{data[:4].hex().upper()}, wrong at byte offset {at}; "
            "allowed is 0x0000TTDD with type TT one of 08, 09, 0B, 0C, 0D, 0E and DD >= 1 dimensions."
        )
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise DataError(
            f"{path} ends at byte offset {len(data)} inside its {data[3]} sizes, which end at byte offset {start}: "
            "the file is truncated, fetch it again."
        )
    sizes = tuple(int(n) for n in np.frombuffer(data, ">u4", data[3], 4))
    dtype = np.dtype(_TYPES[data[2]])
    end = start + math.prod(sizes) * dtype.itemsize
    if len(data) != end:
        state = "truncated" if len(data) < end else "too long"
        raise DataError(
            f"{path} is {state}: it ends at byte offset {len(data)}, but {' × '.join(map(str, sizes))} values of "
            f"{dtype.itemsize} bytes end at byte offset {end}; fetch it again."
        )
    return np.frombuffer(data, dtype, offset=start).reshape(sizes).astype(dtype.newbyteorder("="))


def _find(folder: Path, part: str, content: str) -> Path | None:
    """The file of one part ("train", "t10k") with `content` ("images", "labels"), plain before gzipped."""
    for pattern in (f"{part}-{content}*", f"{part}?{content}*"):
        found = sorted((p for p in folder.glob(pattern) if "idx" in p.name), key=lambda p: (p.suffix == ".gz", p.name))
        if found:
            return found[0]
    return None


def is_idx_folder(path: str | Path) -> bool:
    """Whether the folder holds a training part as IDX files."""
    return _find(Path(path), "train", "images") is not None


def load_idx_folder(path: str | Path, *, dtype: Any = np.float32) -> Dataset:
    """Load a folder of IDX files: `train-images-idx3-ubyte[.gz]`, `train-labels-…`, and `t10k-…` as test part if there.

    Images become (n, height · width); byte pixels are divided by 255, so they lie in [0, 1].

    Args:
        path: the folder.
        dtype: float32 (half the memory) or float64.

    Raises:
        DataError: a file is missing or damaged, images and labels differ in number, pixels are not finite.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: give the folder that holds train-images-idx3-ubyte[.gz].")
    train = _load_part(folder, "train", dtype)
    if _find(folder, "t10k", "images") is None:
        return train
    return replace(train, test=_load_part(folder, "t10k", dtype))


def _load_part(folder: Path, part: str, dtype: Any) -> Dataset:
    paths = {content: _find(folder, part, content) for content in ("images", "labels")}
    for content, path in paths.items():
        if path is None:
            dims = 3 if content == "images" else 1
            raise DataError(
                f"{folder} has no file {part}-{content}-idx{dims}-ubyte or {part}-{content}-idx{dims}-ubyte.gz: add it."
            )
    images_path, labels_path = paths["images"], paths["labels"]
    assert images_path is not None
    assert labels_path is not None
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim < 2 or labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(
            f"{images_path} holds {images.ndim}-dimensional values and {labels_path} {labels.ndim}-dimensional "
            f"{labels.dtype} values: images need at least 2 dimensions, labels 1 dimension of integers."
        )
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} holds {len(images)} images but {labels_path} {len(labels)} labels: "
            "the two files must belong together, one label per image."
        )
    X = images.reshape(len(images), -1).astype(dtype)
    is_bytes = images.dtype == np.uint8
    if is_bytes:
        X /= X.dtype.type(255)
    elif not np.isfinite(X).all():
        raise DataError(
            f"{images_path} holds {int((~np.isfinite(X)).sum())} values that are NaN, infinite or too large for "
            f"{X.dtype}, the first in image {int(np.argwhere(~np.isfinite(X))[0][0]) + 1}: remove these images."
        )
    names = tuple("pixel_" + "_".join(map(str, at)) for at in np.ndindex(*images.shape[1:]))
    return Dataset(
        name=folder.resolve().name,
        X=X,
        y=labels.astype(np.int64),
        task="classification",
        feature_names=names,
        target_name="label",
        classes=np.unique(labels).astype(np.int64),
        description=f"{len(X):,} images of {' × '.join(map(str, images.shape[1:]))} pixels from IDX files",
        pixel_max=1.0 if is_bytes else None,
    )

"""One file for a model or a checkpoint: safetensors, with a JSON header of ours and a checksum over everything.

Layout (https://github.com/huggingface/safetensors, "Format"): 8 bytes N, little-endian; N bytes of JSON; the tensors'
bytes, row-major, without gaps. Our JSON begins, byte for byte,

    {"__metadata__":{"checksum":"<64 hex digits>","chainrule":"<JSON text>"}

so the digits always stand at byte 37. **The checksum is the SHA-256 of the whole file, from its first byte to its
last, with these 64 digits read as 64 zeros ("0").** The JSON text is
{"content": ..., "format": 1, "fortran_order": [names], "kind": "model" or "checkpoint"}. A tensor named in
`fortran_order` was column-major in memory and becomes so again; in the file it is row-major with its true shape, so
every safetensors reader sees the right matrix. The same tensors and content give the same bytes.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from typing import Any, Literal

import numpy as np

from chainrule.errors import ModelFileError
from chainrule.files.atomic import write_chunks
from chainrule.files.layout import DTYPES, HEADER_LIMIT, Entry, name_fault, open_plain, read_header, tensor_index
from chainrule.files.strict_json import check_count, from_json, to_json

FORMAT = 1
Kind = Literal["model", "checkpoint"]

_PREFIX = b'{"__metadata__":{"checksum":"'
_DIGITS = 64
_NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Bundle:
    """What a file held: `tensors` by name, writable arrays in their memory order, and the JSON `content`."""

    tensors: dict[str, np.ndarray]
    content: dict[str, Any]


class NewerFormatError(ModelFileError):
    """The file is of a format that only a newer chainrule reads; it is not taken for damaged."""


def save_bundle(
    path: str | os.PathLike[str], tensors: Mapping[str, np.ndarray], content: Mapping[str, Any], *, kind: Kind
) -> None:
    """Write `tensors` (any shape; float32, float64, int64, uint64, uint8, bool) and `content` atomically to `path`.

    `content` is anything that JSON can say. NaN and infinity in tensors are written; `load_bundle` refuses them
    unless asked. Raises ModelFileError for what the format cannot hold and ConfigurationError where `path` cannot
    be written; in both cases an existing file stays as it was.
    """
    where = f"cannot save {os.fspath(path)!r}"
    arrays: dict[str, np.ndarray] = {}
    fortran: list[str] = []
    for name, tensor in tensors.items():
        if fault := name_fault(name) if isinstance(name, str) else "is not text":
            raise ModelFileError(f"{where}: the tensor name {name!r} {fault}.")
        array = np.asarray(tensor)
        little = array.dtype.newbyteorder("<")
        if little not in _NAMES:
            allowed = ", ".join(dtype.name for dtype in DTYPES.values())
            raise ModelFileError(f"{where}: tensor {name!r} has dtype {array.dtype}, but allowed are {allowed}.")
        if array.flags.f_contiguous and not array.flags.c_contiguous:
            fortran.append(name)
        arrays[name] = np.asarray(array, dtype=little, order="C")
    # Wide items first keeps every tensor aligned to its item size.
    arrays = {name: arrays[name] for name in sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))}

    try:
        ours = {"content": content, "format": FORMAT, "fortran_order": sorted(fortran), "kind": kind}
        text = to_json(ours)
    except ValueError as error:
        raise ModelFileError(f"{where}: {error}.") from error
    index: dict[str, object] = {}
    position = 0
    for name, array in arrays.items():
        offsets = [position, position + array.nbytes]
        index[name] = {"data_offsets": offsets, "dtype": _NAMES[array.dtype], "shape": list(array.shape)}
        position += array.nbytes
    entries = "".join(f",{to_json(name)}:{to_json(entry)}" for name, entry in index.items())
    rest_text = f'","chainrule":{to_json(text)}}}{entries}}}'
    try:
        check_count(rest_text)
    except ValueError as error:
        raise ModelFileError(f"{where}: its header cannot be read back: {error}.") from error
    rest = rest_text.encode("ascii")
    size = len(_PREFIX) + _DIGITS + len(rest)
    padding = -size % 8
    if size + padding > HEADER_LIMIT:
        raise ModelFileError(f"{where}: its header has {size} bytes, but at most {HEADER_LIMIT} are allowed.")
    head = (size + padding).to_bytes(8, "little") + _PREFIX
    rest += b" " * padding

    buffers = [_bytes_of(array) for array in arrays.values() if array.nbytes]
    digest = hashlib.sha256(head + b"0" * _DIGITS + rest)
    for buffer in buffers:
        digest.update(buffer)
    write_chunks(path, [head + digest.hexdigest().encode("ascii") + rest, *buffers])


def load_bundle(path: str | os.PathLike[str], *, kind: Kind, allow_nonfinite: bool = False) -> Bundle:
    """Read a file that `save_bundle` wrote; whatever is wrong with it is one ModelFileError naming file and place.

    Nothing is executed. Names, types, shapes, and places of tensors are checked against the size of the file before
    memory for them is taken, and the checksum before anything is returned. NaN or infinity is refused unless
    `allow_nonfinite`.
    """
    shown = f"{os.fspath(path)!r}"
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            raw, header = read_header(file, size, shown)
            metadata, entries = tensor_index(header, size - 8 - len(raw), shown)
            ours = _ours(raw, metadata, shown)
            tensors, intact = _read(file, raw, entries, shown)
        except MemoryError:
            raise ModelFileError(f"{shown} needs {size} bytes of memory, which this machine cannot give.") from None
        except OSError as error:
            raise ModelFileError(f"{shown} cannot be read: {error.strerror}.") from error
    version = ours.get("format")
    if type(version) is int and version > FORMAT:
        doubt = "" if intact else ", unless it is damaged"
        raise NewerFormatError(
            f"{shown} was written by a newer chainrule (format {version}, this one reads {FORMAT}){doubt}: upgrade."
        )
    if not intact:
        raise ModelFileError(
            f"{shown} is damaged: its bytes do not match its checksum; use a backup or an earlier checkpoint."
        )
    content, fortran = _checked(ours, kind, tensors, shown)
    for name in fortran:
        tensors[name] = np.asfortranarray(tensors[name])
    for entry in entries:
        _check_values(tensors[entry.name], entry.name, allow_nonfinite, shown)
    return Bundle({name: tensors[name] for name in sorted(tensors)}, content)


def _ours(raw: bytes, metadata: dict[str, Any], shown: str) -> dict[str, Any]:
    text = metadata.get("chainrule")
    if not raw.startswith(_PREFIX) or set(metadata) != {"chainrule", "checksum"} or not isinstance(text, str):
        raise ModelFileError(f"{shown} is a safetensors file, but not as chainrule writes it; give a file it saved.")
    try:
        ours = from_json(text)
    except ValueError as error:
        raise ModelFileError(f"{shown} is damaged: its metadata 'chainrule' is not usable JSON ({error}).") from None
    if not isinstance(ours, dict):
        raise ModelFileError(f"{shown} is damaged: its metadata 'chainrule' is not a JSON object.")
    return ours


def _read(file: BufferedReader, raw: bytes, entries: list[Entry], shown: str) -> tuple[dict[str, np.ndarray], bool]:
    stated = raw[len(_PREFIX) : len(_PREFIX) + _DIGITS]
    digest = hashlib.sha256(len(raw).to_bytes(8, "little") + _PREFIX + b"0" * _DIGITS + raw[len(_PREFIX) + _DIGITS :])
    tensors: dict[str, np.ndarray] = {}
    for entry in entries:
        array = np.empty(entry.shape, entry.dtype)
        if array.nbytes:
            buffer = _bytes_of(array)
            if file.readinto(buffer) != array.nbytes:
                raise ModelFileError(f"{shown} became shorter while tensor {entry.name!r} was read; try again.")
            digest.update(buffer)
        tensors[entry.name] = array
    return tensors, digest.hexdigest().encode("ascii") == stated


def _checked(
    ours: dict[str, Any], kind: Kind, tensors: Mapping[str, np.ndarray], shown: str
) -> tuple[dict[str, Any], list[str]]:
    version, found = ours.get("format"), ours.get("kind")
    content, fortran = ours.get("content"), ours.get("fortran_order")
    if type(version) is not int or version < 1:
        raise ModelFileError(f"{shown} states the format {version!r:.60}, but formats are numbers from 1 to {FORMAT}.")
    if found != kind:
        raise ModelFileError(f"{shown} holds the kind {found!r:.60}, but a {kind} is needed here; give a {kind} file.")
    if not isinstance(content, dict):
        raise ModelFileError(f"{shown} has a 'content' that is not a JSON object.")
    if not isinstance(fortran, list) or not all(isinstance(name, str) and name in tensors for name in fortran):
        raise ModelFileError(f"{shown} has a 'fortran_order' that is not a list of its tensors.")
    return content, fortran


def _check_values(array: np.ndarray, name: str, allow_nonfinite: bool, shown: str) -> None:
    if array.dtype == np.bool_ and (array.view(np.uint8) > 1).any():
        raise ModelFileError(f"{shown}: the bool tensor {name!r} holds bytes other than 0 and 1.")
    if array.dtype.kind != "f" or allow_nonfinite:
        return
    finite = np.isfinite(array)
    if not finite.all():
        place = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ModelFileError(
            f"{shown}: tensor {name!r} holds {finite.size - int(finite.sum())} values that are not finite, the first "
            f"{array[place]} at {list(place)}; retrain, or allow non-finite values to inspect it."
        )


def _bytes_of(array: np.ndarray) -> memoryview:
    return array.reshape(math.prod(array.shape)).view(np.uint8).data

"""The safetensors layout, read with suspicion: every rule is checked before memory is taken for a tensor."""

from __future__ import annotations

import errno
import math
import os
import re
import stat
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

import numpy as np

from chainrule.errors import ModelFileError
from chainrule.files.strict_json import from_json

HEADER_LIMIT = 100_000_000  # bytes; the limit of the safetensors library too
_DIMENSIONS = 32  # the most that every supported NumPy has

DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I64": np.dtype("<i8"),
    "U64": np.dtype("<u8"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}

_FOREIGN = (
    (re.compile(rb"\x80[\x02-\x05]"), "a pickle file; pickles can run code when loaded"),
    (re.compile(rb"PK(\x03\x04|\x05\x06|\x07\x08)"), "a zip archive, as PyTorch, Keras and NumPy write"),
    (re.compile(rb"\x89HDF"), "an HDF5 file"),
    (re.compile(rb"\x93NUMPY"), "a NumPy array file"),
    (re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|x[\x01\x5e\x9c\xda]"), "a compressed file"),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8"), "a picture"),
    (re.compile(rb"version https://git-lfs"), "a Git LFS pointer; fetch the file itself with git lfs pull"),
)
# How pickles of the protocols 0 and 1, which have no mark at their begin, start; they all end in a full stop.
_OLD_PICKLE = re.compile(
    rb"\(*(c[\w.]+\n|[ILF][-\dL.e+]+\n|[VS][^\n]*\np\d+\n|[dlt]p\d+\n|[K-MJGXU][^\n ]|[\]})](q|\.|$)|\(?[dlt]\.)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Entry:
    """One tensor of the index: its bytes are `begin` to `end`, counted from the end of the header."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


def open_plain(path: str | os.PathLike[str]) -> BufferedReader:
    """Open an ordinary file for reading; links, folders, pipes and devices are ModelFileErrors."""
    shown = f"{os.fspath(path)!r}"
    link = f"{shown} is a symbolic link, which is not followed; give the path of the file itself."
    # Non-blocking: a named pipe would otherwise wait for a writer for ever.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        if os.path.islink(path):
            raise ModelFileError(link)
        if os.path.isdir(path):
            raise ModelFileError(f"{shown} is a folder; give a file in it.")
        handle = os.open(path, flags)
    except FileNotFoundError:
        raise ModelFileError(f"there is no file {shown}; check the path.") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ModelFileError(link) from None
        raise ModelFileError(f"{shown} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{shown} is not a possible path: {error}.") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ModelFileError(f"{shown} is not an ordinary file; give a file that chainrule saved.")
    return open(handle, "rb")


def read_header(file: BufferedReader, size: int, shown: str) -> tuple[bytes, dict[str, Any]]:
    """Read the header of a file of `size` bytes: its bytes and the JSON object that they say."""
    head = file.read(128)
    if not head:
        raise ModelFileError(f"{shown} is empty; give a file that chainrule saved.")
    length = int.from_bytes(head[:8], "little")
    if head[8:9] != b"{" and (what := _foreign(file, head)):
        raise ModelFileError(f"{shown}: this is {what}; only safetensors files saved by chainrule are read.")
    if size <= 8:
        raise ModelFileError(f"{shown} is truncated: it has {size} bytes, too few for a header.")
    doubt = f"{shown} is damaged or not a model"
    if length > HEADER_LIMIT:
        raise ModelFileError(f"{doubt}: its header would have {length} bytes, but at most {HEADER_LIMIT} are allowed.")
    if head[8:9] != b"{":
        raise ModelFileError(f"{doubt}: byte 8 is {head[8:9]!r} where a header begins with '{{'.")
    if length > size - 8:
        raise ModelFileError(f"{shown} is truncated: its header has {length} bytes, but the file only {size}.")
    file.seek(8)
    raw = file.read(length)
    try:
        header = from_json(raw.decode("utf-8"))
    except ValueError as error:
        raise ModelFileError(f"{shown} is damaged: its header is not usable JSON in UTF-8 ({error}).") from None
    if not isinstance(header, dict):
        raise ModelFileError(f"{shown} is damaged: its header is not a JSON object.")
    return raw, header


def tensor_index(header: dict[str, Any], room: int, shown: str) -> tuple[dict[str, Any], list[Entry]]:
    """Check the header against the `room` bytes after it: the metadata, and the tensors in the order of their bytes."""
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict):
        raise ModelFileError(f"{shown} is damaged: its '__metadata__' is not a JSON object.")
    entries = [_entry(name, record, shown) for name, record in header.items() if name != "__metadata__"]
    entries.sort(key=lambda entry: (entry.begin, entry.end))
    position = 0
    for entry in entries:
        if entry.begin != position:
            fault = "overlaps the tensor before it" if entry.begin < position else "leaves a hole before it"
            raise ModelFileError(
                f"{shown} is damaged: tensor {entry.name!r} {fault} (it begins at {entry.begin}, expected {position})."
            )
        position = entry.end
    if position != room:
        fault = "truncated" if position > room else "padded"
        raise ModelFileError(f"{shown} is {fault}: its tensors have {position} bytes, but {room} follow the header.")
    return metadata, entries


def name_fault(name: str) -> str:
    """Why `name` cannot be a tensor's, or "" if it can; a name must stay harmless if somebody takes it for a path."""
    if name in ("", "__metadata__"):
        return "is reserved; choose another"
    if ".." in name:
        return "contains '..', which is not allowed"
    if name[0] in "/\\~" or re.match(r"[A-Za-z]:[/\\]", name):
        return "looks like an absolute path, which is not allowed"
    if any(ord(sign) < 32 or ord(sign) == 127 or 0xD800 <= ord(sign) <= 0xDFFF for sign in name):
        return "contains a NUL, a control character or half a surrogate pair, which is not allowed"
    return ""


def _foreign(file: BufferedReader, head: bytes) -> str:
    for pattern, what in _FOREIGN:
        if pattern.match(head):
            return what
    if _OLD_PICKLE.match(head):
        file.seek(-1, os.SEEK_END)
        if file.read() == b".":
            return _FOREIGN[0][1]
    return ""


def _entry(name: str, record: Any, shown: str) -> Entry:
    where = f"{shown}: tensor {name!r:.120}"
    if fault := name_fault(name):
        raise ModelFileError(f"{shown}: the tensor name {name!r:.120} {fault}.")
    if not isinstance(record, dict) or set(record) != {"dtype", "shape", "data_offsets"}:
        raise ModelFileError(f"{where} has a record that does not consist of dtype, shape and data_offsets.")
    dtype = DTYPES.get(record["dtype"]) if isinstance(record["dtype"], str) else None
    if dtype is None:
        raise ModelFileError(f"{where} has the dtype {record['dtype']!r:.60}, but allowed are {', '.join(DTYPES)}.")
    shape, offsets = record["shape"], record["data_offsets"]
    if not _counts(shape) or len(shape) > _DIMENSIONS:
        raise ModelFileError(
            f"{where} has the shape {shape!r:.120}, but a shape is a list of at most {_DIMENSIONS} numbers >= 0."
        )
    if not _counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ModelFileError(f"{where} has the data_offsets {offsets!r:.120}, but they are two numbers [begin, end].")
    # With max(n, 1): NumPy refuses a huge dimension beside a zero one, too.
    if math.prod(max(n, 1) for n in shape) * dtype.itemsize >= 2**63:
        raise ModelFileError(f"{where} has the shape {shape!r:.120}, which no memory can hold.")
    needed, given = math.prod(shape) * dtype.itemsize, offsets[1] - offsets[0]
    if needed != given:
        raise ModelFileError(
            f"{where} has shape {shape!r:.120} and dtype {record['dtype']}, which is {needed} bytes, "
            f"but its data_offsets span {given}."
        )
    return Entry(name, dtype, tuple(shape), offsets[0], offsets[1])


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 2**63 for n in value)

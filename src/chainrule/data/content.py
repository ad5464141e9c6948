"""The bytes of a file: reading them, and recognizing what they are before anybody parses them."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

from chainrule.errors import DataError

_GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
_FOREIGN = {
    b"\x89PNG\r\n\x1a\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x93NUMPY": "a NumPy array",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"SQLite format 3\x00": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"\x7fELF": "a program",
    b"MZ\x90\x00": "a program",
    b"ARROW1": "an Arrow or Feather file",
}
# UTF-32-LE begins like UTF-16-LE: longest first.
_WIDE_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_BOM = b"\xef\xbb\xbf"


def load_bytes(path: Path) -> bytes:
    """The bytes of a file; gzip is recognized by content, not by name, and unpacked.

    Raises:
        DataError: missing, a folder, unreadable, or a damaged gzip file.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"there is no file {path}: check the name and the folder.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder, not a file: give the file inside it.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{str(path)[:200]!r} cannot be read ({reason}): check its name and permissions.") from None
    if not data.startswith(_GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path} is a damaged gzip file of {len(data)} bytes ({error}): it is truncated or corrupt, fetch it again."
        ) from None


def check_text(data: bytes, path: Path) -> tuple[bytes, list[str]]:
    """Make sure that `data` is UTF-8 text without NUL; return it without BOM, with "\\n" line ends, and notes.

    Raises:
        DataError: another kind of file, another encoding (both with the byte offset), or a NUL (with its line).
    """
    for magic, what in _FOREIGN.items():
        if data.startswith(magic):
            raise DataError(
                f"{path} is {what} (bytes 0x{magic[:4].hex().upper()} at byte offset 0), not a table: "
                "give a CSV, TSV or Parquet file."
            )
    for mark, encoding in _WIDE_MARKS.items():
        if data.startswith(mark):
            raise DataError(
                f"{path} is encoded in {encoding} (byte order mark 0x{mark.hex().upper()} at byte offset 0), "
                "but text must be UTF-8: save it again as UTF-8."
            )
    _check_nul(data, path)
    _check_utf8(data, path)
    _check_json(data, path)
    notes = []
    if data.startswith(_BOM):
        data = data[len(_BOM) :]
        notes.append("the file begins with a UTF-8 byte order mark, which was skipped")
    if b"\r" in data:
        if b"\n" not in data:
            notes.append("lines end with CR alone (old Macintosh style)")
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data, notes


def _check_nul(data: bytes, path: Path) -> None:
    at = data.find(0)
    if at < 0:
        return
    head = data[:4000]
    # ASCII written in two bytes has a NUL in nearly every second place, and hardly any in the others.
    fewer, more = sorted((head[0::2].count(0), head[1::2].count(0)))
    if more > 0.4 * len(head) / 2 and fewer < 0.05 * len(head) and len(head) > 3:
        raise DataError(
            f"{path} looks like UTF-16 without a byte order mark (NUL at byte offset {at} and in every second byte), "
            "but text must be UTF-8: save it again as UTF-8."
        )
    if head.count(0) > 0.05 * len(head) and len(head) > 100:
        raise DataError(
            f"{path} is a binary file of a kind that is not known here ({head.count(0)} NUL bytes among the first "
            f"{len(head)}), not a table: give a CSV, TSV or Parquet file."
        )
    raise DataError(
        f"{path} has a NUL byte in line {_line(data, at)} (byte offset {at}), which no text cell may hold: "
        "remove it, or write the file again."
    )


def _check_utf8(data: bytes, path: Path) -> None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start
        letter = bytes([data[at]]).decode("cp1252", errors="replace")
        meaning = f", {letter!r} there," if letter.isprintable() and letter != "\ufffd" else ""
        raise DataError(
            f"{path} is not UTF-8: byte 0x{data[at]:02X} at byte offset {at} (line {_line(data, at)}) is no part of a "
            f"UTF-8 letter; if the file is Latin-1 or Windows-1252{meaning} save it again as UTF-8."
        ) from None


def _check_json(data: bytes, path: Path) -> None:
    """JSON and JSON lines are no tables, though their commas look so."""
    top = data.removeprefix(_BOM).lstrip()
    first = top.split(b"\n", 1)[0].strip()
    whole = top[:1] in b"[{" and top.rstrip()[-1:] in b"]}" if top else False
    if not whole or (len(first) > 1 and not re.match(rb"[\[{]\s*[\[{\"\]}]", first)):
        return
    lines = first[:1] == b"{" and first[-1:] == b"}" and b"\n" in top.strip()
    raise DataError(
        f"{path} is JSON{' lines' if lines else ''} (it begins with {first[:20].decode('utf-8', 'ignore')!r}), which "
        "is not read here: write it as CSV or Parquet."
    )


def _line(data: bytes, at: int) -> int:
    before = data[:at].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return before.count(b"\n") + 1

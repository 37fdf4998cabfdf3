"""What a file is, told by its first bytes: when it is not what was asked for, a message can say what it is."""

from __future__ import annotations

import codecs
import re

HEAD_BYTES = 2**16  # enough of a file to judge it by
_UNPACK = "unpack it first"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", f"gzip data; {_UNPACK} with: gunzip"),
    (b"\x28\xb5\x2f\xfd", f"zstd data; {_UNPACK} with: zstd -d --long=31"),
    (b"BZh", f"bzip2 data; {_UNPACK} with: bunzip2"),
    (b"\xfd7zXZ\x00", f"xz data; {_UNPACK} with: unxz"),
    (b"]\x00\x00", f"lzma data; {_UNPACK} with: unlzma"),
    (b"PK\x03\x04", f"a zip archive; {_UNPACK} with: unzip"),
    (b"PK\x05\x06", "an empty zip archive; pack it again"),
    (b"7z\xbc\xaf\x27\x1c", f"a 7z archive; {_UNPACK} with: 7z x"),
    (b"Rar!", f"a RAR archive; {_UNPACK} with: unrar x"),
    (b"\x04\x22\x4d\x18", f"lz4 data; {_UNPACK} with: lz4 -d"),
    (b"\x1f\x9d", f"data packed by compress; {_UNPACK} with: gunzip"),
    (b"LZIP", f"lzip data; {_UNPACK} with: lzip -d"),
    (b"%PDF-", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x93NUMPY", "a NumPy array (.npy); give the snapshot itself, and this as its vectors"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"\xd0\xcf\x11\xe0", "a Microsoft Office document"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x7fELF", "a program"),
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer; get the file itself with: git lfs pull"),
    (b"/annex/objects/", "a git-annex pointer; get the file itself with: git annex get"),
)
_PAGE = re.compile(rb"(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_MARKUP = re.compile(rb"<[?!/a-z]", re.IGNORECASE)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def kind_of(head: bytes) -> str:
    """What a file is that begins with `head`, and what to do about it; "" for what may be plain text."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if _PAGE.match(text):
        return "a web page; the download may have wanted a login, or its link is out of date: download it again"
    return "an XML or HTML document" if _MARKUP.match(text) else ""


def is_binary(head: bytes) -> bool:
    """Whether what begins with `head` is no text in UTF-8 or another encoding that has ASCII in it."""
    return len(_CONTROLS.findall(head)) > len(head) / 100


def utf16_of(head: bytes) -> str:
    """Which of UTF-16 and UTF-32 a text has, by its byte order mark; "" for neither."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    return "UTF-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""

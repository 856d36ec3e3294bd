"""Log files of the server: who may read them, which they are, and their bytes.

A file is known by its first bytes, not by its name: rotation renames and
compresses it, and what was read of it stays read.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from pg_llm.errors import InsufficientPrivilege, InvalidParameter, UndefinedObject
from pg_llm.library import isolated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.database import Database

# What is read of a file at a time.
BLOCK: Final = 1 << 20
# A longer record is passed over.
LONGEST: Final = 16 << 20
# So many first bytes, or what there is of them, tell a file from others.
_HEAD: Final = 512
_PIECE: Final = 1 << 16
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"

_MAY_READ: Final = """
select pg_catalog.pg_has_role(current_user, 'pg_read_server_files', 'usage') as may,
    current_user::pg_catalog.text as name
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """A file: its inode, and the hash of its first `length` bytes, uncompressed."""

    inode: int
    length: int
    head: str


class Damaged(Exception):
    """A compressed file ends early or is no such file."""


def data_directory(database: Database) -> Path:
    """Return the directory that relative paths start from, for a caller who may read files.

    Raises `InsufficientPrivilege` for a role that the server would not let read
    files either.
    """
    row = database.execute(_MAY_READ)[0]
    if not row["may"]:
        raise InsufficientPrivilege(
            f'role "{row["name"]}" may not read files of the server',
            hint="Grant it pg_read_server_files, or pass the log's text or a table of its lines.",
        )
    # A backend works in the data directory.
    return Path.cwd()


def found(path: Path) -> list[Path]:
    """Return the files that a path names, a directory's with the oldest first.

    Raises `UndefinedObject` where there is nothing, `InsufficientPrivilege`
    where the server may not look, `InvalidParameter` for what is no file.
    """
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            files = [(entry.stat().st_mtime_ns, entry) for entry in path.iterdir()]
            return [entry for _, entry in sorted(files) if stat.S_ISREG(entry.stat().st_mode)]
    except OSError as error:
        raise refused(path, error) from None
    if not stat.S_ISREG(kind):
        raise InvalidParameter(
            f'"{path}" is neither a file nor a directory', hint="Name a log file or its directory."
        )
    return [path]


def refused(path: Path, error: OSError) -> InsufficientPrivilege | UndefinedObject:
    """Return what is to be said of a file that cannot be read."""
    if isinstance(error, PermissionError):
        return InsufficientPrivilege(
            f'the server may not read "{path}"',
            hint="It runs as its own user, who needs the right to read the file.",
        )
    return UndefinedObject(
        f'cannot read "{path}": {error.strerror or error}',
        hint="The path is one of the server's machine; a relative one starts at the data "
        "directory.",
    )


class Opened:
    """A log file that is open for reading, uncompressed.

    Raises `OSError` as the system does.
    """

    def __init__(self, path: Path) -> None:
        # A FIFO that took the file's place would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._raw: IO[bytes] = os.fdopen(descriptor, "rb")
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            self._raw.close()
            raise FileNotFoundError(0, "not a regular file", str(path))
        self._stream = _uncompressed(self._raw)
        self.compressed = self._stream is not self._raw
        self._start = self._some(_HEAD)
        head = hashlib.blake2b(self._start, digest_size=16).hexdigest()
        self.identity = Identity(status.st_ino, len(self._start), head)
        self.size = None if self.compressed else status.st_size

    def head(self, length: int) -> str:
        """Return the hash of the first bytes, up to as many as `Identity` takes."""
        return hashlib.blake2b(self._start[:length], digest_size=16).hexdigest()

    def sample(self) -> bytes:
        """Return the beginning of the file, and leave the position at its start."""
        self._rewind(0)
        data = self._some(64 * 1024)
        self._rewind(0)
        return data

    def blocks(self, offset: int) -> Iterator[bytes]:
        """Yield what stands from `offset` (of the uncompressed bytes) on.

        Raises `Damaged` where a compressed file ends early.
        """
        self._rewind(offset)
        while data := self._some(BLOCK):
            yield data

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def _rewind(self, offset: int) -> None:
        if not self.compressed:
            self._raw.seek(offset)
            return
        self._raw.seek(0)
        self._stream = _uncompressed(self._raw)
        while offset > 0 and (data := self._some(min(BLOCK, offset))):
            offset -= len(data)

    def _some(self, length: int) -> bytes:
        """Return `length` bytes, less at the end of the file alone."""
        parts: list[bytes] = []
        try:
            while length > 0 and (data := self._stream.read(length)):
                parts.append(data)
                length -= len(data)
        except (EOFError, zlib.error, _zstd_error()) as error:
            if not parts:
                raise Damaged(str(error)) from None
        return b"".join(parts)


def _uncompressed(raw: IO[bytes]) -> Any:
    magic = raw.read(4)
    raw.seek(0)
    if magic.startswith(_GZIP):
        return _Gzip(raw)
    if magic == _ZSTD:
        with isolated():
            import zstandard
        return zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            raw, read_across_frames=True, closefd=False
        )
    return raw


class _Gzip:
    """A gzip file; of one that ends early, everything up to there (the gzip module loses some)."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._input = b""
        self._member = zlib.decompressobj(31)

    def read(self, length: int) -> bytes:
        """Return up to `length` bytes, none at the end. Raises `EOFError`, `zlib.error`."""
        while True:
            if self._member.eof:
                self._input = self._member.unused_data.lstrip(b"\0") or self._raw.read(_PIECE)
                if not self._input.strip(b"\0"):
                    return b""
                self._member = zlib.decompressobj(31)
            data = self._input or self._raw.read(_PIECE)
            if not data:
                raise EOFError("the file ends early")
            found = self._member.decompress(data, length)
            self._input = self._member.unconsumed_tail
            if found:
                return found


def _zstd_error() -> type[Exception]:
    import sys

    found = sys.modules.get("zstandard")
    return cast("type[Exception]", found.ZstdError) if found is not None else EOFError

"""Files of the server's user: keys that encrypt secrets, and secrets kept as files.

They live in `<data directory>/pg_llm`, which may be a symbolic link to another
place, so that only who can write in the data directory chooses it:

    secret-<database's OID>.key    one line a key: id, a space, the key; hexadecimal
    secrets/NAME                   a secret that `file:NAME` refers to
    secrets/NAME.endpoint          the one endpoint that it may be sent to

A file must be what PostgreSQL asks of `ssl_key_file`: the server's user's own
and closed to all others, or root's and at most readable by the group. Nothing
is cached: what the operator changes holds at the next call.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pg_llm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.database import Database

DIRECTORY = "pg_llm"
SECRETS = "secrets"

ID_BYTES = 8
KEY_BYTES = 32

#: bytes read of any file here; a secret is far smaller
_LIMIT = 65_536


@dataclass(frozen=True, slots=True)
class Key:
    """An AES-256 key. `id` stands in what it encrypted; the key is not shown."""

    id: bytes
    key: bytes = field(repr=False)

    @classmethod
    def new(cls) -> Key:
        """Return a random key."""
        return cls(os.urandom(ID_BYTES), os.urandom(KEY_BYTES))


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one database, oldest first: the last one encrypts."""

    keys: tuple[Key, ...]

    @property
    def current(self) -> Key:
        """The key to encrypt with."""
        return self.keys[-1]

    def find(self, key_id: bytes) -> Key | None:
        """Return the key with this id."""
        return next((key for key in self.keys if key.id == key_id), None)

    def with_new(self) -> KeyRing:
        """Return the ring with a new current key."""
        return KeyRing((*self.keys, Key.new()))

    def without_all_but(self, used: set[bytes]) -> KeyRing:
        """Return the ring with the current key and those whose ids are in `used`."""
        current = self.current
        return KeyRing(tuple(key for key in self.keys if key is current or key.id in used))


@dataclass(frozen=True, slots=True)
class Place:
    """Where this server and database keep their files. Errors never name the path."""

    root: str
    key_file: str

    @classmethod
    def of(cls, database: Database) -> Place:
        """Ask the server. Needs the rights of the extension's owner."""
        row = database.execute(_PLACE)[0]
        return cls(row["data_directory"], f"secret-{row['oid']}.key")

    @property
    def key_name(self) -> str:
        """The key file, as an error may name it."""
        return f"{DIRECTORY}/{self.key_file} in the data directory"

    def read(self) -> KeyRing | None:
        """Return the keys; None when there is no key file. Raises `ConfigurationError`."""
        with self._directory() as directory:
            if directory is None:
                return None
            content = _read(self.key_file, directory, self.key_name)
        return None if content is None else self._parse(content)

    def write(self, ring: KeyRing) -> None:
        """Replace the key file at once and durably. Raises `ConfigurationError`."""
        lines = [f"{key.id.hex()} {key.key.hex()}\n" for key in ring.keys]
        with _explained(self.key_name):
            self.make()
            with self._directory() as directory:
                _replace(self.key_file, directory, "".join(lines).encode())

    def secret_file(self, name: str) -> str | None:
        """Return what `secrets/<name>` holds, without white space around it.

        `name` must have been checked to be a plain file name. None when there
        is no such file. Raises `ConfigurationError`.
        """
        shown = f"{DIRECTORY}/{SECRETS}/{name} in the data directory"
        with self._directory(SECRETS) as directory:
            content = None if directory is None else _read(name, directory, shown)
        return None if content is None else content.decode("utf-8", "replace").strip()

    def make(self) -> None:
        """Make the directories that are missing. Raises `ConfigurationError`."""
        path = os.path.join(self.root, DIRECTORY)  # noqa: PTH118
        with _explained(f"{DIRECTORY} in the data directory"):
            for each in (path, os.path.join(path, SECRETS)):  # noqa: PTH118
                with contextlib.suppress(FileExistsError):
                    os.mkdir(each, 0o700)  # noqa: PTH102

    @contextmanager
    def _directory(self, below: str | None = None) -> Iterator[int | None]:
        """Open the directory, or the one below it, for the block; None: not there."""
        shown = f"{DIRECTORY} in the data directory"
        path = os.path.join(self.root, DIRECTORY)  # noqa: PTH118
        with contextlib.ExitStack() as opened:
            directory = _open(path, os.O_DIRECTORY, None, shown)
            if directory is not None:
                opened.callback(os.close, directory)
                _check_directory(directory, shown)
                if below is not None:
                    flags = os.O_DIRECTORY | os.O_NOFOLLOW
                    directory = _open(below, flags, directory, shown)
                    if directory is not None:
                        opened.callback(os.close, directory)
                        _check_directory(directory, shown)
            yield directory

    def _parse(self, content: bytes) -> KeyRing:
        try:
            pairs = [line.split() for line in content.decode("ascii").splitlines()]
            keys = tuple(Key(bytes.fromhex(a), bytes.fromhex(b)) for a, b in pairs)
        except ValueError:
            keys = ()
        if not keys or any(len(k.id) != ID_BYTES or len(k.key) != KEY_BYTES for k in keys):
            raise ConfigurationError(
                f"the key file of secrets is damaged: {self.key_name}",
                hint="Put its backup back; or remove it, run llm_secret_init() and set every "
                "secret again.",
            )
        return KeyRing(keys)


_PLACE = """
select
    pg_catalog.current_setting('data_directory') as data_directory,
    d.oid::text as oid
from pg_catalog.pg_database d
where d.datname operator(pg_catalog.=) pg_catalog.current_database()
"""


@contextmanager
def _explained(shown: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"the server cannot use {shown}: {error.strerror}",
            hint="It must belong to the operating system user that the server runs as.",
        ) from None


def _open(name: str, flags: int, directory: int | None, shown: str) -> int | None:
    with _explained(shown):
        try:
            return os.open(
                name, flags | os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=directory
            )
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise _refused(shown, "is a symbolic link", "Put the file itself there.") from None
            raise


def _check_directory(directory: int, shown: str) -> None:
    status = os.fstat(directory)
    if status.st_uid not in (os.geteuid(), 0) or status.st_mode & 0o022:
        raise _refused(
            shown, "can be changed by others", "It must be the server's user's, with mode 0700."
        )


def _read(name: str, directory: int, shown: str) -> bytes | None:
    file = _open(name, os.O_NOFOLLOW, directory, shown)
    if file is None:
        return None
    with contextlib.ExitStack() as opened:
        opened.callback(os.close, file)
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise _refused(shown, "is not a regular file", "Put the file itself there.")
        if not _private(status):
            raise _refused(
                shown,
                "is open to others",
                "It must belong to the server's user with mode 0600 or less, or to root with "
                "0640 or less.",
            )
        with _explained(shown):
            return os.read(file, _LIMIT)


def _private(status: os.stat_result) -> bool:
    closed = (status.st_uid == os.geteuid(), 0o077), (status.st_uid == 0, 0o037)
    return any(owned and not status.st_mode & bits for owned, bits in closed)


def _replace(name: str, directory: int | None, content: bytes) -> None:
    new = name + ".new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new, dir_fd=directory)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(new, flags, 0o600, dir_fd=directory), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(new, name, src_dir_fd=directory, dst_dir_fd=directory)
    if directory is not None:
        os.fsync(directory)


def _refused(shown: str, why: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"refused: {shown} {why}", hint=hint)

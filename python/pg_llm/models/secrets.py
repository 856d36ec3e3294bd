"""Secrets: encrypted under a key outside of the database, or references.

A secret has one endpoint, and `resolve` is the only way to its value: called
with the rights of the extension's owner by the function that sends it, and
never handed to SQL. A value is sealed (`sealing`) under a key of the
database's key file (`keyfile`); a reference (`references`) is kept by the
server's operator. Nothing is cached: a change holds at the next call.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pg_llm.errors import (
    ConfigurationError,
    InsufficientPrivilege,
    InvalidParameter,
    UndefinedObject,
)
from pg_llm.models import exposure
from pg_llm.models.keyfile import Key, KeyRing, Place
from pg_llm.models.origins import origin
from pg_llm.models.references import Reference, check_declared
from pg_llm.models.sealing import Damaged, Secret, UnknownKey, seal, unseal

if TYPE_CHECKING:
    from pg_llm.database import Database, Row

#: characters of a value; a row with it fits a page without TOAST
MAX_VALUE = 4096

# Writers come one after another; readers pass. On a standby this is where a
# write is refused, before any file is touched.
_LOCK = "lock table llm.secret, llm.secret_value in share row exclusive mode"

# What `resolve` asks runs in the functions of others: no operator is looked up
# through a search path.
_FIND = """
select s.name, s.kind, s.reference, s.endpoint, v.ciphertext
from llm.secret s
left join llm.secret_value v on v.name operator(pg_catalog.=) s.name
where s.name operator(pg_catalog.=) $1
"""
_PUT = """
insert into llm.secret (name, kind, reference, endpoint)
values ($1, $2, $3, $4)
on conflict (name) do update
set kind = excluded.kind,
    reference = excluded.reference,
    endpoint = excluded.endpoint,
    rotated = pg_catalog.clock_timestamp()
"""
_PUT_VALUE = """
insert into llm.secret_value (name, ciphertext)
values ($1, $2)
on conflict (name) do update
set ciphertext = excluded.ciphertext
"""
_SEALED = """
select s.name, s.endpoint, v.ciphertext
from llm.secret_value v
join llm.secret s on s.name = v.name
order by s.name
"""
_RESEALED = """
with resealed as (
    update llm.secret_value
    set ciphertext = $2
    where name = $1
)
update llm.secret
set rotated = pg_catalog.clock_timestamp()
where name = $1
"""

# Keys may go only where what this transaction sees is what will be there,
# whether it commits or not: nothing written so far, and a fresh snapshot.
_SEES_ALL = """
select
    pg_catalog.pg_current_xact_id_if_assigned() is null
    and pg_catalog.current_setting('transaction_isolation') = 'read committed' as sees_all
"""
_KEYS_IN_USE = """
select distinct pg_catalog.substring(v.ciphertext, 2, 8) as id from llm.secret_value v
"""


def resolve(database: Database, name: str, endpoint_host: str) -> str:
    """Return the value of a secret, to be sent to its endpoint and nowhere else.

    `endpoint_host` is the address of the request (scheme, host and port count).
    Needs the rights of the extension's owner. Raises `UndefinedObject`,
    `InsufficientPrivilege` for another endpoint than the secret's, and
    `ConfigurationError` when the value cannot be had on this server.
    """
    row = _row(database, name)
    endpoint = origin(endpoint_host)
    if row["endpoint"] != endpoint:
        raise InsufficientPrivilege(
            f'secret "{name}" belongs to another endpoint',
            hint="A secret goes to the endpoint that it was set for (llm.secrets); for another "
            "one, set it again.",
        )
    if row["kind"] != "value":
        return _referred(Place.of(database), row)
    try:
        return _value(database, row)
    except UnknownKey:
        # Read before a rotation whose former key is gone by now?
        return _known_value(database, _row(database, name))


def _row(database: Database, name: str) -> Row:
    rows = database.execute(_FIND, [name])
    if not rows:
        raise UndefinedObject(
            f'secret "{name}" does not exist', hint="select * from llm.secrets shows them."
        )
    return rows[0]


def _referred(place: Place, row: Row) -> Secret:
    reference = Reference.parse(f"{row['kind']}:{row['reference']}")
    if reference is None:
        raise _again(row["name"], "is not a reference")
    value, declared = reference.read(place)
    if value is None:
        raise ConfigurationError(
            f'secret "{row["name"]}" refers to something that is not on this server',
            hint=reference.hint,
        )
    check_declared(reference, declared, row["endpoint"])
    return Secret(_checked(value))


def _value(database: Database, row: Row) -> Secret:
    name = row["name"]
    if row["ciphertext"] is None:
        raise _again(name, "has no value in this database (a dump holds none)")
    place = Place.of(database)
    ring = place.read()
    if ring is None:
        raise _key_is_missing(place)
    try:
        return unseal(ring, name, row["endpoint"], row["ciphertext"])
    except Damaged:
        raise _again(name, "cannot be decrypted: it was changed") from None


def _known_value(database: Database, row: Row) -> Secret:
    try:
        return _value(database, row)
    except UnknownKey:
        raise ConfigurationError(
            f'secret "{row["name"]}" was encrypted under a key that is not on this server',
            hint="On a standby, copy the key file from the primary; elsewhere put its backup "
            "back, or set the secret again.",
        ) from None


def _again(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(f'secret "{name}" {why}', hint="Set it again: llm_secret_set.")


def _key_is_missing(place: Place) -> ConfigurationError:
    return ConfigurationError(
        f"the key file of secrets is missing: {place.key_name}",
        hint="Put it back (on a standby: copy it from the primary); or make a new one with "
        "llm_secret_init() and set every secret again.",
    )


def put(database: Database, name: str | None, value: str | None, endpoint: str | None) -> None:
    """Set a secret. Raises `InvalidParameter`, `InsufficientPrivilege`, `ConfigurationError`.

    No error repeats an argument: any of them may be the key, in the wrong place.
    """
    reference = Reference.parse((value or "").strip())
    if reference is None and value:
        exposure.warn(database, value.strip())
    if not name or len(name) > 63 or not name.isprintable():
        raise InvalidParameter("a secret needs a name of at most 63 printable characters")
    bound = origin(endpoint or "")
    checked = _checked(value or "")
    database.execute(_LOCK)
    if reference is not None:
        _put_reference(database, name, reference, bound)
        return
    ring = _ring_for_writing(database)
    database.execute(_PUT, [name, "value", None, bound])
    sealed = seal(ring.current, name, bound, checked)
    database.execute(_PUT_VALUE, [name, sealed], ["text", "bytea"])


def _checked(value: str) -> str:
    """Return the value without white space around it, fit for a header."""
    stripped = value.strip()
    if not re.fullmatch(r"[!-~]+", stripped) or len(stripped) > MAX_VALUE:
        raise InvalidParameter(
            f"the value of a secret must be 1 to {MAX_VALUE} visible ASCII characters",
            hint="Without spaces or line breaks inside.",
        )
    if stripped[0] in "'\"" and stripped[0] == stripped[-1]:
        raise InvalidParameter(
            "the value of a secret stands in quotes",
            hint="In psql, \\bind :name passes a variable as it is, \\bind :'name' in quotes.",
        )
    return stripped


def _put_reference(database: Database, name: str, reference: Reference, bound: str) -> None:
    value, declared = reference.read(Place.of(database))
    if declared is not None:
        check_declared(reference, declared, bound)
    if value is None or declared is None:
        database.message(
            "warning",
            "pg_llm: this server does not have what the secret refers to",
            hint=reference.hint,
        )
    database.execute(_PUT, [name, reference.kind, reference.name, bound])
    database.execute("delete from llm.secret_value where name = $1", [name])


def _ring_for_writing(database: Database) -> KeyRing:
    """Return the keys; the first secret of a database makes the file."""
    place = Place.of(database)
    ring = place.read()
    if ring is not None:
        return ring
    if database.execute(_KEYS_IN_USE, limit=1):
        raise _key_is_missing(place)
    return _new_ring(place)


def _new_ring(place: Place) -> KeyRing:
    ring = KeyRing((Key.new(),))
    place.write(ring)
    return ring


def drop(database: Database, name: str | None) -> None:
    """Remove a secret. Raises `UndefinedObject`."""
    database.execute(_LOCK)
    _row(database, name or "")
    database.execute("delete from llm.secret where name = $1", [name])


def init(database: Database) -> bool:
    """Make the key file, or remove keys from it that no secret uses; whether it was made."""
    database.execute(_LOCK)
    place = Place.of(database)
    ring = place.read()
    if ring is None:
        _new_ring(place)
        return True
    place.make()
    _prune(database, place, ring)
    return False


def rotate(database: Database) -> int:
    """Seal every value under a new key; return how many.

    The new key is on disk before a row uses it, and the former ones stay until
    no row can need them: a crash or rollback at any point loses nothing.
    """
    database.execute(_LOCK)
    place = Place.of(database)
    old = place.read()
    if old is None:
        raise _key_is_missing(place)
    ring = _prune(database, place, old).with_new()
    place.write(ring)
    return sum(_reseal(database, ring, row) for row in database.execute(_SEALED))


def _reseal(database: Database, ring: KeyRing, row: Row) -> bool:
    name, endpoint = row["name"], row["endpoint"]
    try:
        value = unseal(ring, name, endpoint, row["ciphertext"])
    except (UnknownKey, Damaged):
        database.message(
            "warning",
            f'pg_llm: secret "{name}" cannot be decrypted and was left as it is',
            hint="Set it again: llm_secret_set.",
        )
        return False
    sealed = seal(ring.current, name, endpoint, value)
    database.execute(_RESEALED, [name, sealed], ["text", "bytea"])
    return True


def _prune(database: Database, place: Place, ring: KeyRing) -> KeyRing:
    """Drop keys that no row uses. The caller holds the lock and has written nothing."""
    if not database.execute(_SEES_ALL)[0]["sees_all"]:
        return ring
    used = {bytes(row["id"]) for row in database.execute(_KEYS_IN_USE)}
    pruned = ring.without_all_but(used)
    if pruned != ring:
        place.write(pruned)
    return pruned

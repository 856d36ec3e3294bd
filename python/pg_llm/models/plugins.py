"""Providers that come as Python packages.

A plugin has an entry point in the group `pg_llm.providers` that names a
subclass of `Provider`. It is looked for beside the library, in the directory
`pg_llm-plugins`, and on the server's Python path. Its code runs inside the
server, so it is loaded only after a superuser has enabled it, by name and
package: another package with an entry point of the same name is not.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pg_llm
from pg_llm.errors import ConfigurationError, UndefinedObject
from pg_llm.library import isolated
from pg_llm.models.providers import BUILT_IN, Provider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.database import Database

GROUP = "pg_llm.providers"

#: where `pip install --target` puts plugins
DIRECTORY = Path(pg_llm.__file__).parents[2] / "pg_llm-plugins"


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry point: the provider's name, and where its code is."""

    name: str
    package: str
    version: str
    entry: metadata.EntryPoint


_ENABLED = "select p.package from llm.provider_plugins p where p.name operator(pg_catalog.=) $1"
_ENABLE = """
insert into llm.provider_plugins (name, package) values ($1, $2)
on conflict (name) do update set package = excluded.package
"""

# (name, package) -> class; the code of a package cannot be changed in a process
_loaded: dict[tuple[str, str], type[Provider]] = {}


def find(database: Database, name: str) -> type[Provider]:
    """Return the provider of that name: a built-in one or an enabled plugin's.

    Raises `UndefinedObject`, or `ConfigurationError` for a plugin that is
    enabled and cannot be loaded.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    rows = database.execute(_ENABLED, [name])
    if not rows:
        raise UndefinedObject(
            f'unknown provider "{name}"',
            hint="The providers are: " + ", ".join(sorted(BUILT_IN)) + ", and what a superuser "
            "has enabled with llm_provider_enable.",
        )
    key = (name, str(rows[0]["package"]))
    if key not in _loaded:
        _loaded[key] = _load(*key)
    return _loaded[key]


def installed() -> list[Plugin]:
    """Return the plugins that are installed, without loading their code."""
    return list(_installed())


def enable(database: Database, name: str) -> None:
    """Enable an installed plugin.

    Only who owns the table may: the insertion comes before any of its code.
    """
    packages = {plugin.package for plugin in _installed() if plugin.name == name}
    if len(packages) != 1 or name in BUILT_IN:
        raise UndefinedObject(
            f'there is no one plugin "{name}"',
            hint=f"Install one with pip install --target {DIRECTORY}; llm_provider_list() shows "
            "what is installed.",
        )
    (package,) = packages
    database.execute(_ENABLE, [name, package])
    _loaded[name, package] = _load(name, package)


def disable(database: Database, name: str) -> None:
    """Disable a plugin; models of it fail from the next call on."""
    database.execute(
        "delete from llm.provider_plugins p where p.name operator(pg_catalog.=) $1", [name]
    )


def _installed() -> Iterator[Plugin]:
    _look_beside()
    with isolated():
        found = metadata.entry_points(group=GROUP)
    for entry in found:
        if entry.dist is not None:
            yield Plugin(entry.name, entry.dist.name, entry.dist.version, entry)


def _look_beside() -> None:
    beside = str(DIRECTORY)
    if beside not in sys.path and DIRECTORY.is_dir():
        sys.path.append(beside)


def _load(name: str, package: str) -> type[Provider]:
    for plugin in _installed():
        if (plugin.name, plugin.package) == (name, package):
            return _class(plugin)
    raise ConfigurationError(
        f'plugin "{name}" of package "{package}" is enabled, but not installed',
        hint=f"pip install --target {DIRECTORY} {package}",
    )


def _class(plugin: Plugin) -> type[Provider]:
    try:
        with isolated():
            found = plugin.entry.load()
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything while it is imported
        raise ConfigurationError(
            f'plugin "{plugin.name}" cannot be loaded: {type(error).__name__}: {error}'
        ) from None
    if not (isinstance(found, type) and issubclass(found, Provider)) or found.name != plugin.name:
        raise ConfigurationError(
            f'plugin "{plugin.name}" does not name a provider of that name',
            hint="Its entry point must name a subclass of pg_llm.models.providers.Provider.",
        )
    return found

"""Keep passwords and keys out of what is stored.

A statement that names something secret-like keeps none of its literals: to
find out which of them is the secret would be clever, and wrong some day.
"""

from __future__ import annotations

import re
from typing import Final

from pg_llm.graph.logs import scanner

MASK: Final = "'***'"
_SECRET: Final = re.compile(
    # what such things are called
    r"passw|passphrase|passfile|\bpass\b|pwd|secret|token|credential|authori[sz]ation\s*[:'\"]|bearer\s"
    r"|(?:api|access|private|public|secret|encryption|signing|master|account|shared|auth|ssl|license)"
    r"[_-]?key|[._]key\b|user\s+mapping|\bpin\b|\bcvv|\botp\b"
    r"|密码|口令|密钥|令牌"
    # functions that take one
    r"|\bcrypt\s*\(|pgp_|\bhmac\s*\(|\b(?:en|de)crypt(?:_iv)?\s*\(|dblink|\bprogram\s+[e$']"
    # what they look like
    r"|://[^\s/:@']*:[^\s@']+@|\bsk-[\w-]{12}|\bAKIA[0-9A-Z]{12}|\bgh[pousr]_\w{16}|\bglpat-"
    r"|\bxox[abprs]-|\beyJ[\w-]{8,}\.|-----BEGIN|SCRAM-SHA-256\$|\bmd5[0-9a-f]{32}\b|\$2[aby]\$",
    re.IGNORECASE,
)
# A setting's value may stand without quotes.
_SETTING: Final = re.compile(
    r"^((?:set|alter\s+(?:role|user|database|system)\b.*?\bset)\b.*?(?:=|\bto\b)\s*).*",
    re.IGNORECASE | re.DOTALL,
)


def names_secret(text: str) -> bool:
    """Tell whether a text may hold a secret."""
    return _SECRET.search(text) is not None


def mask(text: str) -> str:
    """Return a statement without its literals and comments if it may hold a secret.

    Strings become '***' and numbers 0; a string that is cut off goes whole.
    """
    if not names_secret(text):
        return text
    return _SETTING.sub(rf"\g<1>{MASK}", scanner.replaced(text, MASK))


def mask_name(text: str) -> str:
    """Return an application's name, or the mask where it may hold a secret."""
    return MASK if names_secret(text) else text

"""What can go wrong on the way to an endpoint, told as our own errors."""

from __future__ import annotations

import contextlib
import email.utils
import json
import time
from typing import TYPE_CHECKING, Any

from pg_llm.errors import (
    ModelAnswerInvalid,
    ModelError,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

# Characters of an endpoint's own message that are passed on.
_MAX_MESSAGE = 300

_HINTS = {
    400: "The endpoint does not accept the request: check the options and the model's own limits.",
    401: "Check the secret of the model: llm_secret_set, llm_model_change.",
    402: "The provider's account has no credit left.",
    403: "The secret is not allowed to use this model: check its rights at the provider.",
    404: "Check the provider's name for the model and the endpoint (it usually ends in /v1).",
    413: "Shorten the prompt.",
    429: "The provider's account has no credit left.",
    422: "The endpoint does not accept the request: check the options.",
}


class Overloaded(ModelUnavailable):
    """A failure that may pass: worth another attempt, here or elsewhere.

    `retry_after` is the number of seconds that the endpoint asked for.
    """

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float | None = None):
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class BadRequest(ModelRefused):
    """The endpoint does not take what was sent: another text might pass."""


@contextlib.contextmanager
def told(name: str, host: str, key: str | None) -> Iterator[None]:
    """Turn what the client raises about model `name` at `host` into a `ModelError`."""
    import openai

    try:
        yield
    except ModelError:
        raise
    except openai.APIStatusError as error:
        raise _status(name, error, key) from None
    except openai.APITimeoutError:
        raise ModelTimeout(
            f'model "{name}": {host} did not answer in time',
            hint='Raise the setting "call_timeout" or the model\'s option "timeout".',
        ) from None
    except openai.APIConnectionError as error:
        raise _connection(name, host, error) from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise not_an_answer(name, "it is not JSON") from None
    except openai.APIError as error:
        raise Overloaded(f'model "{name}": {_clean(error.message, key)}') from None
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("httpx2", "httpcore2", "openai"):
            raise
        raise _connection(name, host, error) from None


def not_an_answer(name: str, why: str) -> ModelAnswerInvalid:
    """Return the error for an answer that is not one."""
    return ModelAnswerInvalid(
        f'model "{name}" gave an answer that cannot be used: {why}',
        hint=f"select * from llm_model_test('{name}') shows whether this model works at all.",
    )


def _status(name: str, error: Any, key: str | None) -> ModelError:
    status = error.status_code
    if 300 <= status < 400:
        return ModelRefused(
            f'model "{name}": the endpoint redirects to another address',
            hint="Redirects are not followed; enter the final address with llm_model_change.",
        )
    message = f'model "{name}": the endpoint answered {status}: {_clean(_said(error), key)}'
    if (status == 429 and error.code != "insufficient_quota") or status in (408, 409):
        return Overloaded(
            message,
            hint="The provider limits the rate of calls; try later, or give the model a fallback.",
            retry_after=_retry_after(error.response.headers),
        )
    if status >= 500:
        return Overloaded(
            message,
            hint="The provider has a problem; try later, or give the model a fallback.",
            retry_after=_retry_after(error.response.headers),
        )
    refused = BadRequest if status in (400, 413, 422) else ModelRefused
    return refused(message, hint=_HINTS.get(status))


def _connection(name: str, host: str, error: BaseException) -> ModelError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ModelError):
            return cause
        root, cause = cause, cause.__cause__ or cause.__context__
    text = str(root) or type(root).__name__
    if "CERTIFICATE" in text.upper() or "SSL" in text.upper():
        return ModelRefused(
            f'model "{name}": the TLS certificate of {host} cannot be verified: '
            f"{text[:_MAX_MESSAGE]}",
            hint="Install the certificate's authority in the system's store of the server.",
        )
    return Overloaded(
        f'model "{name}": no connection to {host}: {text[:_MAX_MESSAGE]}',
        hint="Check the endpoint, the name service and the firewall of the database server.",
    )


def _said(error: Any) -> str:
    body = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            inner = inner.get("message") or inner.get("code") or inner
        return str(inner)
    return str(body) if isinstance(body, str) and body else str(error.message)


def _clean(text: str, key: str | None) -> str:
    # An endpoint may repeat the key that it refuses.
    if key:
        text = text.replace(key, "***")
    text = " ".join(text.split())
    return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1] + "…"


def _retry_after(headers: Any) -> float | None:
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        with contextlib.suppress(ValueError):
            return max(0.0, float(value) * scale)
        with contextlib.suppress(ValueError, TypeError):
            return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    return None

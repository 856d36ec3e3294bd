"""Providers: what differs between endpoints that all speak the OpenAI API.

A provider is a subclass of `Provider` that sets class attributes. Limits and
addresses are those of the providers' own API references.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING: Mapping[str, object] = MappingProxyType({})


class Provider:
    """The attributes of a provider; a subclass overrides what is special."""

    #: the name in `llm_model_add(provider => …)`
    name: ClassVar[str]
    #: the endpoint where a row names none; None: a row must name one
    base_url: ClassVar[str | None] = None
    #: what its models can do
    kinds: ClassVar[frozenset[str]] = frozenset({"chat", "embed"})
    #: whether a model needs a secret
    needs_secret: ClassVar[bool] = False
    #: whether only the server's own host is allowed as an endpoint
    loopback_only: ClassVar[bool] = False
    #: texts in one embedding call
    max_batch: ClassVar[int] = 256
    #: characters in one embedding call (about four a token, one in Chinese)
    max_batch_characters: ClassVar[int] = 300_000
    #: embedding calls at the same time
    concurrency: ClassVar[int] = 4
    #: keys added to the body of every chat or embedding call
    chat_body: ClassVar[Mapping[str, object]] = _NOTHING
    embed_body: ClassVar[Mapping[str, object]] = _NOTHING
    #: how the provider calls options that have another name there
    renamed: ClassVar[Mapping[str, str]] = MappingProxyType({})
    #: how an answer in JSON is asked for: "json_schema", "json_object", None: in words only
    json_mode: ClassVar[str | None] = None

    @classmethod
    def adapt(cls, kind: str, body: dict[str, object]) -> dict[str, object]:  # noqa: ARG003
        """Return the body as it is sent; for what attributes cannot say. `kind`: chat, embed."""
        return body


class OpenAI(Provider):
    """ChatGPT's API."""

    name = "openai"
    base_url = "https://api.openai.com/v1"
    needs_secret = True
    max_batch = 2048
    renamed = MappingProxyType({"max_tokens": "max_completion_tokens"})
    json_mode = "json_schema"


class DeepSeek(Provider):
    """DeepSeek: chat only; answers may carry `reasoning_content`."""

    name = "deepseek"
    base_url = "https://api.deepseek.com/v1"
    kinds = frozenset({"chat"})
    needs_secret = True
    json_mode = "json_object"


class Hunyuan(Provider):
    """Tencent Hunyuan: enhancement (web search) is off unless a row turns it on."""

    name = "hunyuan"
    base_url = "https://api.hunyuan.cloud.tencent.com/v1"
    needs_secret = True
    max_batch = 200
    chat_body = MappingProxyType({"enable_enhancement": False})


class Qwen(Provider):
    """Alibaba DashScope (Qianwen) in its OpenAI-compatible mode."""

    name = "qwen"
    base_url = "https://dashscope.aliyuncs.com/compatible-mode/v1"
    needs_secret = True
    max_batch = 10
    max_batch_characters = 80_000
    json_mode = "json_object"


class OpenAICompatible(Provider):
    """Ollama, vLLM, LM Studio, Azure's v1 API and others: the row names the endpoint."""

    name = "openai_compatible"


class Scripted(Provider):
    """The scripted server of `python -m pg_llm.models.scripted`, on this host."""

    name = "scripted"
    loopback_only = True


class Static(Provider):
    """The embedded embedding: no endpoint at all."""

    name = "static"
    kinds = frozenset({"embed"})


BUILT_IN: Mapping[str, type[Provider]] = MappingProxyType(
    {
        provider.name: provider
        for provider in (OpenAI, DeepSeek, Hunyuan, Qwen, OpenAICompatible, Scripted, Static)
    }
)

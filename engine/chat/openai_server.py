"""Where an OpenAI-compatible server is, what lets us in, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from engine.chat.openai_wire import excerpt
from engine.chat.values import ModelOutage
from engine.config import ProposerSettings
from engine.errors import ConfigError, OuroborosError

NO_SUCH_PLACE = frozenset({404, 405})
_CONNECT_SECONDS = 10.0
# uvicorn, and so vLLM, hangs up after 5 idle seconds; we do so first, or a request could meet
# a closing connection.
_IDLE_SECONDS = 2.0
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Denied(Exception):
    """A reply whose status will be the same next time."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server as the configuration names it. Of its address, messages show ``shown`` only."""

    url: httpx2.URL = field(repr=False)
    shown: str
    key_env: str
    key: str = field(repr=False)
    login: tuple[str, str] | None = field(repr=False)

    @classmethod
    def of(cls, settings: ProposerSettings, environ: Mapping[str, str]) -> Server:
        """Raises ConfigError for an address that is none, or a key that no header can carry."""
        url = _base_url(settings.url)
        # Credentials in the address are meant for this server; the key may be for another one.
        login = (url.username, url.password) if url.userinfo else None
        key = "" if login else environ.get(settings.api_key_env, "").strip()
        if not (key.isascii() and key.isprintable()):
            raise ConfigError(
                f"the environment variable {settings.api_key_env} (proposer.api_key_env) holds "
                "characters that no key has; set it to the server's key"
            )
        url = url.copy_with(username=None, password=None)
        return cls(
            url=url,
            shown=str(url).rstrip("/"),
            key_env=settings.api_key_env,
            key=key,
            login=login,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What a quoted reply must not show. Shorter ones hide nothing, and would garble it."""
        found = (self.key, self.login[1] if self.login else "")
        return tuple(secret for secret in found if len(secret) >= 4)

    def client(self, settings: ProposerSettings) -> httpx2.AsyncClient:
        """A client for requests relative to the address; as many at once as are made."""
        limit = settings.reply_seconds
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        return httpx2.AsyncClient(
            base_url=self.url,
            auth=self.login,
            headers=headers,
            timeout=httpx2.Timeout(limit, connect=min(limit, _CONNECT_SECONDS)),
            limits=httpx2.Limits(
                max_keepalive_connections=settings.concurrency, keepalive_expiry=_IDLE_SECONDS
            ),
            # A proxy of the environment leads away from this machine, never to a server on it.
            trust_env=self.url.host not in _LOOPBACK,
        )

    def fault(self, denied: Denied) -> OuroborosError:
        """The error for a status that no further try will change."""
        said = f"{self.shown}: HTTP {denied.status}, {excerpt(denied.body, self.secrets)}"
        if denied.status in (401, 403):
            if self.login:
                return ConfigError(f"{said}; correct the user name and password in proposer.url")
            sent = "was sent and not taken" if self.key else "is not set"
            return ConfigError(
                f"{said}; set the environment variable {self.key_env} (proposer.api_key_env), "
                f"which {sent}, to a key of this server"
            )
        if denied.status in NO_SUCH_PLACE or denied.status < 400:
            return ConfigError(
                f"{said}; set proposer.url to where the server's API begins, mostly ending in /v1"
            )
        return ModelOutage(
            f"{said}; see to the server, then run the same command again to go on: answers so far "
            "are kept"
        )


def _base_url(text: str) -> httpx2.URL:
    """The address with one slash at its end. Raises ConfigError, showing no credentials."""
    shown = text.rpartition("@")[2].partition("?")[0]
    wanted = "write the address of the server's API, such as http://127.0.0.1:8000/v1"
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL as error:
        # What was wrong with it may quote a password.
        raise ConfigError(f"proposer.url = {shown!r} cannot be read; {wanted}") from error
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise ConfigError(f"proposer.url = {shown!r} is not what is needed; {wanted}")
    return url.copy_with(path=url.path.rstrip("/") + "/")

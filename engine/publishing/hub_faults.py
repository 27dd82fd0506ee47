"""What the Hub's refusals mean: whether to try again, and one line for a person.

The client's errors are told apart by what they derive from. Its HTTP library has changed from one
release to the next; whatever it is, its errors share the base of the client's own
``HfHubHTTPError``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import EnvironmentFault, InputError, OuroborosError

# What passes by itself: timeouts, rate limits, and servers that are overwhelmed or restarting.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
OVERTAKEN = 412
_TAKEN = 409
AGAIN = "run the same command again to go on; what was sent is not sent twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error as the Hub meant it; ``status`` is None where there was no answer at all."""

    status: int | None
    text: str
    wait_s: float | None = None
    missing: bool = False

    @property
    def passing(self) -> bool:
        """Whether the same request may well succeed a little later."""
        return self.status is None or self.status in _PASSING

    @property
    def taken(self) -> bool:
        return self.status == _TAKEN


def fault_of(error: BaseException) -> Fault | None:
    """What an error raised by the client says of the Hub; None where it is about something else."""
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    library = tuple(base for base in HfHubHTTPError.__bases__ if base is not OSError)
    for each in _causes(error):
        if isinstance(each, HfHubHTTPError):
            answer = each.response
            return Fault(
                status=answer.status_code,
                text=_one_line(each.server_message or answer.reason_phrase or ""),
                wait_s=_wait(dict(answer.headers)),
                missing=isinstance(each, RepositoryNotFoundError),
            )
        if isinstance(each, (*library, ConnectionError)):
            return Fault(status=None, text=_one_line(str(each)) or type(each).__name__)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from: the client wraps those of its upload threads."""
    known: BaseException | None = error
    while known is not None:
        yield known
        known = known.__cause__


def _wait(headers: dict[str, str]) -> float | None:
    """Seconds the Hub asks to wait, by its rate limit's reset or ``Retry-After``."""
    from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]

    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    stated = headers.get("retry-after", "").strip()
    return float(stated) if stated.isdigit() else None


def explained(fault: Fault, repo_id: str, endpoint: str, doing: str) -> OuroborosError:
    """One line for a person: what was refused, and what to do about it."""
    said = f"{fault.status}: {fault.text}" if fault.text else str(fault.status)
    where = f"{repo_id}: the Hub ({endpoint})"
    if fault.status is None:
        return EnvironmentFault(f"{where} cannot be reached {doing} ({fault.text}); {AGAIN}")
    if fault.status == 401:
        return InputError(
            f"{where} does not know who asks {doing} ({said}); log in with `hf auth login`, or put "
            "a valid token into HF_TOKEN"
        )
    if fault.status == 403:
        return InputError(
            f"{where} does not allow this token {doing} ({said}); use one that may write to "
            f"{repo_id.partition('/')[0]}'s repositories, or another name"
        )
    if fault.status == 404:
        return InputError(
            f"{where} has no such repository {doing} ({said}); check the name, and that the token "
            "may see it"
        )
    if fault.passing:
        return EnvironmentFault(
            f"{where} is not up to it {doing} ({said}), tried several times; {AGAIN}"
        )
    return InputError(f"{where} refuses {doing} ({said}); correct that and run the command again")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]

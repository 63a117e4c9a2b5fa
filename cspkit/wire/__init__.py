"""The only HTTP: calls, tokens, errors, and reading what comes back."""

from cspkit.wire.reading import Record, instant, plain, records
from cspkit.wire.service_clock import ServiceClock
from cspkit.wire.sessions import Answer, Wire
from cspkit.wire.tokens import AzureTokens, FixedTokens, NoTokens, TokenProvider, has_mfa

__all__ = [
    "Answer",
    "AzureTokens",
    "FixedTokens",
    "NoTokens",
    "Record",
    "ServiceClock",
    "TokenProvider",
    "Wire",
    "has_mfa",
    "instant",
    "plain",
    "records",
]

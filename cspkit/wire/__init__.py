"""The only HTTP: calls, tokens, errors, and reading what comes back."""

from cspkit.wire.reading import Record, instant, plain, records
from cspkit.wire.service_clock import ServiceClock
from cspkit.wire.sessions import Answer, Wire
from cspkit.wire.tokens import AzureTokens, FixedTokens, TokenProvider

__all__ = [
    "Answer",
    "AzureTokens",
    "FixedTokens",
    "Record",
    "ServiceClock",
    "TokenProvider",
    "Wire",
    "instant",
    "plain",
    "records",
]

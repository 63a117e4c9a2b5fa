"""The only HTTP: calls, tokens, errors, whole lists, and reading what comes back."""

from cspkit.wire.dialling import dial, dial_azure, dial_price_sheets, sign_in
from cspkit.wire.faults import Sent
from cspkit.wire.limits import Limiter
from cspkit.wire.paging import Bad, Listed, Step, by_header, odata, read_all, seek
from cspkit.wire.reading import Record, Unreadable, instant, plain, records
from cspkit.wire.sending import Answer
from cspkit.wire.service_clock import ServiceClock
from cspkit.wire.sessions import BUSY, Wire
from cspkit.wire.signing_in import SecureApp, TokenFile
from cspkit.wire.tokens import AzureTokens, FixedTokens, NoTokens, TokenProvider, has_mfa

__all__ = [
    "BUSY",
    "Answer",
    "AzureTokens",
    "Bad",
    "FixedTokens",
    "Limiter",
    "Listed",
    "NoTokens",
    "Record",
    "SecureApp",
    "Sent",
    "ServiceClock",
    "Step",
    "TokenFile",
    "TokenProvider",
    "Unreadable",
    "Wire",
    "by_header",
    "dial",
    "dial_azure",
    "dial_price_sheets",
    "has_mfa",
    "instant",
    "odata",
    "plain",
    "read_all",
    "records",
    "seek",
    "sign_in",
]

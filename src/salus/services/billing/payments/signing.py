"""Notices signed with a shared secret: HMAC-SHA256 over the exact bytes. https://www.rfc-editor.org/rfc/rfc2104"""

import hashlib
import hmac

import msgspec

from salus.base.errors import Forbidden, Malformed
from salus.services.billing.payments.port import Notice, Told


def signed(secret: bytes, told: Told) -> Notice:
    """A notice of what is told, and its signature in hexadecimal."""
    body = msgspec.json.encode(told)
    return Notice(body, signature(secret, body))


def signature(secret: bytes, body: bytes) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def opened(secret: bytes, notice: Notice) -> Told:
    """What a notice tells. Raises Forbidden when somebody else signed it or altered it, Malformed."""
    if not hmac.compare_digest(signature(secret, notice.body), notice.signature.strip().lower()):
        raise Forbidden("This notice is not signed as its provider signs: it was altered, or the secret is another")
    try:
        return msgspec.json.decode(notice.body, type=Told)
    except msgspec.DecodeError as fault:
        raise Malformed(f"This notice cannot be read: {fault}") from None

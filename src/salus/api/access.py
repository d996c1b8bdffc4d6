"""Who stands at a machine's door: a signed bearer token names the actor and the purpose.

Tokens are JWTs (https://www.rfc-editor.org/rfc/rfc7519), signed with the installation's secret (HS256).
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from salus.base import clock
from salus.base.errors import Unauthorized
from salus.privacy import Actor, Purpose, Role

Identify = Callable[[Mapping[bytes, bytes]], tuple[Actor, Purpose]]
ALGORITHM = "HS256"
WHERE = "get a new one with `salus token`"


def grant(secret: bytes, actor: Actor, purpose: Purpose, lasts: timedelta) -> str:
    """A token that lets its bearer act as `actor` for `purpose` until `lasts` from now has passed."""
    claims = {
        "sub": actor.reference,
        "role": actor.role,
        "patient": actor.patient,
        "purpose": purpose,
        "exp": int((clock.now() + lasts).timestamp()),
    }
    return jwt.encode({"alg": ALGORITHM}, claims, OctKey.import_key(secret))


def identify_by(secret: bytes) -> Identify:
    """The check of a door: from request headers (lower-case names) to the actor and the purpose.

    Raises Unauthorized when there is no bearer token, when its signature is not ours, or when it has expired.
    """
    key = OctKey.import_key(secret)

    @lru_cache(maxsize=4096)
    def granted(header: bytes) -> tuple[float, tuple[Actor, Purpose]]:
        """Until when, and what. A signature that was ours stays ours."""
        scheme, _, token = header.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized(f"This door asks for `Authorization: Bearer TOKEN`: {WHERE}")
        try:
            claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError) as fault:
            raise Unauthorized(f"The bearer token cannot be trusted: {WHERE}") from fault
        who = Actor(claims["sub"], Role(claims["role"]), claims["patient"])
        return claims["exp"], (who, Purpose(claims["purpose"]))

    def identify(headers: Mapping[bytes, bytes]) -> tuple[Actor, Purpose]:
        until, who = granted(headers.get(b"authorization", b""))
        if until <= clock.now().timestamp():
            raise Unauthorized(f"The bearer token has expired: {WHERE}")
        return who

    return identify

"""Who is signed in, in a signed cookie that scripts cannot read; and the token that proves a form is ours.

Cookies: https://www.rfc-editor.org/rfc/rfc6265. A form's token is an HMAC of a random cookie, so another site can
neither read nor guess it (signed double submit):
https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from salus.base import clock
from salus.base.errors import Forbidden
from salus.web.accounts import ACCOUNTS, Account

SESSION, FORM, LANGUAGE, THEME = "salus_session", "salus_form", "salus_language", "salus_theme"
SHIFT = timedelta(hours=10)
AUDIENCE = "salus.web"
ALGORITHM = "HS256"


def opened(secret: bytes, account: Account) -> str:
    """The cookie of someone who has just signed in; good for one shift."""
    claims = {"sub": account.key, "aud": AUDIENCE, "exp": int((clock.now() + SHIFT).timestamp())}
    return jwt.encode({"alg": ALGORITHM}, claims, OctKey.import_key(secret))


def account_of(secret: bytes, cookie: str | None, demo: bool) -> Account | None:
    """Who the cookie names; nobody when it is not ours, has expired, or demonstration accounts are shut."""
    try:
        claims = jwt.decode(cookie or "", OctKey.import_key(secret), algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError):
        return None
    if not demo or claims.get("aud") != AUDIENCE or claims["exp"] <= clock.now().timestamp():
        return None
    return ACCOUNTS.get(claims["sub"])


def form_cookie() -> str:
    """A new random value to bind forms to this browser."""
    return secrets.token_urlsafe(24)


def form_token(secret: bytes, cookie: str) -> str:
    return hmac.new(secret, f"form {cookie}".encode(), sha256).hexdigest()


def check_form(secret: bytes, cookies: Mapping[str, str], given: str | None, fetch_site: str | None) -> None:
    """Raises Forbidden unless the form came from one of our own pages in this browser."""
    cookie = cookies.get(FORM, "")
    genuine = bool(cookie) and hmac.compare_digest(form_token(secret, cookie).encode(), (given or "").encode())
    if not genuine or fetch_site in ("cross-site", "same-site"):
        raise Forbidden("This form was not sent from a page of ours, or has expired: load the page again, then send it")

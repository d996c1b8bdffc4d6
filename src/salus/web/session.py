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
FOR = "salus_for"  # for whom somebody acts, where it is not themselves
SHIFT = timedelta(hours=10)
AUDIENCE, CHOICE = "salus.web", "salus.web.for"
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


def chosen(secret: bytes, account: Account, child: str) -> str:
    """The cookie that says for which child (its id) an account acts. It gives no right: that is asked at each page."""
    claims = {"sub": account.key, "for": child, "aud": CHOICE, "exp": int((clock.now() + SHIFT).timestamp())}
    return jwt.encode({"alg": ALGORITHM}, claims, OctKey.import_key(secret))


def child_of(secret: bytes, cookie: str, account: Account) -> str | None:
    """The child that the cookie names; None when it is not ours, of another account, or has expired."""
    try:
        claims = jwt.decode(cookie, OctKey.import_key(secret), algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError):
        return None
    ours = claims.get("aud") == CHOICE and claims.get("sub") == account.key
    return str(claims["for"]) if ours and claims["exp"] > clock.now().timestamp() else None


def form_cookie() -> str:
    """A new random value to bind forms to this browser."""
    return secrets.token_urlsafe(24)


def form_token(secret: bytes, cookie: str, child: str = "") -> str:
    """Bound to whom somebody acts for: a form that was opened for one child does nothing for another."""
    return hmac.new(secret, f"form {cookie} {child}".rstrip().encode(), sha256).hexdigest()


def check_form(
    secret: bytes, cookies: Mapping[str, str], given: str | None, fetch_site: str | None, child: str = ""
) -> None:
    """Raises Forbidden unless the form came from one of our own pages in this browser, opened for whom it is sent."""
    cookie = cookies.get(FORM, "")
    genuine = bool(cookie) and hmac.compare_digest(form_token(secret, cookie, child).encode(), (given or "").encode())
    if not genuine or fetch_site in ("cross-site", "same-site"):
        raise Forbidden("This form was not sent from a page of ours, or has expired: load the page again, then send it")

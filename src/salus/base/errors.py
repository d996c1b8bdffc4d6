"""One error tree; a kind of error has one HTTP status and one exit code.

    SalusError
    ├── Invalid       422  exit 65   what was given breaks a rule
    ├── Malformed     400  exit 65   what was given cannot be read at all
    ├── Unsupported   400  exit 64   a request this system does not serve
    ├── Unauthorized  401  exit 77   nobody has said who asks
    ├── Forbidden     403  exit 77   this person may not do this
    ├── Missing       404  exit 66   nothing stands at that address
    ├── Gone          410  exit 66   it stood there and was deleted
    ├── Conflict      409  exit 75   another change came first
    ├── Stale         412  exit 75   the version named is not the current one
    ├── Lacking       412  exit 66   what a decision needs is not there
    ├── WrongMethod   405  exit 64   that address does not know this verb
    ├── NotAcceptable 406  exit 64   the form asked for is not one we write
    ├── TooLarge      413  exit 65   more than we take at once
    ├── WrongMedia    415  exit 64   the form sent is not one we read
    ├── Busy          503  exit 75   try again later
    ├── Full          507  exit 74   no room left to store it
    └── Damaged       500  exit 74   what was stored is no longer what was written

HTTP statuses: https://hl7.org/fhir/R4/http.html#Status-Codes; exit codes: BSD sysexits.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong: the FHIR issue code, the path (FHIRPath-like) and words with the value and the cure.

    Codes: https://hl7.org/fhir/R4/valueset-issue-type.html
    """

    code: str
    path: str
    text: str
    severity: str = "error"


class SalusError(Exception):
    """What was wrong, with the value, and what to do. Carries one or more issues."""

    status = 500
    exit_code = 70
    code = "exception"

    def __init__(self, text: str, *, path: str = "", issues: list[Issue] | None = None) -> None:
        super().__init__(text)
        self.issues = issues or [Issue(self.code, path, text)]


class Invalid(SalusError):
    status, exit_code, code = 422, 65, "invalid"


class Malformed(SalusError):
    status, exit_code, code = 400, 65, "structure"


class Unsupported(SalusError):
    status, exit_code, code = 400, 64, "not-supported"


class Unauthorized(SalusError):
    status, exit_code, code = 401, 77, "login"


class Forbidden(SalusError):
    status, exit_code, code = 403, 77, "forbidden"


class Missing(SalusError):
    status, exit_code, code = 404, 66, "not-found"


class Gone(SalusError):
    status, exit_code, code = 410, 66, "deleted"


class Conflict(SalusError):
    status, exit_code, code = 409, 75, "conflict"


class Stale(SalusError):
    status, exit_code, code = 412, 75, "conflict"


class Lacking(SalusError):
    status, exit_code, code = 412, 66, "not-found"


class WrongMethod(SalusError):
    status, exit_code, code = 405, 64, "not-supported"


class NotAcceptable(SalusError):
    status, exit_code, code = 406, 64, "not-supported"


class TooLarge(SalusError):
    status, exit_code, code = 413, 65, "too-long"


class WrongMedia(SalusError):
    status, exit_code, code = 415, 64, "not-supported"


class Busy(SalusError):
    status, exit_code, code = 503, 75, "transient"


class Full(SalusError):
    status, exit_code, code = 507, 74, "no-store"


class Damaged(SalusError):
    status, exit_code, code = 500, 74, "exception"

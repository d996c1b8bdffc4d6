"""Times as whole microseconds since 1970 in UTC, so that comparing and subtracting them is exact."""

from datetime import UTC, datetime, timedelta

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000


def moment_us(moment: datetime) -> int:
    """Microseconds since 1970 in UTC. A moment without a zone is taken as UTC.

    >>> moment_us(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

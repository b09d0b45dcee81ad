"""The station's clock: what it believes the time to be, which is not always what it is."""

from datetime import UTC, datetime, timedelta

TOLERATED = timedelta(seconds=2)


class StationClock:
    """UTC as the station believes it to be: real time plus an error that its next boot may correct."""

    def __init__(self, error: timedelta = timedelta()) -> None:
        self.error = error

    def now(self) -> datetime:
        return datetime.now(UTC) + self.error

    @staticmethod
    def real() -> datetime:
        """Real time: what the meter and the world go by."""
        return datetime.now(UTC)

    def adjust(self, central: datetime, took: timedelta = timedelta()) -> None:
        """Take over the central system's time on a boot reply that `took` so long, unless they all but agree: the reply may say
        whole seconds, and a clock that steps back by less than its message took is worse than one that is a little off."""
        error = central - datetime.now(UTC)
        if not error - TOLERATED < self.error < error + took + TOLERATED:
            self.error = error

    def jump(self, by: timedelta) -> None:
        """An accident: the battery of the clock, a wrong time server."""
        self.error += by


def wire_time(at: datetime) -> str:
    """RFC 3339 with milliseconds and Z, the form that most stations send."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_time(text: str) -> datetime:
    """What the central system sent; a time without a zone is UTC. Raises ValueError."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)

"""When people are there, by a persona's office hours. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from personas.schema import OfficeHours

# A week and a day: what opens once a week is found from any moment.
DAYS_AHEAD = 8
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Span = tuple[datetime, datetime]


def is_open(hours: OfficeHours, now: datetime) -> bool:
    """Whether people are there now. They always are where no hours are given. `now` is aware."""
    return not _has_hours(hours) or any(begins <= now < ends for begins, ends in _spans(hours, now))


def opens_at(hours: OfficeHours, now: datetime) -> datetime | None:
    """When people are there next, if they are not there now."""
    if is_open(hours, now):
        return None
    return min((begins for begins, _ends in _spans(hours, now) if begins > now), default=None)


def _has_hours(hours: OfficeHours) -> bool:
    return any(getattr(hours.weekdays, day) for day in DAYS)


def _spans(hours: OfficeHours, now: datetime) -> Iterator[Span]:
    """From yesterday, whose night may reach into today, to a week ahead."""
    zone = ZoneInfo(hours.timezone)
    today = now.astimezone(zone).date()
    for offset in range(-1, DAYS_AHEAD):
        day = today + timedelta(days=offset)
        for span in filter(None, getattr(hours.weekdays, DAYS[day.weekday()]).split(", ")):
            begins, _, ends = span.partition("-")
            yield _moment(day, begins, zone), _moment(day + timedelta(days=ends <= begins), ends, zone)


def _moment(day: date, text: str, zone: ZoneInfo) -> datetime:
    if text == "24:00":
        return datetime.combine(day + timedelta(days=1), time(), zone)
    return datetime.combine(day, time.fromisoformat(text), zone)

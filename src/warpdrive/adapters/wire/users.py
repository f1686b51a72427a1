"""Users on the wire."""

from typing import Final

from warpdrive.adapters.wire.as_of import as_of_message
from warpdrive.adapters.wire.binding import Binding, Fields, query
from warpdrive.adapters.wire.fields import required, whole_days
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.users import USUAL_DAYS, UserView


def user_message(view: UserView) -> Fields:
    """Write what one user did and holds."""
    return {
        "user": view.user,
        "teams": list(view.teams),
        "backends": [
            {
                "backend": each.backend,
                "opens": each.opens,
                "bytes_read": each.bytes_read,
                "hits": each.hits,
                "misses": each.misses,
                "last_day": each.last_day.isoformat(),
            }
            for each in view.backends
        ],
        "objects": [
            {
                "backend": each.backend,
                "key": each.key,
                "bytes": each.bytes,
                "opens": each.opens,
                "bytes_read": each.bytes_read,
                "last_day": each.last_day.isoformat(),
            }
            for each in view.objects
        ],
        "jobs": [
            {
                "job": each.job,
                "opens": each.opens,
                "bytes_read": each.bytes_read,
                "last_day": each.last_day.isoformat(),
            }
            for each in view.jobs
        ],
        "reader_bytes": view.reader_bytes,
        "as_of": as_of_message(view.as_of),
    }


BINDINGS: Final[tuple[Binding, ...]] = (
    query(
        "GovernanceService/GetUser",
        wire.GetUserRequest,
        lambda plane, call, request: plane.users.get(
            call, required("user", request.user), days=whole_days("days", request.days, USUAL_DAYS)
        ),
        user_message,
    ),
)

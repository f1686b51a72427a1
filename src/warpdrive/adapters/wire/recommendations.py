"""Recommendations and their dismissals on the wire."""

from typing import Final

from warpdrive.adapters.wire.as_of import as_of_message
from warpdrive.adapters.wire.binding import Binding, Fields, command, query
from warpdrive.adapters.wire.fields import required
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.recommendations import DismissalView, RecommendationsView, RecommendationView


def dismissal_message(view: DismissalView) -> Fields:
    """Write what was decided about a recommendation."""
    return {
        "recommendation": view.recommendation,
        "dismissed": view.dismissed,
        "reason": view.reason,
        "by": view.by,
        "at": view.at,
        "version": view.version,
    }


def _recommendation_message(view: RecommendationView) -> Fields:
    return {
        "id": view.id,
        "kind": view.kind,
        "team": view.team,
        "backend": view.backend,
        "summary": view.summary,
        "evidence": list(view.evidence),
        "assumptions": list(view.assumptions),
        "objects": view.objects,
        "bytes": view.bytes,
        "saving_low": view.saving_low,
        "saving_high": view.saving_high,
        "currency": view.currency,
        "dismissal": None if view.dismissal is None else dismissal_message(view.dismissal),
    }


def recommendations_message(view: RecommendationsView) -> Fields:
    """Write what could be done."""
    return {
        "recommendations": [_recommendation_message(each) for each in view.recommendations],
        "as_of": as_of_message(view.as_of),
    }


BINDINGS: Final[tuple[Binding, ...]] = (
    query(
        "GovernanceService/ListRecommendations",
        wire.ListRecommendationsRequest,
        lambda plane, call, request: plane.recommendations.get(
            call,
            kind=request.kind,
            team=request.team,
            backend=request.backend,
            dismissed=request.dismissed,
            book=request.book,
        ),
        recommendations_message,
    ),
    command(
        "GovernanceService/DismissRecommendation",
        wire.DismissRecommendationRequest,
        lambda plane, call, request: plane.recommendations.dismiss(
            call, required("recommendation", request.recommendation), required("reason", request.reason)
        ),
        dismissal_message,
    ),
    command(
        "GovernanceService/RestoreRecommendation",
        wire.RestoreRecommendationRequest,
        lambda plane, call, request: plane.recommendations.restore(
            call, required("recommendation", request.recommendation)
        ),
        dismissal_message,
    ),
)

"""Every call of the API. Generated from the API's schema by `make clients`; do not edit."""

from __future__ import annotations

from typing import Literal, cast

from recsite_client import types
from recsite_client.transport import Transport, path


class Client(Transport):
    """The API of one Recsite site; each call returns the answer or raises `Problem`."""

    def drift(
        self,
        *,
        category: str | None = None,
        cursor: str | None = None,
        direction: Literal["falling", "rising"] | None = None,
        limit: int | None = None,
        min_confidence: float | None = None,
        since: str | None = None,
    ) -> types.DriftOutput:
        """Return a page of drift events; the first comes with the list of drifters."""
        return cast(
            "types.DriftOutput",
            self.request(
                "GET",
                path("/api/v1/drift"),
                query={
                    "category": category,
                    "cursor": cursor,
                    "direction": direction,
                    "limit": limit,
                    "min_confidence": min_confidence,
                    "since": since,
                },
            ),
        )

    def evaluations(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> types.EvaluationsOutput:
        """Return a page of evaluations, newest first."""
        return cast(
            "types.EvaluationsOutput",
            self.request(
                "GET", path("/api/v1/evaluations"), query={"cursor": cursor, "limit": limit}
            ),
        )

    def record_events(self, body: types.RecordEventsInput) -> types.RecordEventsOutput:
        """Store up to 1,000 events; those that cannot be stored are listed, the others are stored."""
        return cast(
            "types.RecordEventsOutput", self.request("POST", path("/api/v1/events"), body=body)
        )

    def experiments(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> types.ExperimentsOutput:
        """Return a page of experiments, newest first."""
        return cast(
            "types.ExperimentsOutput",
            self.request(
                "GET", path("/api/v1/experiments"), query={"cursor": cursor, "limit": limit}
            ),
        )

    def put_items(self, body: types.ItemBatchInput) -> types.ItemBatchOutput:
        """Make up to 1,000 items or replace what is known of them, each as PUT does; those that cannot be kept are listed, the others are stored before the answer."""
        return cast("types.ItemBatchOutput", self.request("POST", path("/api/v1/items"), body=body))

    def read_item(self, item_id: str) -> types.DescribedItemOutput:
        """Return an item."""
        return cast(
            "types.DescribedItemOutput",
            self.request("GET", path("/api/v1/items/{item_id}", item_id=item_id)),
        )

    def put_item(self, item_id: str, body: types.DescribedItemInput) -> types.DescribedItemOutput:
        """Make an item or replace what is known of it; categories that are new are made."""
        return cast(
            "types.DescribedItemOutput",
            self.request("PUT", path("/api/v1/items/{item_id}", item_id=item_id), body=body),
        )

    def change_item(
        self, item_id: str, body: types.PatchedDescribedItemInput
    ) -> types.DescribedItemOutput:
        """Replace what is given of an item and leave the rest; attributes are replaced as a whole."""
        return cast(
            "types.DescribedItemOutput",
            self.request("PATCH", path("/api/v1/items/{item_id}", item_id=item_id), body=body),
        )

    def remove_item(self, item_id: str) -> types.DescribedItemRemoved:
        """Take an item out of the catalogue: deleted where nobody has used or seen it, hidden otherwise."""
        return cast(
            "types.DescribedItemRemoved",
            self.request("DELETE", path("/api/v1/items/{item_id}", item_id=item_id)),
        )

    def similar_items(self, item_id: str, *, n: int | None = None) -> types.SimilarItemsOutput:
        """Return similar items; none for an item that no training has seen yet."""
        return cast(
            "types.SimilarItemsOutput",
            self.request(
                "GET", path("/api/v1/items/{item_id}/similar", item_id=item_id), query={"n": n}
            ),
        )

    def outcomes(
        self,
        *,
        cursor: str | None = None,
        dimension: str | None = None,
        limit: int | None = None,
        metric: Literal["click_through", "conversion", "dwell", "rating", "satisfaction"]
        | None = None,
        placement: str | None = None,
        span: Literal[
            "28-days-before",
            "7-days-before",
            "day",
            "day-before",
            "hour",
            "last-28-days",
            "last-7-days",
            "last-day",
        ]
        | None = None,
    ) -> types.OutcomesOutput:
        """Return a page of rates, oldest first."""
        return cast(
            "types.OutcomesOutput",
            self.request(
                "GET",
                path("/api/v1/outcomes"),
                query={
                    "cursor": cursor,
                    "dimension": dimension,
                    "limit": limit,
                    "metric": metric,
                    "placement": placement,
                    "span": span,
                },
            ),
        )

    def placements(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> types.PlacementsOutput:
        """Return a page of placements."""
        return cast(
            "types.PlacementsOutput",
            self.request(
                "GET", path("/api/v1/placements"), query={"cursor": cursor, "limit": limit}
            ),
        )

    def popular_items(
        self,
        *,
        category: str | None = None,
        n: int | None = None,
        offset: int | None = None,
        window: Literal["30d", "7d", "all"] | None = None,
    ) -> types.PopularItemsOutput:
        """Return the most chosen items; `score` is their number of events in the window."""
        return cast(
            "types.PopularItemsOutput",
            self.request(
                "GET",
                path("/api/v1/popular"),
                query={"category": category, "n": n, "offset": offset, "window": window},
            ),
        )

    def recommendations_of_many(
        self, body: types.ManyRecommendationsInput
    ) -> types.ManyRecommendationsOutput:
        """Return the same answers that each end user would get alone."""
        return cast(
            "types.ManyRecommendationsOutput",
            self.request("POST", path("/api/v1/recommendations"), body=body),
        )

    def runs(
        self,
        *,
        cursor: str | None = None,
        kind: Literal["evaluation", "import", "publication", "report", "tracking", "training"]
        | None = None,
        limit: int | None = None,
    ) -> types.FinishedRunsOutput:
        """Return a page of runs."""
        return cast(
            "types.FinishedRunsOutput",
            self.request(
                "GET", path("/api/v1/runs"), query={"cursor": cursor, "kind": kind, "limit": limit}
            ),
        )

    def session_recommendations(
        self, body: types.SessionRecommendationsInput
    ) -> types.SessionRecommendationsOutput:
        """Return the best items after these events. Nothing of them is stored; without any, popular items."""
        return cast(
            "types.SessionRecommendationsOutput",
            self.request("POST", path("/api/v1/sessions/recommendations"), body=body),
        )

    def trending_items(
        self, *, category: str | None = None, n: int | None = None, offset: int | None = None
    ) -> types.TrendingItemsOutput:
        """Return what is chosen more than usual, most first."""
        return cast(
            "types.TrendingItemsOutput",
            self.request(
                "GET",
                path("/api/v1/trending"),
                query={"category": category, "n": n, "offset": offset},
            ),
        )

    def erase_user(self, user_id: str) -> None:
        """Erase an end user everywhere, whichever of their ids is given; 404 where there is nobody (any more)."""
        self.request("DELETE", path("/api/v1/users/{user_id}", user_id=user_id))

    def read_controls(self, user_id: str) -> types.UserControlsOutput:
        """Return what a person has said; the defaults where that is nothing."""
        return cast(
            "types.UserControlsOutput",
            self.request("GET", path("/api/v1/users/{user_id}/controls", user_id=user_id)),
        )

    def put_controls(self, user_id: str, body: types.UserControlsInput) -> types.UserControlsOutput:
        """Replace all that a person has said; what is left out is back at its default."""
        return cast(
            "types.UserControlsOutput",
            self.request(
                "PUT", path("/api/v1/users/{user_id}/controls", user_id=user_id), body=body
            ),
        )

    def user_drift(
        self, user_id: str, *, from_: str | None = None, to: str | None = None
    ) -> types.EndUserDriftOutput:
        """Return drift score and drift events."""
        return cast(
            "types.EndUserDriftOutput",
            self.request(
                "GET",
                path("/api/v1/users/{user_id}/drift", user_id=user_id),
                query={"from": from_, "to": to},
            ),
        )

    def export_user(self, user_id: str) -> types.ExportedUserOutput:
        """Return everything that is held about an end user, as one document that is written while it is read."""
        return cast(
            "types.ExportedUserOutput",
            self.request("GET", path("/api/v1/users/{user_id}/export", user_id=user_id)),
        )

    def interests(self, user_id: str, *, at: str | None = None) -> types.CurrentInterestsOutput:
        """Return interest weights; none for somebody whose first events are still being read."""
        return cast(
            "types.CurrentInterestsOutput",
            self.request(
                "GET", path("/api/v1/users/{user_id}/interests", user_id=user_id), query={"at": at}
            ),
        )

    def interest_history(
        self,
        user_id: str,
        *,
        from_: str | None = None,
        step: Literal["auto", "day", "event", "hour", "minute", "month", "week"] | None = None,
        to: str | None = None,
    ) -> types.InterestHistoryOutput:
        """Return the states, oldest first."""
        return cast(
            "types.InterestHistoryOutput",
            self.request(
                "GET",
                path("/api/v1/users/{user_id}/interests/history", user_id=user_id),
                query={"from": from_, "step": step, "to": to},
            ),
        )

    def merge_user(self, user_id: str, body: types.MergedUserInput) -> types.MergedUserOutput:
        """Move what a guest did and said to a member; from now on both ids mean the member."""
        return cast(
            "types.MergedUserOutput",
            self.request("POST", path("/api/v1/users/{user_id}/merge", user_id=user_id), body=body),
        )

    def ranked_items(
        self, user_id: str, *, category: str, cursor: str | None = None, n: int | None = None
    ) -> types.RankedItemsOutput:
        """Return a page of the category's items; its pages are of one list, kept for ten minutes."""
        return cast(
            "types.RankedItemsOutput",
            self.request(
                "GET",
                path("/api/v1/users/{user_id}/ranking", user_id=user_id),
                query={"category": category, "cursor": cursor, "n": n},
            ),
        )

    def recommendations(
        self,
        user_id: str,
        *,
        category: str | None = None,
        cursor: str | None = None,
        exclude: list[str] | None = None,
        explain: bool | None = None,
        language: str | None = None,
        n: int | None = None,
        offset: int | None = None,
        placement: str | None = None,
    ) -> types.RecommendationsOutput:
        """Return the best items for an end user; popular ones for somebody unknown, never an error."""
        return cast(
            "types.RecommendationsOutput",
            self.request(
                "GET",
                path("/api/v1/users/{user_id}/recommendations", user_id=user_id),
                query={
                    "category": category,
                    "cursor": cursor,
                    "exclude": exclude,
                    "explain": explain,
                    "language": language,
                    "n": n,
                    "offset": offset,
                    "placement": placement,
                },
            ),
        )

    def people_alike(self, user_id: str, *, n: int | None = None) -> types.PeopleAlikeOutput:
        """Return who wants the same now, nearest first; none before a network has seen the person."""
        return cast(
            "types.PeopleAlikeOutput",
            self.request(
                "GET", path("/api/v1/users/{user_id}/similar", user_id=user_id), query={"n": n}
            ),
        )

"""What is sent and what is answered. Generated from the API's schema by `make clients`; do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class BoostedItems(TypedDict):
    """What counts more or less; one of item_id, category and where is not empty."""

    factor: float
    """Below 1: a burial."""
    item_id: str
    category: str
    where: str
    window: RuleWindow


class CurrentInterestsOutput(TypedDict):
    user_id: str
    at: str | None
    """Of the last event that it has seen; null: no state yet."""
    weights: dict[str, float]
    """Category to weight; the weights, "uncategorised" included, sum to 1."""
    long_term: dict[str, float]
    """Without forgetting."""
    short_term: dict[str, float]
    """With a memory of about 20 events."""
    drift_score: float | None
    """Null: too few events to say."""
    events: int
    """How many events stand behind it."""
    active_days: int
    events_through: str | None
    """Arrival of the newest event that it has seen."""
    knowledge_is_newer: bool
    """What other people teach was learned after the time that was asked for."""


class DescribedItemInput(TypedDict):
    """All of it: what is left out is emptied."""

    title: str
    description: NotRequired[str]
    categories: NotRequired[list[str]]
    attributes: NotRequired[dict[str, Any]]
    is_hidden: NotRequired[bool]
    """Left out: as it was; shown for a new item."""


class DescribedItemOutput(TypedDict):
    item_id: str
    title: str
    description: str
    categories: list[str]
    attributes: dict[str, Any]
    is_described: bool
    """False: only events have named it yet."""
    is_hidden: bool
    created_at: str


class DescribedItemRemoved(TypedDict):
    item_id: str
    result: ResultEnum
    """hidden: people have used or seen it, so it stays in their histories with title and categories; its description and attributes are removed and it is never recommended."""
    named_by: int
    """Events and impressions that keep it."""


class DriftEventOutput(TypedDict):
    """A change of one person's interests."""

    id: int
    user_id: str
    detected_at: str
    """Time of the event that raised it."""
    began_at: str
    """When it began, estimated."""
    events: int
    """Events seen when it was raised."""
    confidence: float
    """Probability that it is a change, 0 to 1."""
    score: float
    """Evidence above no change, in nats."""
    rising: list[str]
    """Categories, the surest first."""
    falling: list[str]
    """Categories, the surest first."""
    is_return: bool
    """Back to what was wanted before."""
    shares: list[DriftEventOutputSide]
    """Before and since it began, the most moved first."""
    evidence: list[DriftEventOutputEvidence]
    """Events that show it, the most telling first."""
    mark: DriftEventOutputMark | None
    """What an analyst made of it."""


class DriftEventOutputEvidence(TypedDict):
    item_id: str
    title: str
    kind: str
    occurred_at: str


class DriftEventOutputMark(TypedDict):
    verdict: DriftEventOutputMarkVerdictEnum
    note: str


DriftEventOutputMarkVerdictEnum = Literal["right", "wrong", "explained"]


class DriftEventOutputSide(TypedDict):
    category: str
    before: float
    after: float


class DriftOutput(TypedDict):
    drift_events: list[DriftEventOutput]
    """Newest first."""
    next: str | None
    """The next page's cursor."""
    drifters: list[DriftOutputDrifter] | None
    """With one false name in ten; null: not worked out yet, or a further page."""
    drifters_at: str | None
    """When the list was worked out."""


class DriftOutputDrifter(TypedDict):
    rank: int
    user_id: str
    drift_score: float
    p_value: float
    q_value: float
    """Share of false names in the list down to this one."""
    rising: list[str]
    falling: list[str]


class EndUserDriftOutput(TypedDict):
    user_id: str
    at: str | None
    """Null: no state yet."""
    too_little: bool
    """Too few events to say; then nothing rises or falls."""
    events: int
    events_needed: int
    """Events that are not negative before anything is said."""
    drift_score: float | None
    """Mean 0 and standard deviation 1 while nothing changes."""
    p_value: float | None
    """Chance of such a score while nothing changes, in one look."""
    rising: list[str]
    """More than usual of late beyond noise, the surest first."""
    falling: list[str]
    """Less than usual of late beyond noise, the surest first."""
    new: list[str]
    """Those of `rising` that were hardly seen before."""
    steady: list[str]
    """Neither, the largest first."""
    events_through: str | None
    drift_events: list[DriftEventOutput]
    """Oldest first."""


class EvaluationsOutput(TypedDict):
    evaluations: list[EvaluationsOutputEvaluation]
    next: str | None
    """The next page's cursor."""


class EvaluationsOutputEvaluation(TypedDict):
    id: int
    split: SplitEnum
    k: int
    targets_sha256: str
    training_run: int | None
    finished_at: str
    settings: dict[str, Any]
    values: list[EvaluationsOutputEvaluationValue]


class EvaluationsOutputEvaluationValue(TypedDict):
    algorithm: str
    metric: str
    segment: str
    value: float
    low: float | None
    high: float | None
    p_value: float | None
    num_users: int


class Evidence(TypedDict):
    """An event of the person that lifts an item."""

    item_id: str
    """What the event was about."""
    kind: str
    occurred_at: str
    gain: float
    """The item's score less its score had the event not happened, in log-odds; of events that lift it only together an equal part."""


class ExperimentsOutput(TypedDict):
    experiments: list[ExperimentsOutputStartedExperiment]
    next: str | None
    """The next page's cursor."""


class ExperimentsOutputStartedExperiment(TypedDict):
    id: int
    name: str
    placement: str
    kind: ExperimentsOutputStartedExperimentKindEnum
    metric: ExperimentsOutputStartedExperimentMetricEnum
    state: StateEnum
    verdict: ExperimentsOutputStartedExperimentVerdictEnum
    sentence: str
    chosen: int | None
    """The variant it was decided for."""
    sample_ratio_p_value: float
    started_at: str
    ended_at: str | None
    end_reason: str
    looked_at: str | None
    variants: list[ExperimentsOutputStartedExperimentVariant]


ExperimentsOutputStartedExperimentKindEnum = Literal["compare", "interleave"]


ExperimentsOutputStartedExperimentMetricEnum = Literal[
    "clicks_per_impression", "clicks_per_person", "conversions_per_person"
]


class ExperimentsOutputStartedExperimentVariant(TypedDict):
    id: int
    name: str
    share: float
    """Of the people, as planned."""
    version: int | None
    """Number of its rules; null: those that are live."""
    items_from: str
    """"": each person's own list."""
    people: int
    value: float | None
    effect: float | None
    """Against the control, as a share of its value; of interleaving the part of the clicks for it less that for the other."""
    low: float | None
    """Of the interval that holds at all looks."""
    high: float | None
    p_value: float | None
    """Valid at any look."""


ExperimentsOutputStartedExperimentVerdictEnum = Literal[
    "draft", "untrusted", "better", "worse", "same", "early"
]


class ExportedUserOutput(TypedDict):
    user_id: str
    exported_at: str
    created_at: str
    attributes: dict[str, Any]
    aliases: list[str]
    """Other ids."""
    controls: dict[str, Any] | None
    """Null: nothing was said."""
    awaits_refresh: bool
    events: list[dict[str, Any]]
    impressions: list[dict[str, Any]]
    worked_out: dict[str, list[dict[str, Any]]]
    """Table to the rows that name the person, as they are stored."""
    audit: list[dict[str, Any]]
    categories: dict[str, str]
    """Names of the keys in worked_out."""


FallbacksEnum = Literal["trending", "popular_7d", "popular_30d", "popular", "catalogue"]


class FinishedRunsOutput(TypedDict):
    serving: FinishedRunsOutputSwitch | None
    runs: list[FinishedRunsOutputFinishedRun]
    next: str | None
    """The next page's cursor."""


class FinishedRunsOutputFinishedRun(TypedDict):
    kind: FinishedRunsOutputFinishedRunKindEnum
    id: int
    finished_at: str
    started_at: str | None
    window_from: str | None
    window_to: str | None
    seed: int
    settings: dict[str, Any]
    results: dict[str, Any]


FinishedRunsOutputFinishedRunKindEnum = Literal[
    "import", "training", "tracking", "report", "publication", "evaluation"
]


class FinishedRunsOutputSwitch(TypedDict):
    run: int
    """The publication."""
    algorithm: str
    since: str


class InterestHistoryOutput(TypedDict):
    user_id: str
    step: StepEnum
    """The step that was used."""
    states: list[InterestHistoryOutputState]


class InterestHistoryOutputState(TypedDict):
    at: str
    weights: dict[str, float]
    """Category to weight; the weights, "uncategorised" included, sum to 1."""
    long_term: dict[str, float]
    short_term: dict[str, float]
    drift_score: float | None
    events: int


class ItemBatchInput(TypedDict):
    items: list[ItemBatchInputItem]


class ItemBatchInputItem(TypedDict):
    """What a catalogue says of an item."""

    title: str
    description: NotRequired[str]
    categories: NotRequired[list[str]]
    attributes: NotRequired[dict[str, Any]]
    is_hidden: NotRequired[bool]
    """Left out: as it was; shown for a new item."""
    item_id: str


class ItemBatchOutput(TypedDict):
    created: int
    replaced: int
    rejected: list[ItemBatchOutputRejection]


class ItemBatchOutputRejection(TypedDict):
    index: int
    """Its place in what was sent, from 0."""
    code: str
    detail: str


class LiveRules(TypedDict):
    """All rules, those at their default too."""

    length: int
    where: str
    categories_in: list[str]
    categories_out: list[str]
    max_per_category: int | None
    pins: list[PinnedItem]
    boosts: list[BoostedItems]
    seen: SeenEnum
    seen_days: int
    hides_negative: bool
    diversity: float
    calibration: float
    novelty: float
    exploration: float
    fallbacks: list[FallbacksEnum]


class ManyRecommendationsInput(TypedDict):
    user_ids: list[str]
    placement: NotRequired[str]
    n: NotRequired[int | None]


class ManyRecommendationsOutput(TypedDict):
    recommendations: list[RecommendationsOutput]
    """One for each user_id, in their order."""


class MergedUserInput(TypedDict):
    into: str
    """The member; made where unknown."""


class MergedUserOutput(TypedDict):
    user_id: str
    """The member's id; the guest's means the same now."""
    events: int
    """That moved; 0 where it was done before."""
    impressions: int


class OutcomesOutput(TypedDict):
    rates: list[OutcomesOutputRate]
    next: str | None
    """The next page's cursor."""


class OutcomesOutputRate(TypedDict):
    placement: str | None
    """Null: it is not there any more."""
    span: SpanEnum
    begins_at: str
    ends_at: str
    dimension: str
    """What answers are split by; "all": nothing."""
    part: str
    """Which part of the dimension."""
    metric: OutcomesOutputRateMetricEnum
    value: float
    """A share of items seen; seconds for dwell; a share of likes and dislikes."""
    low: float | None
    """Of the 95 % interval over people; null: too few."""
    high: float | None
    median: float | None
    """Of people; of dwell alone."""
    numerator: float
    denominator: float
    num_people: int


OutcomesOutputRateMetricEnum = Literal[
    "click_through", "conversion", "dwell", "satisfaction", "rating"
]


class PatchedDescribedItemInput(TypedDict):
    """All of it: what is left out is emptied."""

    title: NotRequired[str]
    description: NotRequired[str]
    categories: NotRequired[list[str]]
    attributes: NotRequired[dict[str, Any]]
    is_hidden: NotRequired[bool]
    """Left out: as it was; shown for a new item."""


class PeopleAlikeOutput(TypedDict):
    user_id: str
    users: list[PeopleAlikeOutputPerson]


class PeopleAlikeOutputPerson(TypedDict):
    user_id: str
    rank: int
    cosine: float
    """Of the two interest vectors, -1 to 1."""
    events: int
    """How many events stand behind theirs."""


class PinnedItem(TypedDict):
    """An item at a fixed place."""

    item_id: str
    rank: int
    window: RuleWindow


class PlacementsOutput(TypedDict):
    placements: list[PlacementsOutputLivePlacement]
    next: str | None
    """The next page's cursor."""


class PlacementsOutputLivePlacement(TypedDict):
    name: str
    description: str
    version: int
    """0: the rules that a placement starts with."""
    since: str
    rules: LiveRules


class PopularItemsOutput(TypedDict):
    items: list[RankedItem]
    window: WindowEnum
    counted_at: str | None
    """Null: not yet counted."""


class Problem(TypedDict):
    """What went wrong (RFC 9457). `code` is stable; `detail` is for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: NotRequired[list[dict[str, Any]]]


class RankedItem(TypedDict):
    """An item in a list; all lists of items look like this."""

    item_id: str
    rank: int
    """From 1, offset included."""
    score: float


class RankedItemsOutput(TypedDict):
    user_id: str
    category: str
    items: list[RankedItemsOutputItem]
    num_items: int
    """Of the category, hidden ones left out."""
    source: RankedItemsOutputSourceEnum
    """stored: no live worker answered in time, or the person is not known; the slate's items come first, then what is chosen most."""
    run: int | None
    """The publication that answers."""
    generated_at: str
    next: str | None
    """The next page's cursor."""


class RankedItemsOutputItem(TypedDict):
    item_id: str
    rank: int
    """In the whole list, from 1."""
    score: float | None
    """Null: no network has scored the item."""


RankedItemsOutputSourceEnum = Literal["network", "stored"]


class Reason(TypedDict):
    """Why an item is there."""

    kind: ReasonKindEnum
    """What the text goes by."""
    category: str | None
    """The interest that the item serves: the one wanted most."""
    weight: float | None
    """Of that interest now: the probability that the next event falls into it."""
    rule: str | None
    """What placed the item where it is; null: its score under the person's network."""
    together: int | None
    """How many events of that interest lift the item only together, because any of them would do for the others; the evidence is the newest of them. Null: each counts by itself."""
    text: str
    """One or two sentences for the person."""


ReasonKindEnum = Literal[
    "history",
    "interest",
    "popular",
    "trending",
    "catalogue",
    "pin",
    "boost",
    "own_boost",
    "novelty",
    "exploration",
    "seen",
    "session",
]


class RecommendationsOutput(TypedDict):
    """A list for one person."""

    recommendation_id: str
    """Send it with the events that follow."""
    user_id: str
    placement: str
    items: list[RecommendedItem]
    run: int | None
    """The publication that answers."""
    generated_at: str | None
    events_through: str | None
    """Arrival of the newest event that the list has seen."""
    fallback: bool
    """True: popular items, nothing personal yet."""
    next: str | None
    """Send it as `cursor` to go on with this list. Null: it ends, or no cursor was sent."""


class RecommendedItem(TypedDict):
    """An item for a person, with why it is there where that was asked."""

    item_id: str
    rank: int
    """From 1, offset included."""
    score: float
    reason: NotRequired[Reason | None]
    """With explain; null: there is nothing true to say."""
    evidence: NotRequired[list[Evidence]]
    """With explain: the person's events that count most for the item, most first; none while that is being worked out, which takes about a second from the first time that it is asked."""


class RecordEventsInput(TypedDict):
    """For the schema only: a thousand events through serializers took longer than storing them."""

    events: list[RecordEventsInputEvent]
    sent_at: NotRequired[str | None]
    """The sender's clock when it sent. Where that is wrong by more than 5 seconds and up to a day, the events' times are corrected by as much."""


class RecordEventsInputEvent(TypedDict):
    event_id: str
    user_id: str
    item_id: str
    kind: str
    value: NotRequired[float | None]
    occurred_at: NotRequired[str | None]
    """Default: now. No zone means UTC."""
    session_id: NotRequired[str | None]
    recommendation_id: NotRequired[str | None]


class RecordEventsOutput(TypedDict):
    accepted: int
    duplicates: int
    rejected: list[RecordEventsOutputRejection]


class RecordEventsOutputRejection(TypedDict):
    index: int
    """Its place in what was sent, from 0."""
    code: str
    detail: str


ResultEnum = Literal["deleted", "hidden"]


class RuleWindow(TypedDict):
    """When a rule holds; null: no limit on that side."""

    begin: str | None
    end: str | None


SeenEnum = Literal["never", "after_days", "always"]


class SessionRecommendationsInput(TypedDict):
    events: list[SessionRecommendationsInputEvent]
    """In whatever order."""
    n: NotRequired[int | None]
    placement: NotRequired[str]
    exclude: NotRequired[list[str]]


class SessionRecommendationsInputEvent(TypedDict):
    item_id: str
    kind: NotRequired[str]
    value: NotRequired[float | None]
    occurred_at: NotRequired[str | None]
    """Default: now."""


class SessionRecommendationsOutput(TypedDict):
    recommendation_id: str
    """Send it with the events that follow."""
    placement: str
    items: list[RecommendedItem]
    run: int | None
    """The publication that answers, null for a fallback."""
    source: SessionRecommendationsOutputSourceEnum
    """network: a live worker; similar_items: none answered within 300 ms, and stored similarities did; fallback: nothing known is near to what was done."""
    fallback: bool


SessionRecommendationsOutputSourceEnum = Literal["network", "similar_items", "fallback"]


class SimilarItemsOutput(TypedDict):
    items: list[RankedItem]
    run: int | None


SpanEnum = Literal[
    "hour",
    "day",
    "last-day",
    "last-7-days",
    "last-28-days",
    "day-before",
    "7-days-before",
    "28-days-before",
]


SplitEnum = Literal["leave-one-out", "time"]


StateEnum = Literal["draft", "running", "stopped", "concluded"]


StepEnum = Literal["event", "minute", "hour", "day", "week", "month"]


class TrendingItemsOutput(TypedDict):
    items: list[RankedItem]
    counted_at: str | None
    """Null: not yet counted."""


class UserControlsInput(TypedDict):
    muted_categories: NotRequired[list[str]]
    """Names of categories that are never shown. Left out: none."""
    boosts: NotRequired[dict[str, float]]
    """Category to factor, 0.01 to 100: above 1 shows more of it, below 1 less."""
    forget_before: NotRequired[str | None]
    """Events before this time are not used any more. Left out or null: all are used."""
    reset: NotRequired[bool]
    """True: forget everything up to now, whatever forget_before says."""
    is_opted_out: NotRequired[bool]
    """True: events are stored, but nothing is worked out of them; answers are what everybody gets. Left out: false."""


class UserControlsOutput(TypedDict):
    user_id: str
    muted_categories: list[str]
    boosts: dict[str, float]
    forget_before: str | None
    is_opted_out: bool
    updated_at: str | None
    """Null: nothing was said."""


WindowEnum = Literal["30d", "7d", "all"]

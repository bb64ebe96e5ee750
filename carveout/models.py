"""The tables: the log and its heads for publishers, cursors and deliveries for subscribers.

Each database that a hosted context uses has all of them. Rows change only through the functions of
`eventlog`, `subscriptions.cursors` and `deliveries.store`.
"""

import uuid

from django.db import models
from django.utils import timezone

from carveout.conf.loading import insist_on_app

insist_on_app()  # Django would only report that a model has no app_label


class Layout(models.Model):
    """Into how many partitions a context's log is divided now."""

    context = models.CharField(max_length=100, unique=True)
    partitions = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return f"{self.context} in {self.partitions}"


class Partition(models.Model):
    """The head of one share of one context's log."""

    context = models.CharField(max_length=100)
    number = models.PositiveSmallIntegerField()
    head = models.BigIntegerField(default=0, help_text="The last position given.")
    log_id = models.UUIDField(
        default=uuid.uuid4, help_text="Distinguishes this log from a recreated one."
    )
    epoch = models.PositiveIntegerField(
        default=1, help_text="Raised by hand after a database was restored."
    )
    stopped_at = models.DateTimeField(
        null=True, help_text="Set while its stream is not its log's; an epoch ends that."
    )
    stopped_why = models.TextField(blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["context", "number"], name="carveout_one_head")
        ]

    def __str__(self) -> str:
        return f"{self.context}.{self.number}"

    @property
    def identity(self) -> str:
        """What the stream of this partition has to be marked with."""
        return f"{self.log_id}:{self.epoch}"


class LoggedEvent(models.Model):
    """One event of the log, the source of truth."""

    context = models.CharField(max_length=100)
    partition = models.PositiveSmallIntegerField(null=True, help_text="Given by the relay.")
    position = models.BigIntegerField(
        null=True, help_text="Place in its partition, without gaps; given by the relay."
    )
    event_id = models.UUIDField(default=uuid.uuid4, unique=True)
    type = models.CharField(max_length=200)
    version = models.PositiveSmallIntegerField(default=1, help_text="Of its type, when published.")
    key = models.CharField(max_length=255)
    time = models.DateTimeField(default=timezone.now)
    data = models.TextField(help_text="JSON.")
    carries = models.CharField(max_length=200, blank=True, default="")
    carried = models.TextField(blank=True, default="", help_text="JSON of the carried lookup.")
    correlation_id = models.CharField(
        max_length=64, blank=True, default="", help_text="Empty: it is that of its own id."
    )
    causation_id = models.CharField(max_length=36, blank=True, default="")
    traceparent = models.CharField(max_length=55, blank=True, default="")
    seam = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",  # releases that do not know it still publish
        help_text="The seam that published it in the place of a call; empty for most events.",
    )

    class Meta:
        verbose_name = "event"
        constraints = [
            models.UniqueConstraint(
                fields=["context", "partition", "position"],
                condition=models.Q(position__isnull=False),  # publish has one index less to write
                name="carveout_one_position",
            )
        ]
        indexes = [
            models.Index(
                fields=["context", "id"],
                condition=models.Q(position=None),
                name="carveout_unsequenced",
            ),
            models.Index(fields=["key", "id"], name="carveout_log_key"),
            models.Index(
                fields=["correlation_id"],
                condition=models.Q(correlation_id__gt=""),  # costs plain publishes nothing
                name="carveout_correlated",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.key}"


class Cursor(models.Model):
    """The last position of a partition that a subscription handled."""

    subscription = models.CharField(max_length=200)
    context = models.CharField(max_length=100, help_text="The context whose events are heard.")
    partition = models.PositiveSmallIntegerField()
    position = models.BigIntegerField(default=0)
    event_id = models.UUIDField(
        null=True, help_text="The event at that position; tells when the log is another one."
    )
    moved_at = models.DateTimeField(null=True)
    hears = models.TextField(
        blank=True,
        default="",
        db_default="",  # releases that do not know it may still begin
        help_text="The types that its subscription hears. Empty: not known yet.",
    )
    unheard = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="Types that were added later, and between which positions they passed.",
    )
    paused_at = models.DateTimeField(null=True, help_text="Set while a person has it paused.")
    paused_by = models.CharField(max_length=150, blank=True, default="")
    paused_why = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "context", "partition"], name="carveout_one_cursor"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subscription} at {self.context}.{self.partition}:{self.position}"


class SubscriptionRecord(Cursor):
    """A subscription as the admin names it and gives permissions on: all its cursors together."""

    class Meta:
        proxy = True
        verbose_name = "subscription"
        default_permissions = ("view",)
        permissions = [
            ("pause_subscription", "Can pause and resume subscriptions"),
            ("replay_subscription", "Can replay subscriptions"),
        ]

    def __str__(self) -> str:
        return self.subscription


class ReportedCursor(models.Model):
    """What the owner of a log knows of the cursors on it, wherever they live.

    Nothing is pruned that one of them has not passed.
    """

    subscription = models.CharField(max_length=200)
    context = models.CharField(max_length=100, help_text="The context whose log this is.")
    partition = models.PositiveSmallIntegerField()
    position = models.BigIntegerField()
    reported_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "context", "partition"], name="carveout_one_report"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subscription} at {self.context}.{self.partition}:{self.position}"


class Delivery(models.Model):
    """One event for one subscription that was not handled at once."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting for its next attempt"
        QUEUED = "queued", "handed to a job"
        DEAD = "dead", "given up; retry or discard it"
        TRYING = "trying", "tried where its cursor stands, after a consumer died there"

    subscription = models.CharField(max_length=200)
    context = models.CharField(max_length=100)
    partition = models.PositiveSmallIntegerField()
    position = models.BigIntegerField()
    key = models.CharField(max_length=255)
    event_id = models.UUIDField()
    event = models.TextField(help_text="The event as it was received, JSON.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0, help_text="Counted before each run.")
    due_at = models.DateTimeField(help_text="Not tried, or not swept, before.")
    claimed_until = models.DateTimeField(null=True, help_text="A run is under way until then.")
    error_type = models.CharField(max_length=200, blank=True, default="")
    error = models.TextField(blank=True, default="")
    traceback = models.TextField(blank=True, default="")
    alike = models.CharField(
        max_length=16, blank=True, default="", help_text="The same for errors that are alike."
    )
    parked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "deliveries"
        permissions = [
            ("retry_delivery", "Can retry deliveries"),
            ("discard_delivery", "Can discard deliveries"),
            ("edit_delivery", "Can edit the event of a delivery and retry it"),
        ]
        constraints = [
            models.UniqueConstraint(  # in this order, so that a story finds those of an event
                fields=["event_id", "subscription"], name="carveout_one_delivery"
            )
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="carveout_due"),
            models.Index(fields=["subscription", "key", "position"], name="carveout_delivery_key"),
            models.Index(  # what is handed to jobs and never fails is not in it
                fields=["alike", "subscription", "state", "parked_at", "id"],
                condition=~models.Q(alike=""),
                name="carveout_delivery_alike",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscription} of {self.context}.{self.partition}:{self.position}"

    @property
    def database(self) -> str | None:
        """Where this row lives."""
        return self._state.db


class Attempt(models.Model):
    """How one attempt at a delivery ended; kept until it is pruned, also after the delivery."""

    class Outcome(models.TextChoices):
        HANDLED = "handled", "handled"
        FAILED = "failed", "failed"
        PUT_OFF = "put off", "put off: a lookup did not answer, the event is not to blame"
        GIVEN_UP = "given up", "given up"
        RETRIED = "retried", "retried by hand"
        DISCARDED = "discarded", "discarded by hand"

    subscription = models.CharField(max_length=200)
    event_id = models.UUIDField()
    number = models.PositiveIntegerField(help_text="Starts again at 1 after a retry by hand.")
    began_at = models.DateTimeField(default=timezone.now)
    took_ms = models.FloatField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome)
    error_type = models.CharField(max_length=200, blank=True, default="")
    error = models.TextField(blank=True, default="")
    traceback = models.TextField(blank=True, default="")
    lookups = models.JSONField(default=list)
    notes = models.JSONField(default=list)

    class Meta:
        indexes = [
            models.Index(fields=["event_id"], name="carveout_attempts_of"),
            models.Index(fields=["began_at"], name="carveout_attempts_at"),
        ]

    def __str__(self) -> str:
        return f"{self.subscription}, attempt {self.number}: {self.outcome}"


class Seam(models.Model):
    """How a named place handles its calls now: by the call as before, or by an event."""

    class Mode(models.TextChoices):
        DIRECT = "direct", "direct: only the call"
        SHADOW = "shadow", "shadow: the call; its event is only compared with it"
        EVENTS = "events", "events: only the event"

    name = models.CharField(max_length=200, unique=True)
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.DIRECT)
    share = models.PositiveSmallIntegerField(
        default=100,
        help_text="Percent of the keys that its mode applies to; others are direct.",
    )
    version = models.PositiveIntegerField(default=0, help_text="Raised by each change.")
    draining = models.BooleanField(
        default=False, help_text="Events of keys that are direct now may still be unhandled."
    )
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=150, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    ignored = models.TextField(
        blank=True,
        default="",
        db_default="",  # releases that do not know it may still switch
        help_text="Kinds of differences that do not count, one in a line.",
    )
    guard = models.PositiveIntegerField(
        null=True, help_text="So many differences or failures switch it back to direct."
    )

    class Meta:
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return self.name


class RecordedCall(models.Model):
    """A call in the mode `shadow`, until its event is compared with it."""

    token = models.CharField(max_length=32, unique=True, help_text="Of its rows.")
    seam = models.CharField(max_length=200)
    version = models.PositiveIntegerField(help_text="Of the seam's switch.")
    event_id = models.UUIDField(null=True, unique=True)
    key = models.CharField(max_length=255)
    began_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(default=timezone.now, help_text="With its on_commit hooks.")
    took_ms = models.FloatField(default=0, help_text="Without them.")
    outside = models.TextField(help_text="JSON: what it did outside the database.")
    reads = models.TextField(default="{}", help_text="JSON: digests of what its queries gave.")
    open = models.BooleanField(default=False, help_text="Its on_commit hooks have not run yet.")

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["seam", "began_at"], name="carveout_recorded")]

    def __str__(self) -> str:
        return f"{self.seam} {self.key}"


class RecordedRow(models.Model):
    """A row that was changed while effects were recorded. Triggers write it."""

    token = models.CharField(max_length=32, help_text="Of the recording.")
    table_name = models.CharField(max_length=63)
    before = models.TextField(null=True, help_text="JSON; empty: it was inserted.")  # noqa: DJ001
    after = models.TextField(null=True, help_text="JSON; empty: it was deleted.")  # noqa: DJ001

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["token"], name="carveout_rows_of")]

    def __str__(self) -> str:
        return self.table_name


class Tally(models.Model):
    """How many events of a seam's partition were compared with their calls."""

    seam = models.CharField(max_length=200)
    version = models.PositiveIntegerField(help_text="Of the seam's switch.")
    context = models.CharField(max_length=100)
    partition = models.PositiveSmallIntegerField()
    equal = models.PositiveBigIntegerField(default=0)
    different = models.PositiveBigIntegerField(default=0)
    moved_on = models.PositiveBigIntegerField(default=0)
    not_comparable = models.PositiveBigIntegerField(default=0)
    call_times = models.JSONField(default=dict, help_text="How many took how long.")
    event_times = models.JSONField(default=dict, help_text="How many were compared how late.")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["seam", "version", "context", "partition"], name="carveout_one_tally"
            )
        ]

    def __str__(self) -> str:
        return f"{self.seam}, {self.context}.{self.partition}"


class Mismatch(models.Model):
    """One kind of result that was not "equal", with the last examples of it."""

    class Outcome(models.TextChoices):
        DIFFERENT = "different", "different"
        MOVED_ON = "moved on", "moved on: somebody else changed its rows meanwhile"
        NOT_COMPARABLE = "not comparable", "not comparable"

    seam = models.CharField(max_length=200)
    version = models.PositiveIntegerField(help_text="Of the seam's switch.")
    outcome = models.CharField(max_length=20, choices=Outcome)
    shape = models.CharField(max_length=200, help_text="What it has in common with others.")
    events = models.PositiveBigIntegerField(default=0, help_text="How many had it.")
    examples = models.JSONField(default=list)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ("view",)
        verbose_name_plural = "mismatches"
        constraints = [
            models.UniqueConstraint(
                fields=["seam", "version", "outcome", "shape"], name="carveout_one_shape"
            )
        ]

    def __str__(self) -> str:
        return f"{self.seam}: {self.shape}"


class Sweep(models.Model):
    """How far the ids of a column have been compared with the rows that they stand for."""

    column = models.CharField(max_length=200, unique=True, help_text="App, model and attribute.")
    after = models.CharField(
        max_length=200, blank=True, default="", help_text="The last id that was compared."
    )
    began_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    compared = models.PositiveBigIntegerField(default=0, help_text="Ids, in this sweep.")
    gone = models.PositiveBigIntegerField(default=0, help_text="Ids that have no row any more.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.column


class CopyState(models.Model):
    """How far an own copy is filled, and what comparing it with its owner found."""

    model = models.CharField(max_length=200, unique=True, help_text="App and model.")
    after = models.CharField(
        max_length=255, blank=True, default="", help_text="The last key that was filled."
    )
    rows = models.PositiveBigIntegerField(default=0, help_text="Filled, without those of events.")
    began_at = models.DateTimeField(null=True, blank=True)
    filled_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    compared = models.PositiveBigIntegerField(default=0, help_text="Rows, when it was verified.")
    differences = models.PositiveBigIntegerField(default=0, help_text="That are not repaired yet.")

    class Meta:
        default_permissions = ("view",)
        verbose_name = "own copy"
        verbose_name_plural = "own copies"

    def __str__(self) -> str:
        return self.model


class CopyClaim(models.Model):
    """Who looked up a row of an own copy last. Only that process may write the row."""

    model = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    token = models.CharField(max_length=32)
    at = models.DateTimeField(help_text="When it was claimed, or written.")
    done = models.BooleanField(default=False, help_text="Whether the row is written.")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["model", "key"], name="carveout_one_claim")]
        indexes = [models.Index(fields=["at"], name="carveout_claimed_at")]

    def __str__(self) -> str:
        return f"{self.model} {self.key}"


class Story(LoggedEvent):
    """What followed from an event: a page of the admin, and no table."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "story"
        verbose_name_plural = "stories"


class Map(LoggedEvent):
    """The map's place in the admin; it has no rows of its own."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name_plural = "map"

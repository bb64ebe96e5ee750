"""Every error that Carveout raises. Read `error.retryable`, not a list of types."""

from typing import ClassVar

from django.core.exceptions import ImproperlyConfigured


class CarveoutError(Exception):
    """Something went wrong in Carveout.

    `retryable` says whether the same call may succeed later without a fix.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class SettingsInvalid(CarveoutError, ImproperlyConfigured):
    """settings.CARVEOUT has mistakes; `manage.py check` lists them all."""


class DeclarationInvalid(CarveoutError, ImproperlyConfigured):
    """An event, lookup or subscription is declared wrongly; the message says which and how."""


class NotMigrated(CarveoutError):
    """The kit's tables are not in the database; run `manage.py migrate`."""


class NotInTransaction(CarveoutError):
    """publish() was called outside a transaction; put it and the change into one atomic()."""


class InvalidEvent(CarveoutError):
    """The event does not fit its declaration or the types asked for; nothing was stored."""


class StreamUnavailable(CarveoutError):
    """Redis did not answer; nothing is lost, the call may be repeated."""

    retryable = True


class StreamRefused(StreamUnavailable):
    """Redis answered with an error: read its words, and follow the fix; nothing is lost."""


class StreamSpoiled(StreamRefused):
    """Another program wrote to a key of ours: delete it, the kit fills it again."""


class LogMismatch(CarveoutError):
    """A stream is not its log's: another system shares this Redis, or the database was restored."""


class LookupFailed(CarveoutError):
    """A context could not be looked up."""


class LookupUnavailable(LookupFailed):
    """The context that owns a lookup did not answer; the call may be repeated."""

    retryable = True


class LookupBehind(LookupUnavailable):
    """A lookup's owner reads from a replica that does not hold the event's change yet."""


class LookupNotFound(CarveoutError):
    """The owner has no object with this key. If it reads from a replica, it may appear later."""

    retryable = True


class LookupRefused(LookupFailed):
    """A lookup's owner refused the request, or answered what the reader's fields do not fit."""


class CursorMoved(CarveoutError):
    """Another consumer moved this cursor first; this batch was rolled back, nothing is lost."""

    retryable = True


class HistoryGone(CarveoutError):
    """The log was pruned past a cursor: events that a subscription never saw are gone."""


class UpcastFailed(CarveoutError):
    """An upcaster raised, or did not return a dict. Fix it, then retry the deliveries."""


class HandlerFailed(CarveoutError):
    """A handler raised; its delivery is parked and is retried by itself."""

    retryable = True


class HandlerTimedOut(CarveoutError):
    """A handler took longer than its time limit; its delivery is parked and retried."""

    retryable = True


class HandlerMisbehaved(CarveoutError):
    """A handler did what would have lost its effects or ended its process; its event is parked."""

    retryable = True


class BaselineInvalid(CarveoutError):
    """The list of couplings that `survey --check` compares with can't be read; nothing is lost."""

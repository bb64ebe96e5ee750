"""Every error that Carveout raises. Read `error.retryable`, not a list of types."""

from typing import ClassVar

from django.core.exceptions import ImproperlyConfigured


class CarveoutError(Exception):
    """Something went wrong in Carveout.

    `retryable`: whether the same call may succeed later without a fix.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class SettingsInvalid(CarveoutError, ImproperlyConfigured):
    """settings.CARVEOUT has mistakes; `manage.py check` lists them all."""


class DeclarationInvalid(CarveoutError, ImproperlyConfigured):
    """An event, lookup or subscription is declared wrongly. The message names it and the reason."""


class NotInstalled(CarveoutError, ImportError):
    """A package that this part needs is missing or too old. The message has the command to run."""


class NotMigrated(CarveoutError):
    """The database has no Carveout tables. Run `manage.py migrate`."""


class NotInTransaction(CarveoutError):
    """publish() was called outside a transaction. Put it and the change in one atomic()."""


class InvalidEvent(CarveoutError):
    """The event does not fit its declaration or the requested types. Nothing was stored."""


class StreamUnavailable(CarveoutError):
    """Redis did not answer. Nothing is lost; the call can be repeated."""

    retryable = True


class StreamRefused(StreamUnavailable):
    """Redis answered with an error. The message has its text and the fix. Nothing is lost."""


class StreamSpoiled(StreamRefused):
    """Another program wrote to one of Carveout's keys. Delete it; Carveout fills it again."""


class LogMismatch(CarveoutError):
    """A stream does not match its log: Redis is shared, or the database was restored."""


class LookupFailed(CarveoutError):
    """A lookup failed."""


class LookupUnavailable(LookupFailed):
    """The context that owns a lookup did not answer. The call can be repeated."""

    retryable = True


class LookupBehind(LookupUnavailable):
    """A lookup's owner reads from a replica that does not have the event's change yet."""


class LookupNotFound(CarveoutError):
    """The owner has no object with this key. If it reads from a replica, it may appear later."""

    retryable = True


class CopyOvertaken(LookupUnavailable):
    """Another process looked up the same rows of an own copy later, so nothing was written."""


class CopyNotStarted(CarveoutError):
    """An own copy has no place in its owner's log yet. Let a consumer of its context run first."""

    retryable = True


class CopyIsReadOnly(CarveoutError):
    """A row of an own copy was changed. Only Carveout writes it; change the row at its owner."""


class LookupRefused(LookupFailed):
    """A lookup's owner refused the request, or its answer does not fit the reader's fields."""


class CursorMoved(CarveoutError):
    """Another consumer moved this cursor first. This batch was rolled back; nothing is lost."""

    retryable = True


class HistoryGone(CarveoutError):
    """The log was pruned past a cursor: events that a subscription never received are gone."""


class UpcastFailed(CarveoutError):
    """An upcaster raised, or did not return a dict. Fix it, then retry the deliveries."""


class HandlerFailed(CarveoutError):
    """A handler raised. Its delivery is parked and retried automatically."""

    retryable = True


class HandlerTimedOut(CarveoutError):
    """A handler took longer than its time limit. Its delivery is parked and retried."""

    retryable = True


class HandlerMisbehaved(CarveoutError):
    """A handler would have lost its effects or ended its process. Its event is parked."""

    retryable = True


class BaselineInvalid(CarveoutError):
    """The list of couplings that `survey --check` compares with can't be read. Nothing is lost."""

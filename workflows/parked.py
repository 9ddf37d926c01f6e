"""What an outside system refused of a strand's work, until an operator has decided about it."""

from collections.abc import Callable
from dataclasses import dataclass

from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from domain.verbs import Verb
from workflows.telling import Telling

GO_ON = ""
"""What a deed says, an undo or a refund, that an operator may go on without."""


class GivenUp(Exception):
    """An operator wants to go on without the deed that an outside system refused."""

    def __init__(self, verb: Verb) -> None:
        super().__init__(verb.command_id)
        self.verb = verb


@dataclass
class Refused:
    """A step that was refused; see `Strand.attempt` for `if_said_again`."""

    if_said_again: str | None
    insisting: Verb | None = None


class Parked:
    """At most one refused step at a time; `attention` is its code."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._refused: Refused | None = None
        self.attention = ""
        self.when_refused: Callable[[], None] | None = None
        """What is begun beside the strand as soon as it is parked."""

    def begin(self, step: str, error: FailureError, if_said_again: str | None) -> Refused:
        """The strand is parked from now on."""
        self.attention = _code(error)
        self._telling.note("refused", why=self.attention, data={"step": step})
        if self.when_refused is not None:
            self.when_refused()
        self._refused = Refused(if_said_again)
        return self._refused

    def end(self) -> None:
        """It was decided, or overtaken."""
        self.attention = ""
        self._refused = None
        self._telling.touch()

    def insist(self, verb: Verb) -> None:
        """Said again while an undo or a refund is parked: what may be left undone is."""
        if self._refused is not None and self._refused.if_said_again == GO_ON:
            self._refused.insisting = verb

    @property
    def if_said_again(self) -> str | None:
        """What comes of insisting on what is parked; None if insisting means nothing to it."""
        return self._refused.if_said_again if self._refused else None


def tries_again(error: FailureError) -> bool:
    """Whether a call that failed so would be tried again, had it not been cancelled meanwhile."""
    cause = _cause(error)
    return not (isinstance(cause, ApplicationError) and cause.non_retryable)


def _code(error: FailureError) -> str:
    """`refused:<system>:<code>`, or the type of whatever else ended the activity for good."""
    cause = _cause(error)
    if isinstance(cause, ApplicationError):
        return f"refused:{cause.message.replace(' ', '')}"
    return f"failed:{type(cause).__name__}"


def _cause(error: FailureError) -> BaseException | None:
    """Why the activity failed, which a local one says bare."""
    return error.cause if isinstance(error, ActivityError) else error

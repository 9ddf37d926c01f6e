"""The two ways in which an outside system can fail us.

    OutsideError
    ├── Unavailable   it may work later: retried without end, with backoff
    └── Refused       it will not work like this: the order parks for an operator

A refusal that the business knows (stock is short, a parcel has left) is not an error but a value.
Anything else that is raised is a bug: retried like `Unavailable` and reported loudly.
"""


class OutsideError(Exception):
    """What an outside system did instead of its work.

    `system` and `code` are short codes without personal data: they reach Temporal's history.
    `detail` may quote the vendor and stays in our logs and in PostgreSQL.
    """

    def __init__(self, system: str, code: str, detail: str = "") -> None:
        super().__init__(f"{system}: {code}")
        self.system = system
        self.code = code
        self.detail = detail


class Unavailable(OutsideError):
    """The system did not answer, or asked us to come back later.

    `retry_after_s` is what the system asked for, in seconds, or None.
    `fate_unknown` says that the deed may have been done although no answer came.
    """

    def __init__(
        self,
        system: str,
        code: str,
        detail: str = "",
        *,
        retry_after_s: float | None = None,
        fate_unknown: bool = False,
    ) -> None:
        super().__init__(system, code, detail)
        self.retry_after_s = retry_after_s
        self.fate_unknown = fate_unknown


class Refused(OutsideError):
    """The system understood and said no; repeating the same call will not help."""

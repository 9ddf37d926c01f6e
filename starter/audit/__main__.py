"""`python -m starter.audit` is `oms audit`."""

import typer

from config.leaving import run_and_leave
from starter.audit.command import audit_command

if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command(name="audit")(audit_command)
    run_and_leave(app)

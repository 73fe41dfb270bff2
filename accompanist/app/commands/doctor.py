"""``accompanist doctor``: what is missing on this machine, and how to get it."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist doctor
  accompanist doctor --json
"""


@click.command(name="doctor", epilog=_EPILOG)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Say what is missing on this machine, and how to get it. Changes nothing.

    Exit code 0 if it can play, 1 if something is missing without which it cannot.
    """
    from accompanist.app.machine.doctor import Level, examine, usable

    findings = examine()
    fine = usable(findings)
    if as_json:
        listed = {"usable": fine, "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        ctx.exit(0 if fine else 1)
    for finding in findings:
        click.echo(f"{finding.level:<8} {finding.name:<11} {finding.text}")
        if finding.advice and finding.level != Level.OK:
            click.echo(f"{'':<20} → {finding.advice}")
    warned = sum(finding.level == Level.WARNING for finding in findings)
    if not fine:
        click.echo("It cannot play like this; see what is missing above.")
    elif warned:
        click.echo(f"It can play; {warned} thing{'s' * (warned > 1)} could be better.")
    else:
        click.echo("Everything is there.")
    ctx.exit(0 if fine else 1)

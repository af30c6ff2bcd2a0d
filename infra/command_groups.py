"""Groups of commands in which the most frequent one need not be named."""

import typer
from typer.core import TyperGroup


class ShowByDefault(TyperGroup):
    """`hub GROUP NAME` is `hub GROUP show NAME`."""

    default_command = "show"

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]  # of its own click
        """Put the command in where none is named."""
        named = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if named else [self.default_command, *args])

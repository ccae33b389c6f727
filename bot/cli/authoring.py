"""`consilium mind`: make a mind from what its author has written."""

from __future__ import annotations

import typer

from bot.cli.mind_eval import evaluate
from bot.cli.mind_import import import_
from bot.cli.mind_review import review

app = typer.Typer(help="Make a mind from what its author has written: import, review, evaluate.", no_args_is_help=True)
app.command("eval")(evaluate)
app.command("import")(import_)
app.command("review")(review)

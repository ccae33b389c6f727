"""`consilium mind`: make a mind from what its author has written."""

from __future__ import annotations

import typer

from bot.cli.mind_eval import evaluate
from bot.cli.mind_import import import_
from bot.cli.mind_new import new
from bot.cli.mind_pack import pack, unpack
from bot.cli.mind_review import review
from bot.cli.mind_subjects import subjects
from bot.cli.mind_versions import promote_, roll_back_, versions

app = typer.Typer(
    help="Make a mind from what its author has written: new, import, subjects, eval, promote, pack.",
    no_args_is_help=True,
)
app.command("new")(new)
app.command("eval")(evaluate)
app.command("import")(import_)
app.command("subjects")(subjects)
app.command("review")(review)
app.command("versions")(versions)
app.command("pack")(pack)
app.command("unpack")(unpack)
app.command("promote")(promote_)
app.command("rollback")(roll_back_)

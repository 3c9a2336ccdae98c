"""`glotmill preview`: what a recipe's strategies would ask and make, for a few documents; nothing
is published."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.command_line.arguments import AllowCodeOption, RecipeArgument

commands = typer.Typer()


@commands.command(epilog="Example: glotmill preview recipe.toml --limit 3")
def preview(
    recipe: RecipeArgument,
    limit: Annotated[int, typer.Option(min=1, help="Documents that each strategy is given.")] = 3,
    allow_code: AllowCodeOption = False,
) -> None:
    """Show for a few documents the prompts, the answers, what each gate said, and the cost. Nothing
    is published."""
    from pipelines.build.plan import make_plan
    from pipelines.build.preview import preview_strategies, shown_line
    from pipelines.runners.without_pandas import let_arrow_do_without_pandas

    let_arrow_do_without_pandas()
    for line in preview_strategies(
        make_plan(recipe, limit=200 * limit, allow_code=allow_code), limit
    ):
        print(shown_line(line), flush=True)

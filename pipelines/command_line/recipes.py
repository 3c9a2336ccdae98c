"""`glotmill recipe`: write, check and describe recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.command_line.arguments import AllowCodeOption, RecipeArgument
from schemas.failures import MisuseError

recipe_app = typer.Typer(
    help="Write, check and describe recipes.",
    epilog="Example: glotmill recipe new eus_web.toml",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@recipe_app.command("schema", epilog="Example: glotmill recipe schema > recipe.schema.json")
def recipe_schema() -> None:
    """Print the JSON Schema of recipes, for editors that complete and check TOML."""
    import json

    from pipelines.catalogue.stages import Recipe

    print(json.dumps(Recipe.model_json_schema(), indent=2, ensure_ascii=False))


@recipe_app.command(
    "check", epilog="Example: glotmill recipe check pipelines/recipes/quickstart.toml"
)
def recipe_check(recipe: RecipeArgument, allow_code: AllowCodeOption = False) -> None:
    """Check a recipe and the sources it names; every mistake at once."""
    from pipelines.build.plan import make_plan
    from pipelines.runners.without_pandas import let_arrow_do_without_pandas

    let_arrow_do_without_pandas()
    planned = make_plan(recipe, allow_code=allow_code)
    print(f"{recipe}: fine, {len(planned.recipe.sources)} sources in {len(planned.splits)} splits")


@recipe_app.command(
    "template",
    epilog="Example: glotmill recipe template recipe.toml --image IMAGE --staging gs://bucket/beam > t.json",
)
def recipe_template(
    recipe: RecipeArgument,
    image: Annotated[str, typer.Option(help="Image of workers and launcher, from our Dockerfile.")],
    staging: Annotated[
        str, typer.Option(help="Folder on an object store, where the recipe and its files are put.")
    ],
    allow_code: AllowCodeOption = False,
) -> None:
    """Print the specification of a Flex Template of Dataflow that runs a recipe, and stage it."""
    import json

    from pipelines.build.flex_template import flex_template, stage_job
    from pipelines.build.plan import make_plan
    from pipelines.runners.without_pandas import let_arrow_do_without_pandas

    let_arrow_do_without_pandas()
    planned = make_plan(recipe, allow_code=allow_code)
    spec = flex_template(planned, image, stage_job(planned, staging))
    print(json.dumps(spec, indent=1, ensure_ascii=False))


@recipe_app.command("new", epilog="Example: glotmill recipe new eus_web.toml")
def recipe_new(
    recipe: Annotated[Path, typer.Argument(metavar="FILE", help="File to write.")],
) -> None:
    """Write a recipe to start from, with every line explained."""
    from importlib.resources import files

    text = files("pipelines").joinpath("recipes/starter.toml").read_text(encoding="utf-8")
    try:
        with recipe.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise MisuseError(f"{recipe} exists already; name another file") from None
    print(f"{recipe}: written; edit its sources, then: glotmill plan {recipe}")

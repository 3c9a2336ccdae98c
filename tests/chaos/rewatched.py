"""What a fork server imports that was started in place of one that was killed: places are watched
there again."""

import json
import os

import tests.chaos.preloaded  # noqa: F401
from tests.chaos.places import REWATCH, Watch, watch_here

driver, watch = json.loads(os.environ[REWATCH])
watch_here(Watch(*watch), driver)

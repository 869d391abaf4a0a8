"""Prints docs/official-client.md."""

import asyncio
import sys

from tests.keeper.official.table import called, render

sys.stdout.write(render(asyncio.run(called())))

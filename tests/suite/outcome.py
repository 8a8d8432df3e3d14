"""What a case can end with, and waiting with a deadline.

Used by every file of the suite. Never waits without a limit, never swallows a failure.
"""

import time


class Failed(Exception):
    """The product did not do what the case says."""


class Skipped(Exception):
    """The case cannot be tried here; the text says why."""


def expect(condition, why):
    if not condition:
        raise Failed(why)


def skip_unless(condition, why):
    if not condition:
        raise Skipped(why)


def wait_for(probe, seconds, why):
    """The first true value of probe(); Failed after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() >= end:
            raise Failed(why() if callable(why) else why)
        time.sleep(0.02)

"""What takes its time: begun by an early case, seen here.

A grant waits two minutes for its session; the suite does other things meanwhile, all of them as the
same client of the realm, since no other can log the grant out.
"""

import time

import case_crashes
import case_sessions
from outcome import expect, wait_for
from world import case

CLAIM_SECONDS = 120


@case("a grant that nobody claims is logged out at the realm after two minutes")
def claim_ended(world):
    """The daemon has been restarted several times since: open transactions outlive that."""
    if world.unclaimed_since is None:
        case_sessions.unclaimed(world)
    world.standard()
    end = world.unclaimed_since + CLAIM_SECONDS
    if time.monotonic() < end - 5:
        expect(world.realm.sessions(case_sessions.UNCLAIMED) == 1, "it ended early")
    wait_for(
        lambda: world.realm.sessions(case_sessions.UNCLAIMED) == 0,
        max(end - time.monotonic(), 0) + 15,
        "the grant is still a session at the realm",
    )
    if world.cut_since is not None:
        wait_for(
            lambda: not any(map(world.realm.sessions, (case_crashes.CUT, case_crashes.ALONE))),
            max(world.cut_since + CLAIM_SECONDS - time.monotonic(), 0) + 15,
            "the grant of a login that was killed is still a session at the realm",
        )

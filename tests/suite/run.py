#!/usr/bin/env python3
"""Runs kclogin under real host programs against one realm; one line a case.

    run.py --realm demo|demo24|kc26|kc24 [--tls] --build FOLDER [--modules FOLDER] [--only PATTERN]
           [--valgrind]

Needs root. Everything happens in mount and pid namespaces of its own; nothing of it outlives the
run.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import namespaces  # noqa: E402
from outcome import Failed, Skipped  # noqa: E402


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--realm", required=True, choices=["demo", "demo24", "kc26", "kc24"])
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--build", required=True, help="a folder where `make` was run")
    parser.add_argument("--modules", help="another one, for the PAM module (default: the same)")
    parser.add_argument("--only", default="", help="a regular expression of case names")
    parser.add_argument(
        "--valgrind", action="store_true", help="the daemon and pamtester run under memcheck"
    )
    parser.add_argument("--keep", help="a folder to keep the run's logs in")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def one(case, world):
    """Runs one case; (word, why)."""
    try:
        case.function(world)
    except Skipped as skipped:
        return "SKIP", str(skipped)
    except Failed as failed:
        return "not ok", str(failed)
    except Exception:
        return "not ok", traceback.format_exc().strip().replace("\n", " | ")
    return "ok", ""


def run_cases(cases, world):
    counts = {"ok": 0, "not ok": 0, "SKIP": 0}
    for case in cases:
        started = time.monotonic()
        word, why = one(case, world)
        counts[word] += 1
        took = f"{time.monotonic() - started:.1f}s"
        print(f"{word} {case.name}" + (f": {why}" if why else f" ({took})"), flush=True)
        if word == "not ok":
            world.after_failure()
    return counts


def look_at_memory(counts, seen, found):
    """What valgrind found in the whole run is one more result."""
    for text in found:
        print(text, flush=True)
    good = seen > 0 and not found
    counts["ok" if good else "not ok"] += 1
    print(f"{'ok' if good else 'not ok'} valgrind: {seen} processes, {len(found)} with findings")


def main():
    chosen = options()
    if os.geteuid() != 0:
        sys.exit("run.py needs root: it runs sshd, su and login for real")
    if not chosen.inside:
        namespaces.enter(__file__)
    namespaces.settle_in()
    import memcheck
    import world

    world.load_cases()
    work = tempfile.mkdtemp(prefix="kclogin-suite.")
    the_world = None
    try:
        cases = [
            case
            for case in world.CASES
            if case.where(chosen) and re.search(chosen.only, case.name)
        ]
        if not cases:
            sys.exit("no case matches")
        the_world = world.World(chosen, work)
        counts = run_cases(cases, the_world)
        if chosen.valgrind:
            the_world.end()
            look_at_memory(counts, *memcheck.findings())
    finally:
        if the_world:
            the_world.end()
        if chosen.keep and os.path.isdir("/run/bed/log"):
            shutil.copytree("/run/bed/log", chosen.keep, dirs_exist_ok=True)
        shutil.rmtree(work, ignore_errors=True)
    failed = counts["not ok"]
    if os.environ.get("CI") == "true":
        # where nothing may be missing, what cannot be tried has failed
        failed += counts.pop("SKIP")
    skipped = f", {counts['SKIP']} skipped" if counts.get("SKIP") else ""
    print(f"{counts['ok']} passed, {failed} failed{skipped}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

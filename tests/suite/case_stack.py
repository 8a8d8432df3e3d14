"""Debian's own common-* stacks, as pam-auth-update makes them of the product's profiles: in the order
that the design needs, and what becomes of people where the order is another.
"""

import contextlib
import os
import re
import shutil
import subprocess

from bed import LOCAL_PASSWORD, ROOT
from case_directory import look_up, name_service
from hosts import pamtester
from outcome import expect, wait_for
from world import WRONG, case, once

PROFILE = "/usr/share/pam-configs/keycloak"
PROMPT = r"(?i)password[^\n:]*: ?$"


def place(table, module):
    """The line of a stack where a module stands."""
    with open(f"/etc/pam.d/common-{table}", encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    return next(number for number, line in enumerate(lines) if f"{module}.so" in line)


def wrong_tables():
    """The stacks in which pam_keycloak does not stand where it must."""
    wrong = [table for table in ("auth", "account")
             if place(table, "pam_keycloak") > place(table, "pam_unix")]
    if place("password", "pam_keycloak") < place("password", "pam_unix"):
        wrong.append("password")
    return wrong


def update():
    subprocess.run(["pam-auth-update", "--package", "--force"], check=True, timeout=60,
                   capture_output=True, stdin=subprocess.DEVNULL,
                   env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


@contextlib.contextmanager
def behind_pam_unix():
    """While it lasts, the profile's priority is one that puts it behind pam_unix."""
    kept = {path: shutil.copy(path, f"{ROOT}/{os.path.basename(path)}.kept")
            for path in [PROFILE, *(f"/etc/pam.d/common-{table}" for table in (
                "auth", "account", "session", "session-noninteractive", "password"))]}
    try:
        with open(PROFILE, encoding="utf-8") as file:
            text = file.read()
        with open(PROFILE, "w", encoding="utf-8") as file:
            file.write(re.sub(r"^Priority: .*$", "Priority: 100", text, flags=re.M))
        update()
        yield
    finally:
        for path, copy in kept.items():
            shutil.move(copy, path)


def enters(user, password):
    """Whether a password opens an account by the stacks, authentication and account phase."""
    return pamtester("pamtester", user, "authenticate", "acct_mgmt",
                     answers=[(PROMPT, password)]).entered


@case("the stacks that pam-auth-update makes: local users by their own password, listed and realm users"
      " by the realm's; a wrong order is found (lesson 36)", once)
def stacks(world):
    world.standard()
    world.daemon.quiet(world.realm)
    expect(wrong_tables() == [], f"wrong order in {wrong_tables()}")
    sent = world.realm.relay.bytes_up
    expect(not enters("carol", WRONG), "carol is in with a wrong password")
    expect(enters("carol", LOCAL_PASSWORD["carol"]), "carol's own password does not open")
    expect(world.realm.relay.bytes_up == sent, "the realm heard of carol")
    expect(enters("ada", world.password("ada")), "ada's realm password does not open")
    expect(not enters("ada", LOCAL_PASSWORD["ada"]), "ada's local password opens")
    with behind_pam_unix():
        expect(wrong_tables() == ["auth", "account"], f"seen: {wrong_tables()}")
        expect(enters("ada", LOCAL_PASSWORD["ada"]), "the wrong order does what the right one does")
    expect(wrong_tables() == [], f"wrong order in {wrong_tables()}")
    with name_service(world):
        wait_for(lambda: look_up("passwd", "ada")[0] == 0, 10, "ada is not there")
        mark = world.daemon.log.mark()
        expect(enters("ada", world.password("ada")), f"ada is not in: {world.daemon.log.text(mark)}")
        # as after a key: pam_unix must not say yes for whom it does not know
        expect(pamtester("pamtester", "ada", "acct_mgmt").entered, "ada has the role, and no way in")
        world.realm.control("POST", "user", {"username": "keys", "takeRealmRoles": ["linux-login"]})
        try:
            seen = pamtester("pamtester", "keys", "acct_mgmt")
            expect(not seen.entered, f"keys is in without a role: {world.daemon.log.text(mark)}")
        finally:
            world.realm.control("POST", "reset")

"""kclogin ids: numbers that an administrator has written into the realm."""

import re

from bed import run
from case_directory import look_up, name_service
from outcome import expect, wait_for
from term import Terminal
from world import WRONG, case, once

REGISTRAR = ("registrar", "registrar-pass")
SERVED = ["serve = /linux-users /linux-admins /engineering/* /no-gid"]


def assign(world, *arguments, who=REGISTRAR, password=None):
    """(exit code, what the person saw)."""
    name, own = who
    password = password or own
    world.secrets.add(password)
    with Terminal([world.bed.find("kclogin"), "ids", "assign", *arguments], timeout=60) as term:
        term.expect("Administrator of the realm: $")
        term.send(name)
        term.answer("Password: $", password)
        code = term.finish(60)
        return code, term.shown[term.mark :]


def line(world, mark):
    """The daemon's line about the run."""
    return wait_for(
        lambda: re.search(r"^.*\bassign administrator=.*$", world.daemon.log.text(mark), re.M),
        5,
        "no line about the run",
    ).group(0)


def without_tls(chosen):
    """What takes long, and is about what the realm keeps."""
    return not chosen.tls


@case("kclogin ids assign: a list first, then numbers in the realm, each once", without_tls)
def numbers(world):
    with name_service(world, ["primary_group = linux-users"], groups=SERVED):
        with world.realm.administrator(*REGISTRAR):
            mark = world.daemon.log.mark()
            code, shown = assign(world)
            expect(code == 0, f"{code} {shown}")
            expect(re.search(r"^user noattrs uidNumber=19000\d+$", shown, re.M), shown)
            expect(re.search(r"^group /no-gid gidNumber=19000\d+$", shown, re.M), shown)
            expect("0 written. --write writes them." in shown, shown)
            expect("user ada" not in shown, shown)
            expect(world.realm.attribute("noattrs", "uidNumber") is None, "written without --write")
            said = line(world, mark)
            expect("administrator=registrar client=admin-cli result=ok" in said, said)
            expect("write=no" in said and "written=0" in said, said)
            code, shown = assign(world, "--write")
            expect(code == 0, f"{code} {shown}")
            uid = re.search(r"^user noattrs uidNumber=(\d+)$", shown, re.M)
            expect(uid, shown)
            expect(world.realm.attribute("noattrs", "uidNumber") == [uid.group(1)], shown)
            wait_for(lambda: world.realm.sessions("registrar") == 0, 5, "a session is left")
            code, shown = assign(world, "--write")
            expect(code == 0 and ": 0 without a number, 0 written" in shown, f"{code} {shown}")
            wait_for(
                lambda: look_up("passwd", "noattrs")[0] == 0, 10, "noattrs has no entry all the same"
            )
            fields = look_up("passwd", "noattrs")[1][0].split(":")
            expect(fields[2:4] == [uid.group(1), "1900020000"], f"{fields}")
            wait_for(lambda: look_up("group", "no-gid")[0] == 0, 10, "no-gid is no group")
            # who may not, and who is not who they say
            code, shown = assign(world, password=WRONG)
            expect(code == 1 and "bad-credentials" in shown, f"{code} {shown}")
            code, shown = assign(world, who=("ada", world.password("ada")))
            expect(code == 1 and "manage-users" in shown, f"{code} {shown}")
    world.realm.forget_failures()


@case(
    "kclogin ids assign: an attribute that the realm drops ends it at the first, in words",
    without_tls,
)
def dropped(world):
    lines = ["primary_group = linux-users", "uid_attribute = linuxUid"]
    with name_service(world, lines), world.realm.administrator(*REGISTRAR):
        mark = world.daemon.log.mark()
        code, shown = assign(world, "--write")
        expect(code == 1 and "the realm has not kept linuxUid" in shown, f"{code} {shown}")
        expect("User profile" in shown and "0 written" in shown, shown)
        expect("reason=not-permitted" in line(world, mark), line(world, mark))
        wait_for(lambda: world.realm.sessions("registrar") == 0, 5, "a session is left")


@case("kclogin ids assign: for root alone, and never without a terminal", once)
def not_for_everybody(world):
    with name_service(world):
        code, shown = world.kclogin("ids", "assign")
        expect(code == 1 and "conversation-failed" in shown, f"{code} {shown}")
        path = world.bed.find("kclogin")
        with Terminal([path, "ids", "assign"], uid=2001, gid=2001) as term:
            expect(term.finish() == 1 and "daemon-unreachable" in term.shown, term.shown)


@case("kclogin ids adopt: shows first, then a name passes to the new user of that name", once)
def adopt(world):
    with name_service(world):
        expect(look_up("passwd", "keys")[0] == 0, "keys is not there")
        code, shown = world.kclogin("ids", "adopt", "keys")
        expect(code == 1 and "not-found" in shown, f"{code} {shown}")
        try:
            world.realm.control("POST", "user", {"username": "keys", "again": True})
            wait_for(lambda: look_up("passwd", "keys")[0] == 2, 10, "the new keys has the old name")
            mark = world.daemon.log.mark()
            code, shown = world.kclogin("ids", "adopt", "keys")
            expect(code == 0 and "user keys, uid 1900010114:" in shown, f"{code} {shown}")
            expect("--yes does it" in shown and "claimed by" in shown, shown)
            expect(look_up("passwd", "keys")[0] == 2, "adopted without --yes")
            expect("adopt user=" not in world.daemon.log.text(mark), "logged, and not done")
            code, shown = world.kclogin("ids", "adopt", "keys", "--yes")
            expect(code == 2, f"--yes without an id: {code} {shown}")
            code, shown = world.kclogin("ids", "adopt", "keys", "somebody-else", "--yes")
            expect(code == 1 and "Another one claims it" in shown, f"{code} {shown}")
            expect(look_up("passwd", "keys")[0] == 2, "somebody else than shown was adopted")
            claim = re.search(r"claimed by (\S+)", shown)[1]
            code, shown = world.kclogin("ids", "adopt", "keys", claim, "--yes")
            expect(code == 0 and "Adopted." in shown, f"{code} {shown}")
            wait_for(lambda: look_up("passwd", "keys")[0] == 0, 5, "keys is not there")
            expect("adopt user=keys id=1900010114 result=ok" in world.daemon.log.text(mark), "log")
        finally:
            world.realm.control("POST", "reset")


@case("kclogin flush: what changed in the realm is seen in 2 s; an outage has all of it still", once)
def flush(world):
    def shell():
        code, lines = look_up("passwd", "ada")
        return lines[0].rsplit(":", 1)[1] if code == 0 else None

    def change(value):
        world.realm.control(
            "POST", "user", {"username": "ada", "attributes": {"loginShell": [value]}}
        )

    with name_service(world):
        mark = world.daemon.reload(world.daemon.text.replace("found_ttl = 2s", "found_ttl = 10m"))
        wait_for(lambda: "reload result=ok" in world.daemon.log.text(mark), 10, "no reload")
        try:
            run("sleep", "2.5")  # the last of the two seconds
            expect(shell() == "/bin/bash", "ada is another")
            change("/bin/sh")
            expect(shell() == "/bin/bash", "seen without a word")
            code, shown = world.kclogin("flush", "ada")
            expect(code == 0 and "1 user is asked for anew" in shown, f"{code} {shown}")
            wait_for(lambda: shell() == "/bin/sh", 4, "not seen after flush ada")
            change("/bin/bash")
            code, shown = world.kclogin("flush")
            expect(code == 0 and "users are asked for anew" in shown, f"{code} {shown}")
            wait_for(lambda: shell() == "/bin/bash", 4, "not seen after flush")
            expect("flush user=all result=ok" in world.daemon.log.text(mark), "log")
            world.realm.relay.down()
            expect(world.kclogin("flush")[0] == 0, "flush in an outage")
            expect(shell() == "/bin/bash", "ada is gone in the outage")
            expect("1900020001" in run("id", "-G", "ada").split(), "ada's groups are gone")
        finally:
            world.realm.relay.up()
            world.realm.control("POST", "reset")
        with Terminal([world.bed.find("kclogin"), "flush"], uid=2001, gid=2001) as term:
            expect(term.finish() == 1 and "not-authorized" in term.shown, term.shown)

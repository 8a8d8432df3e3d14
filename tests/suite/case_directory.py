"""Realm users and groups as Linux users and groups, through glibc and real programs."""

import contextlib
import os
import shutil
import subprocess

from bed import UIDS, run
from outcome import expect, wait_for
from product import configuration, secret_file
from world import case, once

DIRECTORY = {
    "directory": [
        "client_id = linux-nss",
        "client_auth = basic",
        "found_ttl = 2s",
        "absent_ttl = 1s",
        "group_max_stale = 1h",
    ],
    "groups": ["serve = /linux-users /linux-admins /engineering/*"],
}
ADA_UID, ADA_GID = 1900010001, 1900020000
ADA = f"ada:x:{ADA_UID}:{ADA_GID}:Ada Lovelace:/home/ada:/bin/bash"
# people of the realm whom the host's own files do not have while a case of these runs
REALM_ONLY = ("ada", "grace", "keys", "noattrs", "jo.doe")


def look_up(*arguments, caller=None):
    """getent: (exit code, lines)."""
    done = subprocess.run(
        ["getent", *arguments],
        check=False,
        timeout=20,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        user=caller,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )
    return done.returncode, done.stdout.splitlines()


def empty(folder):
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        os.remove(os.path.join(folder, name))


@contextlib.contextmanager
def name_service(world, directory=(), **sections):
    """A host that asks the realm for whom its own files do not know; with more lines of
    [directory], and other sections in the place of the usual ones."""
    library = os.path.dirname(world.bed.find("libnss_keycloak.so.2"))
    saved = {}
    for name in ("passwd", "group", "shadow", "nsswitch.conf", "ld.so.cache"):
        saved[name] = shutil.copy(f"/etc/{name}", f"/etc/{name}.before")
    try:
        with open("/etc/ld.so.conf.d/kclogin.conf", "w", encoding="utf-8") as file:
            file.write(library + "\n")
        run("ldconfig")
        for name in ("passwd", "group"):
            for user in REALM_ONLY:
                run("sed", "-i", f"/^{user}:/d", f"/etc/{name}")
            run("sed", "-i", f"s/^{name}:.*/{name}: files keycloak/", "/etc/nsswitch.conf")
        world.daemon.stop()
        empty("/var/lib/kclogin")  # nobody's name is bound by the case before
        text = configuration(
            world.realm,
            sections={
                **DIRECTORY,
                **sections,
                "directory": [
                    *DIRECTORY["directory"],
                    *directory,
                    f"client_secret_file = {secret_file('nss', 'nss-secret-for-tests')}",
                ],
            },
        )
        world.realm.relay.up()
        mark = world.daemon.log.mark()
        world.daemon.use(text)
        wait_for(
            lambda: "directory result=ok" in world.daemon.log.text(mark),
            30,
            lambda: f"no sweep: {world.daemon.log.text(mark)}",
        )
        yield
    finally:
        world.daemon.stop()
        for name, path in saved.items():
            shutil.move(path, f"/etc/{name}")
        os.remove("/etc/ld.so.conf.d/kclogin.conf")


@case("getent and id: a realm user and its groups, for root and for others")
def entries(world):
    with name_service(world):
        for caller in (None, "nobody"):
            seen = look_up("passwd", "ada", caller=caller)
            expect(seen == (0, [ADA]), f"{caller}: {seen}")
            seen = look_up("passwd", "1900010001", caller=caller)
            expect(seen == (0, [ADA]), f"{caller}: {seen}")
            code, lines = look_up("group", "linux-admins", caller=caller)
            expect(code == 0 and len(lines) == 1, f"{caller}: {code} {lines}")
            name, _, gid, members = lines[0].split(":")
            expect((name, gid) == ("linux-admins", "1900020001"), f"{caller}: {lines}")
            expect("ada" in members.split(","), f"{caller}: {lines}")
            code, lines = look_up("group", "1900020011", caller=caller)
            expect(lines[0].startswith("engineering.kernel:x:1900020011:"), f"{caller}: {lines}")
            gids = run("id", "-G", "ada", user=caller).split()
            expect(
                sorted(gids) == ["1900020000", "1900020001", "1900020011"], f"{caller}: {gids}"
            )
        names = run("id", "-Gn", "ada").split()
        expect(
            sorted(names) == ["engineering.kernel", "linux-admins", "linux-users"], f"id: {names}"
        )


@case("local names and ids are never the realm's; whom nobody knows, nobody is (lessons 6 and 27)")
def not_served(world):
    with name_service(world):
        expect(look_up("passwd", "ada")[0] == 0, "the directory is not there")
        code, lines = look_up("passwd", "root")
        expect(lines == ["root:x:0:0:root:/root:/bin/bash"], f"{code} {lines}")
        for key in ("no-such-user", "service-account-linux-nss", "ada@example.test", "-dash",
                    "noattrs", "baduid"):
            seen = look_up("--", "passwd", key)
            expect(seen[0] == 2, f"{key}: {seen}")
        for key in ("no-such-group", "no-gid", "teams.red", "1900020110", "many.g00"):
            expect(look_up("group", key)[0] == 2, f"{key}: {look_up('group', key)}")
        # nobody gets a realm group by a name alone
        expect("1900020000" not in run("id", "-G", "carol").split(), "carol is in linux-users")


@case("who has been seen stays known while the daemon is down, and while the realm is")
def outage(world):
    with name_service(world):
        expect(look_up("passwd", "ada")[1] == [ADA], "ada is not there")
        expect(look_up("group", "linux-users")[0] == 0, "linux-users is not there")
        world.realm.relay.down()
        run("sleep", "2.5")  # found_ttl
        expect(look_up("passwd", "ada")[1] == [ADA], "ada is gone with the realm")
        gids = run("id", "-G", "ada").split()
        expect("1900020001" in gids, f"ada's groups are gone with the realm: {gids}")
        code, _ = look_up("passwd", "no-such-user")
        expect(code == 2, "an unknown user is known")
        world.daemon.stop()
        for caller in (None, "nobody"):
            expect(look_up("passwd", "ada", caller=caller)[1] == [ADA], "gone with the daemon")
        expect(look_up("passwd", "carol")[0] == 0, "a local user is gone with the daemon")


@case("ssh: a user whom only the realm knows logs in with a password")
def ssh_login(world):
    with name_service(world):
        os.chown("/home/ada", ADA_UID, ADA_GID)
        try:
            mark = world.daemon.log.mark()
            seen = world.sshd.log_in("ada", world.password("ada"))
            expect(seen.entered, f"{seen} {world.daemon.log.text(mark)}")
            world.daemon.login(mark, user="ada", service="sshd", result="ok")
        finally:
            os.chown("/home/ada", UIDS["ada"], UIDS["ada"])


def add_line(path, line):
    """As shadow-utils do: a new file, renamed over the old one."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path + "+", "w", encoding="utf-8") as file:
        file.write(text + line + "\n")
    os.rename(path + "+", path)


@case("what the host's own files take is gone within two seconds, and comes back (lesson 6)", once)
def taken(world):
    realm = ("-s", "keycloak")
    with name_service(world):
        expect(look_up("passwd", "ada")[1] == [ADA], "ada is not there")
        expect("1900020001" in run("id", "-G", "ada").split(), "ada is no admin")
        add_line("/etc/passwd", "ada:x:4242:4242::/:/bin/sh")
        wait_for(lambda: look_up(*realm, "passwd", "ada")[0] == 2, 2, "ada is the realm's")
        expect(look_up(*realm, "passwd", "1900010001")[0] == 2, "ada's uid is there")
        wait_for(
            lambda: "ada" not in look_up(*realm, "group", "linux-admins")[1][0],
            2.5,
            "ada is an admin",
        )
        expect(look_up("passwd", "ada")[1] == ["ada:x:4242:4242::/:/bin/sh"], "not the host's")
        gids = run("id", "-G", "grace").split()
        expect(gids == ["1900020000"], f"grace: {gids}")
        add_line("/etc/group", "other:x:1900020001:")
        wait_for(lambda: look_up(*realm, "group", "linux-admins")[0] == 2, 2, "a gid of two")
        run("sed", "-i", "/^ada:/d", "/etc/passwd")
        wait_for(lambda: look_up("passwd", "ada")[1] == [ADA], 5, "ada does not come back")
        wait_for(
            lambda: run("id", "-G", "ada").split() == ["1900020000", "1900020011"],
            5,
            lambda: f"ada has a gid of the host's: {run('id', '-G', 'ada')}",
        )
        run("sed", "-i", "/^other:/d", "/etc/group")
        wait_for(lambda: "1900020001" in run("id", "-G", "ada").split(), 5, "no admin again")


@case("enumerate = yes lists everybody and each group once; no lists the host's own alone", once)
def listings(world):
    with name_service(world):
        for name in ("passwd", "group"):
            _, lines = look_up(name)
            expect(not [line for line in lines if ":19000" in line], f"{name}: {lines}")
    with name_service(world, directory=["enumerate = yes"]):
        wait_for(lambda: ADA in look_up("passwd")[1], 5, "ada is not listed")
        code, lines = look_up("passwd")
        names = [line.split(":")[0] for line in lines]
        expect(code == 0 and len(names) == len(set(names)), f"{code} {names}")
        expect("jo.doe" in names, f"who is in no group is not listed: {names}")
        expect(not [name for name in names if name.startswith("service-account")], f"{names}")
        _, lines = look_up("group")
        groups = [line.split(":")[0] for line in lines]
        expect(len(groups) == len(set(groups)) and "engineering.kernel" in groups, f"{groups}")


def real(chosen):
    return chosen.realm.startswith("kc") and not chosen.tls


@case("parents = yes: a member of a group is in the served ones above it", real)
def parents(world):
    with name_service(world, groups=["serve = /engineering", "parents = yes"]):
        expect(run("id", "-G", "ada").split() == ["1900020000", "1900020010"], run("id", "ada"))
        _, lines = look_up("group", "engineering")
        expect(lines == ["engineering:x:1900020010:ada"], f"{lines}")
        expect(look_up("group", "engineering.kernel")[0] == 2, "kernel is served")


def real_over_tls(chosen):
    return chosen.tls and chosen.realm == "kc26"


@case("over TLS the directory's questions share one HTTP/2 connection; a login has its own", real_over_tls)
def one_connection(world):
    with name_service(world):
        relay = world.realm.relay
        relay.down()
        relay.up()
        names = [f"nobody-{i:02}" for i in range(24)]
        asking = [
            subprocess.Popen(["getent", "passwd", name], stdout=subprocess.DEVNULL)
            for name in names
        ]
        codes = [process.wait(20) for process in asking]
        expect(codes == [2] * len(names), f"getent: {codes}")
        # one for the Admin API, at most one for the service token
        expect(len(relay.open) <= 2, f"{len(relay.open)} connections for {len(names)} names")
        before = len(relay.open)
        os.chown("/home/ada", 1900010001, 1900020000)
        try:
            mark = world.daemon.log.mark()
            seen = world.sshd.log_in("ada", world.password("ada"))
            expect(seen.entered, f"{seen} {world.daemon.log.text(mark)}")
        finally:
            os.chown("/home/ada", UIDS["ada"], UIDS["ada"])
        expect(len(relay.open) <= before + 1, f"{len(relay.open)} connections, {before} before")


@case("a client that may see nobody any more makes nobody disappear (lesson 27)", once)
def forbidden(world):
    service = {"username": "service-account-linux-nss"}
    role = {"realm-management": ["view-users"]}
    with name_service(world):
        expect(look_up("passwd", "ada")[1] == [ADA], "ada is not there")
        mark = world.daemon.log.mark()
        world.realm.control(
            "POST",
            "user",
            {
                **service,
                "takeClientRoles": role,
                "giveClientRoles": {"realm-management": ["query-users"]},
            },
        )
        try:
            run("sleep", "2.5")  # found_ttl: the daemon has to ask again
            expect(look_up("passwd", "ada")[1] == [ADA], "ada is gone")
            expect("1900020001" in run("id", "-G", "ada").split(), "ada's groups are gone")
            wait_for(
                lambda: "reason=directory-forbidden" in world.daemon.log.text(mark),
                10,
                lambda: f"no word of it: {world.daemon.log.text(mark)}",
            )
            expect(look_up("passwd", "ada")[1] == [ADA], "ada is gone after the sweep")
        finally:
            world.realm.control(
                "POST",
                "user",
                {
                    **service,
                    "giveClientRoles": role,
                    "takeClientRoles": {"realm-management": ["query-users"]},
                },
            )


@case("after a reboot without the realm users and groups are known by name and by id", once)
def reboot(world):
    with name_service(world):
        expect(look_up("passwd", "noattrs")[0] == 2, "noattrs has an entry")
        expect(look_up("passwd", "jo.doe")[0] == 0, "jo.doe is not there")
        text, mark = world.daemon.text, world.daemon.log.mark()
        world.daemon.stop()
        world.realm.relay.down()
        empty("/run/kclogin/snapshot")
        expect(look_up("passwd", "ada")[0] == 2, "somebody is known without a daemon")
        world.daemon.use(text)
        try:
            for key in ("ada", "1900010001"):
                expect(look_up("passwd", key)[1] == [ADA], f"{key}: {world.daemon.log.text(mark)}")
            expect(look_up("passwd", "1900010103")[0] == 0, "jo.doe has no name any more")
            gids = sorted(run("id", "-G", "ada").split())
            expect(gids == ["1900020000", "1900020001", "1900020011"], f"ada's groups: {gids}")
            members = look_up("group", "linux-admins")[1][0].split(":")[3].split(",")
            expect("ada" in members, f"linux-admins: {members}")
        finally:
            world.realm.relay.up()


@case("a user who is deleted is gone within the cache's time; a new one of that name is refused", once)
def deleted(world):
    with name_service(world):
        for name in ("keys", "jo.doe"):
            expect(look_up("passwd", name)[0] == 0, f"{name} is not there")
        mark = world.daemon.log.mark()
        try:
            world.realm.control("POST", "user", {"username": "keys", "again": True})
            world.realm.control("DELETE", "user", {"username": "jo.doe"})
            run("sleep", "2.5")
            for name in ("keys", "jo.doe", "1900010114"):
                expect(look_up("passwd", name)[0] == 2, f"{name} is there still")
            lines = world.daemon.log.text(mark)
            expect(lines.count("binding user=keys id=1900010114 result=denied reason=name-taken")
                   == 1, lines)
        finally:
            world.realm.control("POST", "reset")


@case("reload: users and groups switched off are gone at once, and nobody waits", once)
def switched_off(world):
    with name_service(world):
        expect(look_up("passwd", "ada")[1] == [ADA], "ada is not there")
        mark = world.daemon.log.mark()
        world.daemon.reload(configuration(world.realm))
        wait_for(
            lambda: "reload result=ok" in world.daemon.log.text(mark), 10, "no reload"
        )
        for key in ("ada", "no-such-user", "1900010001"):
            expect(look_up("passwd", key)[0] == 2, f"{key} is there still")

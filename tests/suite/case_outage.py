"""Bad days: the realm is down, the daemon is down, the caller's environment is hostile.

Unavailable is never denied and never success; local users never notice.
"""

import os

import hosts
from bed import LOCAL_PASSWORD, ROOT
from outcome import Failed, expect, wait_for
from product import CONF, configuration
from term import Terminal
from world import WRONG, case

INSIDE = "echo MARK-IN"


def su(world, password):
    return hosts.answer_all(["su", "ada", "-c", INSIDE], password, **hosts.account("carol"))


def sudo(world, password):
    return hosts.answer_all(["sudo", "-k", "sh", "-c", INSIDE], password, **hosts.account("ada"))


def ssh(world, password):
    return hosts.answer_all(world.sshd.command("ada", "password", INSIDE), password)


def keyboard(world, password):
    return hosts.answer_all(world.sshd.command("ada", "keyboard-interactive", INSIDE), password)


def pamtester(world, password):
    seen = hosts.answer_all(["pamtester", "pamtester", "ada", "authenticate"], password)
    return hosts.Seen("successfully authenticated" in seen.shown, seen.shown)


def login(world, password):
    with Terminal(["login"], timeout=60) as term:
        term.expect(r"login: ?$")
        term.send("ada")
        for _ in range(4):
            found = term.expect(r"Password: ?$|\$ ?$|Login incorrect", 30).group(0)
            if not found.startswith("Password"):
                return hosts.Seen(found.startswith("$"), term.shown)
            term.echo_off()
            term.send(password)
    raise Failed("login asks again and again")


PROGRAMS = [
    ("sshd password", "sshd", ssh),
    ("sshd keyboard-interactive", "sshd", keyboard),
    ("su", "su", su),
    ("sudo", "sudo", sudo),
    ("login", "login", login),
    ("pamtester", "pamtester", pamtester),
]

for program, service_name, enter in PROGRAMS:

    def realm_down(world, service=service_name, way=enter):
        """The local password is the way in on a bad day, and the realm's is none."""
        world.standard()
        world.daemon.quiet(world.realm)
        world.realm.relay.down()
        try:
            mark = world.daemon.log.mark()
            seen = way(world, WRONG)
            expect(not seen.entered, f"a wrong password got in: {seen}")
            line = world.daemon.login(mark, user="ada", service=service, result="unavailable")
            expect(line["reason"] == "unreachable", f"{line}")
            seen = way(world, LOCAL_PASSWORD["ada"])
            expect(seen.entered, f"the local password does not open the account: {seen}")
        finally:
            world.realm.relay.up()

        def back():
            mark = world.daemon.log.mark()
            return way(world, world.password("ada")).entered and world.daemon.login(
                mark, result="ok"
            )

        wait_for(back, 20, "ada cannot log in after the realm came back")

    case(f"{program}: realm down")(realm_down)


@case("kclogin status tells how realm and daemon are")
def status(world):
    world.standard()
    expect(world.sshd.log_in("ada", world.password("ada")).entered, "ada cannot log in")
    code, text = world.kclogin("status")
    expect(code == 0 and f"issuer: {world.realm.issuer}" in text, f"{code}: {text}")
    seen = hosts.su(
        "ada",
        "carol",
        LOCAL_PASSWORD["carol"],
        world.bed.find("kclogin") + " status; echo MARK-IN",
    )
    expect("realm: reachable" in seen.shown and "issuer" not in seen.shown, f"{seen}")
    world.realm.relay.down()
    try:
        world.sshd.log_in("ada", WRONG)
        wait_for(
            lambda: world.kclogin("status")[0] != 0,
            10,
            lambda: f"still good: {world.kclogin('status')}",
        )
        expect("unreachable" in world.kclogin("status")[1], f"{world.kclogin('status')}")
        world.daemon.stop()
        code, text = world.kclogin("status")
        expect(code != 0 and "daemon: unreachable" in text, f"{code}: {text}")
    finally:
        world.standard()


@case("daemon down: unavailable for a listed account, nothing changes for local users")
def daemon_down(world):
    world.standard()
    world.daemon.stop()
    try:
        for password in (world.password("ada"), LOCAL_PASSWORD["ada"], WRONG):
            expect(
                not ssh(world, password).entered, "a listed account was opened without the daemon"
            )
        expect(world.sshd.log_in("carol", LOCAL_PASSWORD["carol"]).entered, "carol cannot log in")
        world.sshd.authorize("carol")
        expect(world.sshd.key_log_in("carol").entered, "carol's key does not open")
        world.sshd.authorize("ada")
        expect(world.sshd.key_log_in("ada").entered, "ada's key does not open")
    finally:
        world.standard()


@case("the module's file is gone: local users log in as ever")
def module_gone(world):
    world.standard()
    path = world.bed.module_path
    os.rename(path, path + ".away")
    try:
        expect(world.sshd.log_in("carol", LOCAL_PASSWORD["carol"]).entered, "carol cannot log in")
        expect(not world.sshd.log_in("carol", WRONG).entered, "carol gets in with anything")
    finally:
        os.rename(path + ".away", path)


@case("reload: a bad new file leaves the old one in force, a good one counts at once")
def reload(world):
    world.standard()
    good = configuration(world.realm)
    mark = world.daemon.reload(good + "\n[nonsense]\nkey = value\n")
    lines = good.count("\n") + 2
    world.daemon.log.since(mark, rf"{CONF}:{lines}\b", 10)
    expect(world.sshd.log_in("ada", world.password("ada")).entered, "the old file is not in force")
    mark = world.daemon.reload(
        configuration(world.realm, access={"access": ["allow = role:no-such-role"]})
    )

    def denied():
        since = world.daemon.log.mark()
        return not world.sshd.log_in("ada", world.password("ada")).entered and world.daemon.login(
            since, user="ada", reason="not-permitted"
        )

    wait_for(denied, 10, "the new file is not in force")
    world.daemon.stop()


HOSTILE = {
    "SSLKEYLOGFILE": f"{ROOT}/leak/keylog",
    "https_proxy": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "socks5://127.0.0.1:9",
    "OPENSSL_CONF": f"{ROOT}/leak/openssl.cnf",
    "OPENSSL_MODULES": f"{ROOT}/leak",
    "CURL_CA_BUNDLE": "/dev/null",
    "SSL_CERT_FILE": "/dev/null",
    "SSL_CERT_DIR": "/dev/null",
    "CURL_HOME": f"{ROOT}/leak",
    "HOME": f"{ROOT}/leak",
    "TMPDIR": f"{ROOT}/leak",
    "RES_OPTIONS": "timeout:1",
    "HOSTALIASES": "/dev/null",
    "LOCALDOMAIN": "invalid",
    "LD_PRELOAD": f"{ROOT}/leak/none.so",
    "LD_LIBRARY_PATH": f"{ROOT}/leak",
    "LD_DEBUG": "all",
    "LD_DEBUG_OUTPUT": f"{ROOT}/leak/ld",
    "MALLOC_PERTURB_": "7",
}


def hostile_folder():
    folder = f"{ROOT}/leak"
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o777)
    with open(f"{folder}/openssl.cnf", "w", encoding="utf-8") as file:
        file.write("this is not a configuration\n")
    return set(os.listdir(folder))


@case("nothing of su's caller's environment reaches HTTPS code (lesson 19)")
def su_environment(world):
    mark, before = world.standard(), hostile_folder()
    seen = hosts.su("carol", "ada", world.password("ada"), env=HOSTILE)
    expect(seen.entered, f"{seen}")
    world.daemon.login(mark, user="ada", service="su", result="ok")
    made = [
        name
        for name in set(os.listdir(f"{ROOT}/leak")) - before
        if os.stat(f"{ROOT}/leak/{name}").st_uid == 0
    ]
    expect(not made, f"root made {made} where the caller said")


@case("nothing of the environment that the daemon is started in changes what it does (lesson 19)")
def daemon_environment(world):
    before = hostile_folder()
    hostile = {
        name: value for name, value in HOSTILE.items() if not name.startswith(("LD_", "OPENSSL_"))
    }
    world.daemon.use(configuration(world.realm), environment=hostile)
    mark = world.daemon.log.mark()
    expect(world.sshd.log_in("ada", world.password("ada")).entered, "ada cannot log in")
    world.daemon.login(mark, user="ada", result="ok")
    world.daemon.stop()
    made = set(os.listdir(f"{ROOT}/leak")) - before
    expect(not made, f"the daemon made {made}")

"""People and servers that mean no good, and those who only wait too long.

Nobody locks somebody else out, nobody writes the log, nobody is asked for more than is theirs.
"""

import time

import hosts
from bed import LOCAL_PASSWORD
from outcome import expect
from product import configuration
from realms import CA_FILE
from world import WRONG, case, over_tls

OTHER_CA = CA_FILE.rsplit("/", 1)[0] + "/host2.crt"


@case("a name cannot forge a log line (lesson 45)")
def forged(world):
    mark = world.standard()
    for name in ("ada result=ok", "ada%20result=ok", "ada=result=ok", "\u0430da result=ok"):
        expect(
            not world.sshd.log_in(name, WRONG, "keyboard-interactive").entered, f"{name!r} got in"
        )
    hosts.pamtester(
        "pamtester",
        "ada\nlogin user=ada result=ok",
        "authenticate",
        answers=[("Password: ", WRONG)],
    )
    for line in world.daemon.log.text(mark).splitlines():
        expect("result=ok" not in line or not line.startswith("login"), f"forged: {line}")
        expect("ada" not in line or not line.startswith("login"), f"a stranger's name: {line}")


@case("a locker opens its own user's screen, and nobody else's")
def locker(world):
    """pamtester as an ordinary user: the public socket, where only oneself may be authenticated."""
    world.standard()
    world.bed.bare_service("suite-locker", "")
    mark = world.daemon.log.mark()
    seen = hosts.pamtester(
        "suite-locker",
        "ada",
        "authenticate",
        caller="ada",
        answers=[("Password: ", world.password("ada"))],
    )
    expect(seen.entered, f"{seen}")
    world.daemon.login(mark, user="ada", service="suite-locker", result="ok")
    mark = world.daemon.log.mark()
    seen = hosts.answer_all(
        ["pamtester", "suite-locker", "ada", "authenticate"],
        world.password("ada"),
        **hosts.account("carol"),
    )
    expect("successfully" not in seen.shown, f"carol opened ada's screen: {seen}")
    world.daemon.login(mark, user="ada", result="denied", reason="not-authorized")


@case("passwd says where the password is changed")
def passwd(world):
    world.standard()
    world.bed.bare_service("suite-passwd", "")
    seen = hosts.pamtester("suite-passwd", "ada", "chauthtok")
    expect(not seen.entered, "a password was changed")
    expect(f"{world.realm.issuer}/account" in seen.shown, f"{seen}")


@case("a realm that says nothing is unavailable, within the login's time (lesson 25)")
def silent(world):
    limits = {"limits": ["grant_timeout = 3s"]}
    world.daemon.use(configuration(world.realm, sections=limits))
    expect(world.sshd.log_in("ada", world.password("ada")).entered, "ada cannot log in")
    with world.realm.relay.silence():
        mark, began = world.daemon.log.mark(), time.monotonic()
        argv = world.sshd.command("ada", "keyboard-interactive", "echo MARK-IN")
        seen = hosts.answer_all(argv, WRONG)
        took = time.monotonic() - began
        expect(not seen.entered, f"a silent realm let somebody in: {seen}")
        expect(took < 25, f"it took {took:.0f} s")
        world.daemon.login(mark, user="ada", result="unavailable")
        began = time.monotonic()
        expect(world.sshd.log_in("carol", LOCAL_PASSWORD["carol"]).entered, "carol cannot log in")
        expect(time.monotonic() - began < 5, "a local user waits for the realm")
    world.daemon.stop()


@case("a server with another authority's certificate gets no password", over_tls)
def other_authority(world):
    world.daemon.use(configuration(world.realm, ca_file=OTHER_CA))
    for password in (world.password("ada"), LOCAL_PASSWORD["ada"]):
        mark = world.daemon.log.mark()
        seen = hosts.answer_all(world.sshd.command("ada", "password", "echo MARK-IN"), password)
        expect(not seen.entered, f"{seen}")
        world.daemon.login(mark, user="ada", result="unavailable", reason="tls-failed")
    world.daemon.stop()

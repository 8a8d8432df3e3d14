"""The real host programs: how a person logs in through each.

Used by the cases. Each driver returns what the person saw; none knows the product.
"""

import os
import pwd
import re
import signal
import subprocess
import threading

import memcheck
from bed import ROOT, run, write
from outcome import Failed, wait_for
from realms import free_port
from term import Terminal

# A listed account that sshd does not let in: PAM gets sshd's dummy password for it.
DENIED = "noattrs"
SSH_PROMPT = {"password": r"password: ?$", "keyboard-interactive": r"Password: ?$"}


class Seen:
    """What the person got: did they get in, and what was shown."""

    def __init__(self, entered, shown, output=""):
        self.entered, self.shown, self.output = entered, shown, output

    def __repr__(self):
        return f"entered={self.entered} shown={self.shown!r}"

    def variable(self, name):
        """A variable of the session's environment, where the command was env -0 or env."""
        match = re.search(rf"^{name}=(.*)$", self.shown, re.M)
        return match.group(1).strip() if match else None


def answer_all(argv, password, **options):
    """Runs a program and types the same at each prompt for a password, if there is one."""
    with Terminal(argv, timeout=60, **options) as term:
        for _ in range(4):
            try:
                term.answer(r"(?i)password[^\n:]*: ?$", password, 30)
            except Failed:
                if term.status is None:
                    raise
                break
        status = term.finish()
        return Seen(status == 0 and "MARK-IN" in term.shown, term.shown)


class Person:
    """Somebody with an ssh client and a key, who logs in to a port of the loopback."""

    def __init__(self, port):
        self.port = port
        self.folder = f"{ROOT}/ssh"
        os.makedirs(f"{self.folder}/keys", exist_ok=True)
        if not os.path.exists(f"{self.folder}/person"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.folder}/person")

    def command(self, user, method, command, log_level="ERROR", source=None, tries=1):
        """ssh's argument list; from the loopback's address `source`, with so many prompts."""
        return [
            "ssh",
            "-F",
            "none",
            "-T",
            "-4",
            "-p",
            str(self.port),
            "-o",
            f"UserKnownHostsFile={self.folder}/known_hosts",
            "-o",
            "StrictHostKeyChecking=accept-new",
            "-o",
            f"LogLevel={log_level}",
            "-o",
            f"PreferredAuthentications={method}",
            "-o",
            f"NumberOfPasswordPrompts={tries}",
            "-b",
            source or "127.0.0.1",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "IdentityAgent=none",
            "-o",
            "ConnectTimeout=20",
            "-i",
            f"{self.folder}/person",
            "-l",
            user,
            "127.0.0.1",
            command,
        ]

    def log_in(
        self,
        user,
        password,
        method="password",
        command="echo MARK-IN; env; echo MARK-OUT",
        seconds=40,
        log_level="ERROR",
        source=None,
    ):
        """ssh USER@host: one prompt, one answer. With the level INFO ssh shows PAM's texts."""
        argv = self.command(user, method, command, log_level, source)
        with Terminal(argv, timeout=seconds) as term:
            term.answer(SSH_PROMPT[method], password, seconds)
            status = term.finish(seconds)
            return Seen(status == 0 and "MARK-IN" in term.shown, term.shown)

    def open(self, user, password, method="password"):
        """A session that stays: the terminal of an ssh that runs a program until it is closed."""
        term = Terminal(
            self.command(user, method, "echo MARK-IN; env; echo MARK-OUT; cat"), timeout=120
        )
        term.answer(SSH_PROMPT[method], password)
        term.expect("MARK-OUT")
        return term

    def key_log_in(self, user, command="echo MARK-IN; env; echo MARK-OUT"):
        with Terminal(self.command(user, "publickey", command)) as term:
            status = term.finish()
            return Seen(status == 0 and "MARK-IN" in term.shown, term.shown)


class Sshd(Person):
    """A real sshd on the loopback, and somebody who knows it."""

    def __init__(self, name="sshd", more=""):
        super().__init__(free_port())
        if not os.path.exists(f"{self.folder}/host"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.folder}/host")
        log_path = f"{ROOT}/log/{name}.log"
        config = write(
            f"{self.folder}/{name}_config",
            f"""
Port {self.port}
ListenAddress 127.0.0.1
HostKey {self.folder}/host
PidFile none
UsePAM yes
UseDNS no
PasswordAuthentication yes
KbdInteractiveAuthentication yes
PubkeyAuthentication yes
AuthorizedKeysFile {self.folder}/keys/%u
PermitRootLogin yes
DenyUsers {DENIED}
LogLevel VERBOSE
MaxStartups 100
PrintMotd no
PrintLastLog no
{more}
""",
        )
        run("/usr/sbin/sshd", "-t", "-f", config)
        log = open(log_path, "wb")
        self.process = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", config],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        wait_for(
            lambda: b"listening" in open(log_path, "rb").read(),
            10,
            "sshd does not listen",
        )

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)

    def authorize(self, user):
        with open(f"{self.folder}/person.pub", encoding="utf-8") as key:
            write(f"{self.folder}/keys/{user}", key.read())


def account(user):
    entry = pwd.getpwnam(user)
    return {
        "uid": entry.pw_uid,
        "gid": entry.pw_gid,
        "groups": os.getgrouplist(user, entry.pw_gid),
        "cwd": entry.pw_dir,
    }


def su(
    caller,
    target,
    password,
    command="echo MARK-IN; env; echo MARK-OUT",
    env=None,
    prompt="Password: ",
    seconds=40,
):
    """su TARGET, run by an ordinary user of the host."""
    with Terminal(
        ["su", target, "-c", command], env=env, timeout=seconds, **account(caller)
    ) as term:
        if password is not None:
            term.answer(prompt, password, seconds)
        status = term.finish(seconds)
        return Seen(status == 0 and "MARK-IN" in term.shown, term.shown)


def sudo(user, password, command="echo MARK-IN; env; echo MARK-OUT", seconds=40):
    """sudo as this user, with their own password."""
    argv = ["sudo", "-k", "sh", "-c", command]
    with Terminal(argv, timeout=seconds, **account(user)) as term:
        try:
            term.answer(r"(?i)password[^:]*: ?$", password, seconds)
        except Failed:
            if term.status is None:
                raise
        status = term.finish(seconds)
        return Seen(status == 0 and "MARK-IN" in term.shown, term.shown)


def login(user, password, then="echo MARK-IN; env; echo MARK-OUT; exit 0", seconds=40):
    """login(1) on a terminal, as getty runs it: name, password, shell."""
    with Terminal(["login"], timeout=seconds) as term:
        term.expect(r"login: ?$")
        term.send(user)
        term.answer(r"Password: ?$", password, seconds)
        found = term.expect(r"[$#] ?$|Login incorrect|\n[^\n]*login: ?$", seconds)
        entered = found.group(0).rstrip()[-1:] in ("$", "#")
        if entered:
            term.send(then)
            term.expect("\nMARK-OUT", seconds)
            term.finish(seconds)
        return Seen(entered, term.shown)


def pamtester(service, user, *operations, answers=(), env=None, items=(), seconds=40, caller=None):
    """pamtester: operations on one handle; each answer is (prompt, text)."""
    argv = ["pamtester"]
    for item in items:
        argv += ["-I", item]
    who = account(caller) if caller else {}
    argv = memcheck.wrap(argv + [service, user, *operations])
    with Terminal(argv, env=env, timeout=seconds, **who) as term:
        for prompt, text in answers:
            term.answer(prompt, text, seconds)
        status = term.finish(seconds)
        return Seen(status == 0, term.shown)


class Sampler:
    """Collects the argument lists of everything that runs, all the time."""

    def __init__(self):
        self.lists = set()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._sample, daemon=True)
        self.thread.start()

    def _sample(self):
        while not self.ended.wait(0.05):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        self.lists.add(file.read())
                except OSError:
                    pass

    def stop(self):
        self.ended.set()
        self.thread.join(5)

"""A host to log in to: private copies of /etc and the like in a mount namespace of the suite's own.

Used by run.py, once; everything here changes only the namespace. Never touches the machine's own
files.
"""

import glob
import os
import shutil
import subprocess

from journal import SystemLog

ROOT = "/run/bed"
# Accounts that the host defines and that a realm password may open.
LISTED = [
    "ada",
    "grace",
    "frozen",
    "mustchange",
    "halfprofile",
    "terms",
    "nomail",
    "norole",
    "locktest",
    "trouble",
    "longpass",
    "nested",
    "manygroups",
    "keys",
    "jo.doe",
    "noattrs",
    "nodefaults",
    "ghost",
]
# Accounts that the host defines, that are not listed: a realm password never opens them.
UNLISTED = ["carol", "Ada", "upper", "tempass"]
LOCAL_PASSWORD = {
    "ada": "local-ada-pass",
    "carol": "local-carol-pass",
    "root": "local-root-pass",
}
UIDS = {name: 2001 + number for number, name in enumerate(LISTED + UNLISTED)}
DAEMON_UID = 990
KEYS_USER = "kclogin-keys"  # whom sshd asks for keys as


def run(*argv, seconds=60, **options):
    """A command that must succeed, in time."""
    done = subprocess.run(
        argv,
        check=False,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        **options,
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def write(path, text, mode=0o644, owner=0, group=0):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chown(path, owner, group)
    os.chmod(path, mode)
    return path


def private_copy(folder):
    """Lays a copy of the folder in memory over it."""
    staging = os.path.join(ROOT, "staging")
    os.makedirs(staging, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", staging)
    if os.path.isdir(folder):
        run("cp", "-a", folder + "/.", staging)
    else:
        os.makedirs(folder)
    run("mount", "--move", staging, folder)


class Bed:
    def __init__(self, build, modules):
        self._mounts()
        self.tree = self._install(build, "product")
        self.module_tree = self.tree if modules == build else self._install(modules, "modules")
        self._accounts()
        self.log = SystemLog("/dev/log", f"{ROOT}/log/syslog")
        self.has_module = self._product_files()
        self._stack()

    def _mounts(self):
        run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run")
        os.makedirs(f"{ROOT}/log")
        os.makedirs("/run/sshd", 0o755)
        os.makedirs("/run/lock")
        for folder in (
            "/etc",
            "/var/cache/debconf",
            "/var/lib/pam",
            "/var/lib/sudo",
            "/var/lib/kclogin",
            "/var/spool/cron",
            "/usr/share/pam-configs",
            security_folder(),
        ):
            private_copy(folder)
        os.chown("/var/lib/kclogin", 0, 0)  # whoever's it is on this host
        run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/home")
        self._devices()

    @staticmethod
    def _devices():
        os.makedirs(f"{ROOT}/dev")
        run("mount", "-t", "tmpfs", "-o", "mode=0755,nosuid", "tmpfs", f"{ROOT}/dev")
        for name in ("null", "zero", "full", "random", "urandom", "tty"):
            write(f"{ROOT}/dev/{name}", "", 0o666)
            run("mount", "--bind", f"/dev/{name}", f"{ROOT}/dev/{name}")
        os.makedirs(f"{ROOT}/dev/pts")
        run(
            "mount",
            "-t",
            "devpts",
            "-o",
            "newinstance,ptmxmode=0666,mode=620,gid=5",
            "devpts",
            f"{ROOT}/dev/pts",
        )
        os.makedirs(f"{ROOT}/dev/shm")
        run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", f"{ROOT}/dev/shm")
        for name, target in (
            ("ptmx", "pts/ptmx"),
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
        ):
            os.symlink(target, f"{ROOT}/dev/{name}")
        run("mount", "--move", f"{ROOT}/dev", "/dev")

    @staticmethod
    def _install(build, name):
        """`make install` of a build folder, into a folder of the bed; its path."""
        tree = f"{ROOT}/{name}"
        os.makedirs(tree)
        # a build folder that is behind its source is brought up to it first
        run("make", "-s", "-C", build, "install", f"DESTDIR={tree}", seconds=600)
        return tree

    def find(self, name):
        """An installed file by its name; None where the product has none."""
        tree = self.module_tree if name.endswith((".so", ".so.2")) else self.tree
        found = sorted(
            path for path in glob.glob(f"{tree}/**/{name}", recursive=True) if os.path.isfile(path)
        )
        return found[0] if found else None

    def _accounts(self):
        """The host's own accounts: those of the machine below 1000, and the suite's."""
        for file in ("passwd", "group"):
            with open(f"/etc/{file}", encoding="utf-8") as source:
                lines = [
                    line
                    for line in source
                    if 0 <= int(line.split(":")[2]) < 1000
                    or line.startswith("nobody:")
                    or line.startswith("nogroup:")
                ]
            lines = [line for line in lines if line.split(":")[0] not in ("kclogin", "sshd", KEYS_USER)]
            if file == "passwd":
                lines += [
                    "sshd:x:991:65534::/run/sshd:/usr/sbin/nologin\n",
                    f"kclogin:x:{DAEMON_UID}:{DAEMON_UID}::/nonexistent:/usr/sbin/nologin\n",
                    f"{KEYS_USER}:x:989:65534::/nonexistent:/usr/sbin/nologin\n",
                ]
                lines += [f"{n}:x:{u}:{u}:{n}:/home/{n}:/bin/bash\n" for n, u in UIDS.items()]
            else:
                lines += [f"kclogin:x:{DAEMON_UID}:\n"] + [
                    f"{n}:x:{u}:\n" for n, u in UIDS.items()
                ]
            write(f"/etc/{file}", "".join(lines))
        shadow = ["nobody:*:19000:0:99999:7:::\n"]
        for name in ["root", *UIDS]:
            word = "*"
            if name in LOCAL_PASSWORD:
                word = run("openssl", "passwd", "-6", LOCAL_PASSWORD[name]).strip()
            shadow.append(f"{name}:{word}:19000:0:99999:7:::\n")
        write("/etc/shadow", "".join(shadow), 0o640)
        write("/etc/gshadow", "", 0o640)
        for name, uid in UIDS.items():
            os.mkdir(f"/home/{name}", 0o700)
            os.chown(f"/home/{name}", uid, uid)
        for line in ("passwd", "group", "shadow"):
            run("sed", "-i", f"s/^{line}:.*/{line}: files/", "/etc/nsswitch.conf")
        for name in ("profile.d", "update-motd.d", "ld.so.preload"):
            if os.path.isdir(f"/etc/{name}"):
                shutil.rmtree(f"/etc/{name}")
        for name in ("motd", "legal", "issue", "nologin"):
            if os.path.exists(f"/etc/{name}"):
                os.remove(f"/etc/{name}")

    @staticmethod
    def more_accounts(uids):
        """Accounts that the host defines from now on, without a local password."""
        for file, line in (
            ("passwd", "{0}:x:{1}:{1}:{0}:/home/{0}:/bin/sh\n"),
            ("group", "{0}:x:{1}:\n"),
            ("shadow", "{0}:*:19000:0:99999:7:::\n"),
        ):
            with open(f"/etc/{file}", "a", encoding="utf-8") as table:
                table.writelines(line.format(name, uid) for name, uid in uids.items())
        for name, uid in uids.items():
            os.mkdir(f"/home/{name}", 0o700)
            os.chown(f"/home/{name}", uid, uid)

    def _product_files(self):
        """Puts the module and the PAM profiles where Debian looks for them."""
        for path in glob.glob(f"{self.tree}/**/pam-configs/*", recursive=True):
            shutil.copy(path, "/usr/share/pam-configs/")
        module = self.find("pam_keycloak.so")
        if module:
            self.module_path = shutil.copy(module, security_folder())
        return module is not None

    def _stack(self):
        """Debian's own stacks, made by Debian's own tool from the product's profiles."""
        run(
            "pam-auth-update",
            "--package",
            "--force",
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
        for path in glob.glob("/etc/pam.d/common-*"):
            # these ask services that a bed does not have
            run("sed", "-i", "/pam_systemd.so/d; /pam_cap.so/d", path)
        # the machine's own services may have lines of a whole host; these are bare ones
        for service in SERVICES:
            write(f"/etc/pam.d/{service}", SERVICE.get(service, "") + BODY)
        write("/etc/sudoers", SUDOERS, 0o440)
        shutil.rmtree("/etc/sudoers.d", ignore_errors=True)
        os.makedirs("/etc/sudoers.d")

    @staticmethod
    def bare_service(name, arguments):
        """A PAM service of the module alone, with these arguments; its sessions leave the PAM
        environment in the file that is returned."""
        path = f"{ROOT}/environment/{name}"
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        write(
            f"/etc/pam.d/{name}",
            "".join(
                f"{kind} required pam_keycloak.so {arguments}\n"
                for kind in ("auth", "account", "session", "password")
            )
            + "account required pam_permit.so\n"
            + f"session optional pam_exec.so type=open_session log={path} /usr/bin/env\n",
        )
        return path


def security_folder():
    for path in (
        "/usr/lib/x86_64-linux-gnu/security",
        "/usr/lib/aarch64-linux-gnu/security",
        "/usr/lib/security",
    ):
        if os.path.isdir(path):
            return path
    raise SystemExit("no folder of PAM modules")


SERVICES = ("sshd", "su", "su-l", "sudo", "sudo-i", "login", "pamtester", "cron", "atd")
SERVICE = {"su": "auth sufficient pam_rootok.so\n", "su-l": "auth sufficient pam_rootok.so\n"}
BODY = (
    "@include common-auth\n@include common-account\n@include common-session\n"
    "@include common-password\n"
)
SUDOERS = (
    "Defaults env_reset, !lecture, !fqdn, timestamp_timeout=0, passwd_tries=1\n"
    'Defaults secure_path="/usr/sbin:/usr/bin:/sbin:/bin"\n'
    "root ALL=(ALL:ALL) ALL\n"
    + "".join(f"{name} ALL=(ALL:ALL) ALL\n" for name in LISTED + ["carol"])
)

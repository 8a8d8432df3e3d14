"""The namespaces that a run lives in: mounts and processes of its own.

Used by run.py and demonstration.py before anything else. Must never let a mount of the run reach
the host, nor a process outlive the run.
"""

import ctypes
import errno
import os
import sys
import tempfile

MS_REC, MS_PRIVATE = 0x4000, 1 << 18


def enter(program):
    """The program again, as the first process inside."""
    os.execvp(
        "unshare",
        [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--propagation",
            "unchanged",
            sys.executable,
            os.path.abspath(program),
            "--inside",
            *sys.argv[1:],
        ],
    )


def settle_in():
    """Cuts the mounts off from the host's, and shows the processes of the namespace alone."""
    if os.getpid() != 1:
        sys.exit("--inside is for the program itself")
    try:
        mount(None, "/", None, MS_REC | MS_PRIVATE)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        from_a_chroot()
    mount("proc", "/proc", "proc", 0)


def from_a_chroot():
    """A root folder that is no mount cannot be cut off itself: what it lies on is."""
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    with tempfile.TemporaryDirectory() as below:
        os.chroot(below)
        os.fchdir(root)
        for _ in range(256):
            os.chdir("..")
        os.chroot(".")
        mount(None, "/", None, MS_REC | MS_PRIVATE)
        os.fchdir(root)
        os.chroot(".")
    os.close(root)


def mount(source, target, kind, flags):
    libc = ctypes.CDLL(None, use_errno=True)
    encoded = [None if text is None else text.encode() for text in (source, target, kind)]
    if libc.mount(*encoded, ctypes.c_ulong(flags), None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)

"""A view of the file system of the function's own: layers over /opt, its code read-only.

Run as ``python -I -S mounts.py LAYERS CODE COMMAND…``: become COMMAND in a mount namespace (mount_namespaces(7)) in
which /opt is the layers over the real one, and CODE cannot be written. LAYERS are folders with colons between them, the
later ones winning; LAYERS and CODE may be empty. A user who is not root gets a user namespace for that
(user_namespaces(7)), with the same user in it. Ends with exit code 71 and one line when the machine refuses.
"""

import ctypes
import os
import sys

OPT = "/opt"
REFUSED = 71  # EX_OSERR of sysexits.h
# sched.h and mount.h
CLONE_NEWNS, CLONE_NEWUSER = 0x0002_0000, 0x1000_0000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
# A mount's flags that a user namespace may not take away: statvfs(3) -> mount(2).
KEPT = {2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}

libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: str | int | None) -> None:
    """Call a function of the C library; what it refuses is an `OSError` that names it."""
    values = [os.fsencode(value) if isinstance(value, str) else value for value in arguments]
    if getattr(libc, name)(*values) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def enter() -> None:
    """Enter a mount namespace, from which nothing gets out."""
    user, group = os.getuid(), os.getgid()
    try:
        call("unshare", CLONE_NEWNS)
    except PermissionError:
        call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
        for file, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{file}", "w") as target:  # noqa: PTH123 - pathlib would cost start-up time
                target.write(text)
    call("mount", None, "/", None, MS_REC | MS_PRIVATE, None)


def cover(layers: list[str]) -> None:
    """Lay folders over /opt, in which everything else stays, other file systems below it too."""
    below = [os.open(path, os.O_PATH) for path in mounted_below(OPT)]
    paths = [os.readlink(f"/proc/self/fd/{handle}") for handle in below]  # noqa: PTH115
    folders = [path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,") for path in reversed(layers)]
    options = "lowerdir=" + ":".join([*folders, OPT])
    call("mount", "overlay", OPT, "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, options)
    for handle, path in zip(below, paths):  # noqa: B905 - both come from one list
        call("mount", f"/proc/self/fd/{handle}", path, None, MS_BIND | MS_REC, None)
        os.close(handle)


def mounted_below(folder: str) -> list[str]:
    """The mount points below a folder, outermost first (proc(5), mountinfo: field 5)."""
    with open("/proc/self/mountinfo") as table:  # noqa: PTH123
        points = [line.split()[4] for line in table]
    return sorted(point for point in points if point.startswith(f"{folder}/") and "\\" not in point)


def protect(folder: str) -> None:
    """Make a folder read-only, for whoever is in this namespace."""
    call("mount", folder, folder, None, MS_BIND | MS_REC, None)
    now = os.statvfs(folder).f_flag
    kept = sum(flag for known, flag in KEPT.items() if now & known)
    call("mount", None, folder, None, MS_REMOUNT | MS_BIND | MS_RDONLY | kept, None)


def main() -> None:
    """Set everything up and become the command."""
    layers, code, *command = sys.argv[1:]
    here = os.getcwd()  # noqa: PTH109
    try:
        enter()
        if layers:
            cover(layers.split(os.pathsep))
        if code:
            protect(code)
    except OSError as error:
        sys.stderr.write(f"{error.strerror}\n")
        sys.exit(REFUSED)
    os.chdir(here)  # by its path: what was opened before is still what lies below
    try:
        os.execv(command[0], command)  # noqa: S606 - a list, no shell
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(127)


main()

"""Run a command as an unprivileged user: `python demote.py UID GID REACH COMMAND...`, started by root.

PostgreSQL refuses to run as root. The data directory may lie below directories that only root may enter (/root,
say), whose permissions are not ours to change: with REACH = 1 the command keeps one capability, to pass through and
read directories, and nothing else of root. A script of its own, run by a fresh interpreter, because code between
fork and exec of a threaded process can deadlock.
"""

import ctypes
import os
import sys

_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522


def _held() -> int:
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("CapPrm:"):
                return int(line.split()[1], 16)
    return 0


def _reach_through(capability: int) -> None:
    """Keep this one capability over the coming exec, as the user that the process has become."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(1 << capability, 1 << capability, 1 << capability, 0, 0, 0)
    if libc.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    arguments = (ctypes.c_ulong(_PR_CAP_AMBIENT_RAISE), ctypes.c_ulong(capability), ctypes.c_ulong(0), ctypes.c_ulong(0))
    if libc.prctl(ctypes.c_int(_PR_CAP_AMBIENT), *arguments) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def main(uid: int, gid: int, reach: bool, command: list[str]) -> None:
    capability = None
    if reach:
        held = _held()
        capability = next((bit for bit in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE) if held >> bit & 1), None)
        if capability is None:
            sys.exit("the data directory lies below a directory that only root may enter, and this root lacks the "
                     "capability to let PostgreSQL through: choose another --data directory")  # fmt: skip
        ctypes.CDLL(None).prctl(ctypes.c_int(_PR_SET_KEEPCAPS), ctypes.c_ulong(1))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if capability is not None:
        _reach_through(capability)
    os.execv(command[0], command)  # noqa: S606 (no shell is what is wanted)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1", sys.argv[4:])

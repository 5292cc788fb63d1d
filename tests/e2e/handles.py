"""Try to get out of a bind mount by file handles, as one who has CAP_DAC_READ_SEARCH can.

    handles.py BOUND PATH...

Opens each PATH by its handle, through the mount that BOUND is of. Prints a line for each: "PATH: opened" and the names
in it, if it is a directory; or "PATH: " and why not. Never a value.
"""
import ctypes
import os
import struct
import sys

AT_FDCWD = -100
MOST = 128  # MAX_HANDLE_SZ
libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def handle_of(path):
    handle = ctypes.create_string_buffer(struct.pack("Ii", MOST, 0) + bytes(MOST))
    checked(libc.name_to_handle_at(AT_FDCWD, os.fsencode(path), handle, ctypes.byref(ctypes.c_int()), 0))
    return handle


def attempt(bound, path):
    handle = handle_of(path)
    try:
        file = checked(libc.open_by_handle_at(bound, handle, os.O_RDONLY))
        names = os.listdir(file) if os.path.isdir(path) else []
    except OSError as error:
        return error.strerror
    return " ".join(["opened", *sorted(names)])


mount = os.open(sys.argv[1], os.O_RDONLY)
for name in sys.argv[2:]:
    print(f"{name}: {attempt(mount, name)}")

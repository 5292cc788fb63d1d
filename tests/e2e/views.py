"""What programs get from the views of an App: for views.bats.

    views.py READER DIRECTORY…    of each App its name, the name of a field and the SHA-256 of that, as READER reads it,
                                  a line for key and one for secret; or its name and the error of opening the view

READER: json, properties, dotenv (python-dotenv). Nothing else is printed.
"""
import hashlib
import json
import os
import re
import sys


def properties(data):
    """Java's java.util.Properties.load, as its documentation describes it: ISO 8859-1, escapes, no logical lines that
    go on (none are written)."""
    values = {}
    named = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}

    def unescape(text):
        units = re.sub(r"\\(u[0-9A-Fa-f]{4}|.)",
                       lambda m: chr(int(m[1][1:], 16)) if len(m[1]) == 5 else named.get(m[1], m[1]), text)
        return units.encode("utf-16-be", "surrogatepass").decode("utf-16-be")

    for line in data.decode("iso-8859-1").split("\n"):
        line = line.lstrip(" \t\f")
        if not line or line[0] in "#!":
            continue
        name, value = re.fullmatch(r"((?:\\.|[^\\=: \t\f])*)[ \t\f]*(?:[=:][ \t\f]*)?(.*)", line, re.DOTALL).groups()
        values[unescape(name)] = unescape(value)
    return values


def fields_of(reader, directory):
    if reader == "json":
        with open(os.path.join(directory, "views/json"), encoding="utf-8") as view:
            values = json.load(view)
        return values["key"], values["secret"]
    if reader == "properties":
        with open(os.path.join(directory, "views/properties"), "rb") as view:
            values = properties(view.read())
        return values["key"], values["secret"]
    from dotenv import dotenv_values
    path = os.path.join(directory, "views/env")
    with open(path, encoding="utf-8"):
        pass
    values = dotenv_values(path)
    return values["API_KEY"], values["API_SECRET"]


for app in sys.argv[2:]:
    name = os.path.basename(app)
    try:
        for field, value in zip(("key", "secret"), fields_of(sys.argv[1], app)):
            print(name, field, hashlib.sha256(value.encode()).hexdigest())
    except OSError as error:
        print(name, error.strerror)

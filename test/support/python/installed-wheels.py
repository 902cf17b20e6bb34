"""Makes wheels of Python packages that are installed here, so that pip can install them with no index: as a team's own mirror would.

Usage: installed-wheels.py PACKAGES-FOLDER WHEELS-FOLDER NAME...; prints one `name==version` a line. Translations other than
English are left out. Source: PEP 427.
"""

import base64
import glob
import hashlib
import os
import re
import sys
import zipfile


def described(packages, name):
    for folder in sorted(glob.glob(os.path.join(packages, "*.*-info"))):
        base = os.path.basename(folder).rsplit(".", 1)[0]
        found = re.match(r"(.+?)-(\d[^-]*)(?:-py.*)?$", base)
        if found and found.group(1).lower() == name.lower():
            for file in ("METADATA", "PKG-INFO"):
                path = os.path.join(folder, file)
                if os.path.isfile(path):
                    with open(path, "rb") as text:
                        return found.group(1), found.group(2), text.read()
    raise SystemExit(name + " is not installed in " + packages)


def sources(packages, name):
    root = os.path.join(packages, name.lower())
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(one for one in folders if one != "__pycache__")
        if os.path.basename(folder) == "locale":
            folders[:] = [one for one in folders if one == "en"]
        for file in sorted(files):
            path = os.path.join(folder, file)
            yield os.path.relpath(path, packages).replace(os.sep, "/"), path


def make(packages, wheels, name):
    name, version, metadata = described(packages, name)
    info = "%s-%s.dist-info" % (name, version)
    with zipfile.ZipFile(os.path.join(wheels, "%s-%s-py3-none-any.whl" % (name, version)), "w") as wheel:
        record = []

        def add(path, content):
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append("%s,sha256=%s,%d\n" % (path, digest, len(content)))
            wheel.writestr(path, content)

        for path, file in sources(packages, name):
            with open(file, "rb") as content:
                add(path, content.read())
        add(info + "/METADATA", metadata)
        add(info + "/WHEEL", b"Wheel-Version: 1.0\nGenerator: slipway\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        record.append(info + "/RECORD,,\n")
        wheel.writestr(info + "/RECORD", "".join(record))
    print("%s==%s" % (name, version))


for each in sys.argv[3:]:
    make(sys.argv[1], sys.argv[2], each)

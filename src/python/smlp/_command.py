"""The command `smlp`: becomes the program, so that signals and exit codes are its own."""

import importlib.util
import os
import re
import sys
from typing import NoReturn

from ._torch import VERSION, problem

_HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(_HERE, "bin", "smlp")

# Debian's libcurl, which comes with the program, looks in the first place alone.
_CERTIFICATES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                 "/etc/ssl/cert.pem"]


def _torch_folder() -> str:
    beside = os.path.join(os.path.dirname(_HERE), "torch")
    if os.path.exists(os.path.join(beside, "lib", "libtorch_cpu.so")):
        return beside
    found = importlib.util.find_spec("torch")  # of another folder; this imports nothing
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"PyTorch is not installed here: pip install 'torch=={VERSION}.0'")
    return found.submodule_search_locations[0]


def environment() -> dict[str, str]:
    """What the program is to be started with. PyTorch missing: FileNotFoundError; of another version: RuntimeError."""
    folder = _torch_folder()
    with open(os.path.join(folder, "version.py"), encoding="utf-8") as file:
        version = re.search(r"^__version__ = '([^']*)'", file.read(), re.MULTILINE)
    why = problem(version.group(1) if version else "unknown", folder)
    if why:
        raise RuntimeError(why)
    variables = dict(os.environ)
    certificates = next(filter(os.path.exists, _CERTIFICATES), None)
    if certificates:
        variables.setdefault("SSL_CERT_FILE", certificates)
    if folder != os.path.join(os.path.dirname(_HERE), "torch"):  # where the program looks itself
        before = variables.get("LD_LIBRARY_PATH")
        variables["LD_LIBRARY_PATH"] = os.path.join(folder, "lib") + (f":{before}" if before else "")
    return variables


def main() -> NoReturn:
    try:
        variables = environment()
    except (OSError, RuntimeError) as error:
        sys.exit(f"error: {error}")
    os.execve(PROGRAM, ["smlp", *sys.argv[1:]], variables)

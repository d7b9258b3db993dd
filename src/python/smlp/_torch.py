"""Which PyTorch this was made for. Imports none."""

VERSION = "2.11"


def problem(found: str, where: str) -> str:
    """Why PyTorch of version `found` ("2.11.0+cpu") cannot be used; empty when it can."""
    if found.split("+")[0].split(".")[:2] == VERSION.split("."):
        return ""
    return (f"smlp was made for PyTorch {VERSION}, and {where} is {found}, whose C++ interface is another one: "
            f"pip install 'torch=={VERSION}.0'")

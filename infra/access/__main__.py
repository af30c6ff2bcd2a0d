"""`python -m infra.access`: run the access server of the current home until it is told to stop."""

import uvicorn

from infra.access.server import application
from infra.home import LOOPBACK, Home
from infra.logging import configure_logging


def main() -> None:
    """Serve on the home's access port over TLS."""
    configure_logging()
    home = Home.current()
    uvicorn.run(
        application(home),
        host=LOOPBACK,
        port=home.ports.access,
        ssl_certfile=str(home.tls_dir / "access.pem"),
        ssl_keyfile=str(home.tls_dir / "access.key"),
        log_config=None,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()

"""What can be wrong with a spool; each says what to do."""

from schemas.errors import MisuseError, RejectedError, UnavailableError


class SpoolFullError(UnavailableError):
    """The spool holds as much as it may."""

    code = "spool-full"


class SpoolUnwritableError(UnavailableError):
    """The disk does not take what the spool has to keep."""

    code = "spool-unwritable"


class SpoolInUseError(MisuseError):
    """Another publisher has the spool."""

    code = "spool-in-use"


class SpoolKeyError(MisuseError):
    """The key file is not the one that the spool was written with, or not kept to its owner."""

    code = "spool-key"


class SpoolDamagedError(RejectedError):
    """A part of the spool is not what was written there."""

    code = "spool-damaged"


class InSpoolError(UnavailableError):
    """Events were not sent, and are safe in the spool."""

    code = "in-spool"

"""Everything that can go wrong and that a user can do something about.

AccompanistError            exit code 1: it failed, for the reason given
  UsageError                exit code 2: the call's words do not make sense
  BadInputError             exit code 3: a file is missing, broken or not of the kind it should be
  DeviceError               exit code 4: no such audio device, MIDI port or sound font
  DaemonError               exit code 5: the daemon does not answer

Every message is one line that names the thing (file, device, part), says what is wrong with it
and what to do about it. The command line prints the message and leaves with ``exit_code``;
any other exception is a defect of ours.
"""

from __future__ import annotations

__all__ = ["AccompanistError", "BadInputError", "DaemonError", "DeviceError", "UsageError"]


class AccompanistError(Exception):
    """A failure with a message for the user; see the module's table for the exit codes."""

    exit_code: int = 1


class UsageError(AccompanistError):
    """The call does not make sense: an unknown part, a bar beyond the end, options at odds."""

    exit_code = 2


class BadInputError(AccompanistError):
    """A score, recording, truth file or manifest that is missing, broken or of another kind."""

    exit_code = 3


class DeviceError(AccompanistError):
    """An audio device, MIDI port, sound font or system library that is not there."""

    exit_code = 4


class DaemonError(AccompanistError):
    """The daemon is not reachable."""

    exit_code = 5

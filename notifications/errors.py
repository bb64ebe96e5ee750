"""Errors of handing a message over to its server."""


class NotAccepted(Exception):
    """The message was certainly not taken, so that sending it again doubles nothing.

    Every other error leaves that open: the receiver may have taken the message and its answer
    may be lost.
    """

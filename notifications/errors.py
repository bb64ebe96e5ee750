"""What can go wrong while a message is handed over."""


class NotAccepted(Exception):
    """The message was certainly not taken, so that sending it again doubles nothing.

    Every other error leaves that open: the receiver may have taken the message and its answer
    may be lost.
    """

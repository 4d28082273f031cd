"""What the failure of one mail says of the mail server, and of the mail."""

import smtplib

UNREACHABLE = (
    smtplib.SMTPServerDisconnected,
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPAuthenticationError,
)


def is_unreachable(error: Exception) -> bool:
    """Whether the server, and not this one mail, is at fault."""
    if isinstance(error, smtplib.SMTPException):
        return isinstance(error, UNREACHABLE)
    return isinstance(error, OSError)


def is_final(error: Exception) -> bool:
    """Whether the same mail would be refused again for ever: 5xx for it, or it cannot be built."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code >= 500
    return isinstance(error, ValueError)

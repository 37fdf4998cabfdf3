"""Sending a mail: by the server that the environment names, or by the sendmail of this machine."""

from __future__ import annotations

import getpass
import os
import shutil
import smtplib
import socket
import subprocess
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from lunacy.errors import LunacyError, UsageError

_TIMEOUT_S = 60
_FOLDERS = ":/usr/sbin:/usr/lib"  # where sendmail is, and cron does not look
_HOW = "set SMTP_HOST (and SMTP_PORT, SMTP_USER, SMTP_PASSWORD, SMTP_FROM), or install a sendmail"


def send_mail(to: str, subject: str, text: str, page: str) -> None:
    """Send `text`, and beside it the HTML `page`. Raises UsageError for what is no address, LunacyError if it fails.

    SMTP_HOST and SMTP_PORT (587, with STARTTLS; 465 is TLS from the start; 25 without) name a server, SMTP_USER and
    SMTP_PASSWORD an account there, and SMTP_FROM the sender.
    """
    sender = os.environ.get("SMTP_FROM") or os.environ.get("SMTP_USER") or f"{getpass.getuser()}@{socket.getfqdn()}"
    message = EmailMessage()
    try:
        message["From"], message["To"], message["Subject"] = sender, to, subject
        if "@" not in to or not message["To"].addresses or not message["From"].addresses:
            raise ValueError
    except (ValueError, MessageError, IndexError):
        raise UsageError(f"{to!r} is no mail address, or {sender!r} is none") from None
    message["Date"], message["Message-ID"] = formatdate(localtime=True), make_msgid(domain="lunacy.invalid")
    message.set_content(text)
    message.add_alternative(page, subtype="html")
    host = os.environ.get("SMTP_HOST")
    try:
        if host:
            _by_server(message, host, os.environ.get("SMTP_PORT", "587"))
        else:
            _by_sendmail(message)
    except (OSError, smtplib.SMTPException, subprocess.SubprocessError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise LunacyError(f"the mail was not sent: {reason}", hint=_HOW) from None


def _by_server(message: EmailMessage, host: str, port: str) -> None:
    if not port.isdecimal() or not 0 < int(port) < 2**16:
        raise UsageError(f"SMTP_PORT is {port!r}; give a number, such as 587")
    kind = smtplib.SMTP_SSL if port == "465" else smtplib.SMTP
    with kind(host, int(port), timeout=_TIMEOUT_S) as server:
        user, password = os.environ.get("SMTP_USER"), os.environ.get("SMTP_PASSWORD")
        if port == "587":
            server.starttls()
        if user and password is not None:
            server.login(user, password)
        server.send_message(message)


def _by_sendmail(message: EmailMessage) -> None:
    sendmail = shutil.which("sendmail", path=os.environ.get("PATH", "") + _FOLDERS)
    if sendmail is None:
        raise LunacyError("the mail was not sent: there is no sendmail, and SMTP_HOST is not set", hint=_HOW)
    command = [sendmail, "-i", "-t"]  # the address is in the message, and no argument
    subprocess.run(command, input=message.as_bytes(), check=True, capture_output=True, timeout=_TIMEOUT_S)  # noqa: S603

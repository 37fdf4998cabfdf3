"""Asking arXiv, by the Open Archives protocol (OAI-PMH), what changed, and Kaggle for a snapshot of all.

Only here is HTTP spoken and XML read.
"""

from lunacy.harvest.client import ENDPOINT, Client
from lunacy.harvest.convert import to_line
from lunacy.harvest.download import SNAPSHOT, DownloadReport, download
from lunacy.harvest.fetch import fetch_line, open_client
from lunacy.harvest.listing import TokenExpired, list_records
from lunacy.harvest.protocol import Page, Record
from lunacy.harvest.sets import set_of

__all__ = [
    "ENDPOINT",
    "SNAPSHOT",
    "Client",
    "DownloadReport",
    "Page",
    "Record",
    "TokenExpired",
    "download",
    "fetch_line",
    "list_records",
    "open_client",
    "set_of",
    "to_line",
]

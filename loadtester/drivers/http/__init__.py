"""The HTTP/1.1 transport of the load path."""

from loadtester.drivers.http.client import HttpClient
from loadtester.drivers.http.connection import Sink
from loadtester.drivers.http.fault import HttpError
from loadtester.drivers.http.headers import Headers, find, post_head

__all__ = ["Headers", "HttpClient", "HttpError", "Sink", "find", "post_head"]

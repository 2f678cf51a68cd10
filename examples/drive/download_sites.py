"""Eighty pages: each of those in examples/pages ten times, with its size, in whatever order."""

import support

support.eighty_pages("http")

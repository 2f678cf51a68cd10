"""Eighty pages over HTTPS: each of those in examples/pages ten times, in whatever order."""

import support

support.eighty_pages("https")

"""The API: questions over HTTP, answers as JSON."""

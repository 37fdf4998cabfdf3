"""The page: every state is a URL, and HTML that the server makes."""

"""Questions in English or Chinese become SQL checked by the server."""

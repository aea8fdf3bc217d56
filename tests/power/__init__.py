"""What the suite catches, and that it never accuses a correct server."""

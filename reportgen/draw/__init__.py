"""Arrays to pictures; knows nothing of networks or pages."""

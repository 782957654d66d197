"""Arrays become pictures here: pure functions that never see a network, a page or a file."""

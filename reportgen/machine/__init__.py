"""What the program asks of the machine it runs on: a quiet start, limits of memory."""

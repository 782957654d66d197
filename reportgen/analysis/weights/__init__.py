"""What the weights of a network are: filters, and which channels they tie together."""

"""What a network is: its layers, their calls, its cost, its graph, what it gives for an image."""

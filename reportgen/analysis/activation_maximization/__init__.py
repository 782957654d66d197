"""Images that excite a channel: objective, parameterisation, transforms, and the ascent that joins them."""

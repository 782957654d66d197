"""Statistics of channels over all images, from one streaming pass."""

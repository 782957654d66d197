"""Whether a set of images can be trusted: copies, labels that look wrong, outliers, and a map of the images."""

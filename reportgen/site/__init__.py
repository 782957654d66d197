"""The record to pages to files; never sees TensorFlow."""

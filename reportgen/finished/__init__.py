"""What is done with finished reports, without TensorFlow."""

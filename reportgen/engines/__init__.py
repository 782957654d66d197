"""Where the statistics of many images are computed: here, or on a cluster."""

"""Pages made from the record alone: settled, rendered, written by `writer.write_site`."""

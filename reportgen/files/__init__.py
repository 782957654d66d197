"""Files of the program: names that follow content, kept results, folders and files replaced all at once."""

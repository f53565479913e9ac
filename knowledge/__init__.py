"""What support exists: the catalogue, who it is for, and how the right entry is found."""

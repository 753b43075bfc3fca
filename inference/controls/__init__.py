"""What drives an engine: mattes first, skeletons and faces as they come."""

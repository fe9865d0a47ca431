"""Which language a post is in, and how sure that is."""

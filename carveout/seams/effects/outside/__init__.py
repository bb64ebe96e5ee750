"""What code did outside the database: recorded, or caught instead of done."""

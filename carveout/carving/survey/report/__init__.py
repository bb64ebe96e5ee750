"""Shows a survey as text, as JSON, and as a page with a matrix and a graph."""

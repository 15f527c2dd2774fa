"""What the evidence adds up to: who was told, who was not and why, as a page, a sheet or text."""

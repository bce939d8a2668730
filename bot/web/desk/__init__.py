"""The console's pages: what a caseworker sees and does, one module for each part."""

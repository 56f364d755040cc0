"""The demo campus: a small school that lives on this machine alone, over a real broker and a real serial line."""

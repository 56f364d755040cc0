"""The panel: pages, words in Chinese and English, charts."""

"""Transliteration: the schemes, the engines that run them, conditional conversion of tokens, and
reversibility."""

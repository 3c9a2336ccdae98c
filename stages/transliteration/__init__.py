"""Transliteration: the schemes, the engines behind them, conditional conversion of tokens, and reversibility."""

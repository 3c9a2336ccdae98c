"""Text written one way: rules of Unicode and of each orthography, chosen by language and script."""

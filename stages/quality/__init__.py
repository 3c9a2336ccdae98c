"""Quality filters that judge each language by its own measure: signals of a block first, decisions
after."""

"""Character language models: trained on trusted text, written as ARPA, and used to judge
documents."""

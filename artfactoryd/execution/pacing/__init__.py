"""How much at once, and when: what each provider, its answers and this machine allow."""

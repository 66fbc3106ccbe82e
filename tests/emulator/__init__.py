"""Emulators of Replicate, fal and ComfyUI: each its own process, its own book of what was bought.

`python -m tests.emulator --ledger FILE` prints one line of JSON with its addresses when it is
ready. It is faithful to what the API really answers (absent keys, odd dates, problem documents)
and can be told to behave like bad weather: `weather.py` is the list of what it can do.
"""

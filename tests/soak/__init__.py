"""The soak: the real program in bad weather, killed again and again, and the books balanced at the end.

`python -m tests.soak --seconds 300 --seed 7`, or `make soak SECONDS=300 SEED=7`.

storm.py      one home, one emulator, many lives of the program; each begins with a mishap and ends with a kill
skies.py      the weather, by chance: at the provider, and what there is of it at home
mishaps.py    a lost index, a clock put wrong, settings that vanish, folders and inbox on another volume
clocks.py     the clock that is put wrong
drops.py      what a person drops and commands, by chance
child.py      the program as the soak runs it
balance.py    the emulator's book against ours, invariant by invariant
points.py     the named places of the source at which the program can be killed
"""

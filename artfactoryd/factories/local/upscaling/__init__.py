"""Pictures enlarged by a network that draws what is not there, in a process of its own (extra `upscale`)."""

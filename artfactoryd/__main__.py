"""`python -m artfactoryd` is the same program as `artfactoryd`."""

from artfactoryd.cli import main

if __name__ == "__main__":
    main()

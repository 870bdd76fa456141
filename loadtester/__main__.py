"""`python -m loadtester` is `fmload`."""

from loadtester.cli import main

if __name__ == "__main__":
    main()

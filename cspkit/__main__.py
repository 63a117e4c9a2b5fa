"""Run the command line as `python -m cspkit`."""

from cspkit.cli import main

if __name__ == "__main__":
    main()

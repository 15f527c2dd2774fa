"""``python -m callcentre_disclosure``: the same as ``callcentre-disclosure``."""

from callcentre_disclosure.cli.main import main

if __name__ == "__main__":
    main()

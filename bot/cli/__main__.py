"""`python -m bot.cli` is `consilium`."""

from bot.cli.app import main

if __name__ == "__main__":
    main()

"""`python -m consilium`, and the command `consilium`.

It is here because this is the one name that the repository and the wheel share (`deploy/wheel_layout.py`).
"""

from bot.cli.app import main

if __name__ == "__main__":
    main()

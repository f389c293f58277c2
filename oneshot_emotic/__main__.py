"""`python -m oneshot_emotic`: the command line."""

from oneshot_emotic.cli.main import main

if __name__ == "__main__":
    main()

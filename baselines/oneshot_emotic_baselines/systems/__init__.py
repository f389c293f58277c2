"""Systems beyond Affect-DML, one file each (docs/systems.md); their recipes are in recipes.py."""

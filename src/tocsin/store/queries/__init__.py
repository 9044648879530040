"""What is asked of the database, one file per noun; each function says what it finds.

They take a session of `store/database.py` and give back rows with names, or the objects of
`store/tables/`. The few hard statements are files in `store/sql/`.
"""

"""Forms made of the declarations of blocks: which widget a field gets, what it says, how it leaves."""

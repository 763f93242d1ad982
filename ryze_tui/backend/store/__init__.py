"""What must survive: schema, migrations, the writer and the rows."""

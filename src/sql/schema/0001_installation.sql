-- Facts about this installation as a whole, by name.
create table setting(
  name text primary key,
  value text not null
) without rowid;

create schema metals;
create table metals.price (on_date date primary key, gold numeric not null, silver numeric not null);
comment on table metals.price is 'Fixings of gold and silver, USD an ounce.';

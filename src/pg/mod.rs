//! The boundary with PostgreSQL, and the only unsafe code of the library.
//!
//! Arguments and results are newtypes over the server's own types: [`Num`] for `numeric`, [`Day`]
//! for `date`, [`Name`] for `text`, [`Whole`] for `integer`, [`List`] for arrays, [`Document`] for `jsonb`. Each refuses what the arithmetic
//! cannot hold, and a NULL where a value must be given, with SQLSTATE, DETAIL and HINT.

mod aggregate;
mod argument;
mod date;
mod error;
mod numeric;
mod one;
mod refuse;
mod rows;

pub use aggregate::{AggregateState, combine, decode, encode, finish, transition};
pub use argument::{Document, List, Name, Whole};
pub use date::Day;
pub use error::{Answer, OrReport};
pub use numeric::Num;
pub use one::{Cell, One, cell};
pub use refuse::{Coded, OrRefuse};
pub use rows::{Cells, Rows, Table};

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
mod procedure;
mod refuse;
mod rows;
mod settings;
mod time_limit;
mod transition;
mod wait;

pub use aggregate::{AggregateState, combine, decode, encode, finish, finish_mut, transition};
pub use argument::{Document, List, Name, Whole};
pub use date::Day;
pub use error::{Answer, OrReport};
pub use numeric::Num;
pub use one::{Cell, Many, One, Put, cell};
pub use procedure::{Caller, Found};
pub use refuse::{Coded, OrRefuse};
pub use rows::{Cells, Rows, Table};
pub use settings::{credentials, policy};
pub use time_limit::limit_time;
pub use transition::advance;
pub(crate) use transition::transitions;
pub use wait::{wait_for, with_signals_blocked};

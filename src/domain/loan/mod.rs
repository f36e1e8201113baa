//! A loan: its terms and the schedule that follows from them.

mod error;
mod rows;
pub mod terms;

pub use error::ScheduleError;
pub use rows::{DisbursementRow, Instalment, RowKind, Schedule};
pub use terms::ScheduleTerms;

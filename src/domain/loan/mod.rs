//! A loan: its terms and the schedule that follows from them.

mod basis;
mod context;
mod error;
pub mod progressive;
mod rows;
pub mod terms;

pub use error::ScheduleError;
pub use progressive::{ProgressiveModel, ProgressiveRules};
pub use rows::{DisbursementRow, Instalment, RowKind, Schedule};
pub use terms::ScheduleTerms;

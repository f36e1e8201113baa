//! A loan: its terms and the schedule that follows from them.

mod amortisation;
mod basis;
mod context;
mod cumulative;
mod error;
mod fees;
pub mod level;
mod plan;
pub mod progressive;
mod rows;
mod schedule;
pub mod terms;

pub use error::ScheduleError;
pub use progressive::{ProgressiveModel, ProgressiveRules};
pub use rows::{DisbursementRow, Instalment, RowKind, Schedule};
pub use schedule::{progressive_model, schedule};
pub use terms::ScheduleTerms;

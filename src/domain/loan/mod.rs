//! A loan: its terms and the schedule that follows from them.

mod amendment;
mod amortisation;
mod basis;
mod context;
mod cumulative;
mod equal_parts;
mod error;
mod fees;
mod flows;
mod kernel;
pub mod level;
mod plan;
pub mod progressive;
mod rows;
mod schedule;
pub mod servicing;
mod solvers;
mod straight;
pub mod terms;
mod wire;

pub use error::ScheduleError;
pub use flows::{TotalCost, cash_flows, total_cost};
pub use progressive::{ProgressiveModel, ProgressiveRules};
pub use rows::{DisbursementRow, Instalment, RowKind, Schedule};
pub use schedule::{progressive_model, schedule};
pub use solvers::{SolvedTerm, instalment_amount, solve_principal, solve_rate, solve_term};
pub use terms::ScheduleTerms;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod refusals;

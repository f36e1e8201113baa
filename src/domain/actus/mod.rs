//! Contracts of the ACTUS standard as events.
//!
//! The Algorithmic Contract Types Unified Standards (ACTUS Financial Research Foundation,
//! technical specification 1.1 and dictionary 1.4) describe a financial contract by its terms and
//! say which events follow: when, what is paid, and how the contract stands afterwards. Evaluated
//! here are the types of loans: PAM, LAM, NAM, ANN, LAX and CLM.
//!
//! A contract is planned, then folded. [`plan`] lists everything the terms foresee in order, one
//! small function for each group of terms; [`evaluate`] applies each event to a small state. A
//! contract type only decides how principal comes back and which terms it has.
//!
//! Amounts are exact to 28 digits and never rounded to a minor unit.

mod annuity;
mod contract;
mod cycle;
mod error;
mod evaluate;
mod event;
mod maturity;
mod observed;
mod plan;
mod reader;
mod schedule;
mod state;
mod terms;
#[cfg(test)]
mod tests;
mod time;

use chrono::NaiveDate;
use serde_json::Value;

pub use error::{ActusError, Problem};
pub use event::{ContractEvent, EventType};
pub use time::ContractTime;

use evaluate::Evaluation;
use observed::Observed;
use plan::Plan;
use terms::Terms;

/// The events of a contract after its status date, in order.
///
/// `terms` is a JSON object with the names of the ACTUS dictionary (`contractType`,
/// `notionalPrincipal`, …). `observed` is null, or an object with `dataObserved` (values of market
/// objects: rate indices, scaling indices, and exchange rates under codes such as `USD/EUR`) and
/// `eventsObserved` (calls, prepayments, times at which to show the state). Numbers may be JSON
/// numbers, exact to 15 digits, or strings, exact to 28. `to` is the last day events are wanted of;
/// observations after it are not needed.
///
/// A market object's value at a reset is the latest observed on or before the day the reset is
/// scheduled for, before that day moves off a day without business.
///
/// # Errors
/// [`ActusError::Invalid`] with every problem of the terms or the observations at its path,
/// [`ActusError::NotObserved`] if an event needs a value from before the first observation,
/// [`ActusError::NeverMatures`] if no maturity follows from the terms, and what does not fit.
pub fn events(
    terms: &Value,
    observed: &Value,
    to: Option<NaiveDate>,
) -> Result<Vec<ContractEvent>, ActusError> {
    let terms = Terms::read(terms)?;
    let observed = Observed::read(observed, &terms)?;
    let plan = Plan::new(&terms, &observed, to)?;
    Evaluation::new(&terms, &observed, &plan).run()
}

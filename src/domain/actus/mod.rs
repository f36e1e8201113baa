//! Contracts of the ACTUS standard as events.
//!
//! The Algorithmic Contract Types Unified Standards (ACTUS Financial Research Foundation,
//! technical specification 1.1 and dictionary 1.4) describe a financial contract by its terms and
//! say which events follow: when, what is paid, and how the contract stands afterwards. Evaluated
//! here are the types of loans: PAM, LAM, NAM, ANN, LAX and CLM.
//!
//! A contract is planned, then folded. `plan` lists everything the terms foresee in order, one
//! small function for each group of terms; `evaluate` applies each event to a small state. A
//! contract type only decides how principal comes back and which terms it has.
//!
//! Amounts are exact to 28 digits and never rounded to a minor unit.
//!
//! # Where the texts leave a choice
//!
//! Specification, dictionary and the published contracts of the standard do not always say the
//! same. What the published contracts show is followed throughout:
//! - Interest and fees fall due at the end of the contract too; redemptions, resets, scaling and
//!   the interest base end before it. A derived maturity is the last redemption itself.
//! - Interest dates up to the end of capitalisation capitalise, and so does that end; the dates
//!   after it are those of the same cycle.
//! - An annuity redeems what is owed on the day of its first payment, interest to that day
//!   included. It is fixed on the day before, and anew with each reset, after it.
//! - Without a payment named, a LAM redeems in as many equal parts as it has redemptions and a
//!   maturity. No redemption takes more than there is; events go on at zero until the maturity.
//! - A scaling multiple is the index over its value at the deal, not its relative change.
//! - Prices at purchase and termination are reckoned with accrued interest that has the sign of the
//!   role, so that the two sides of a trade do not mirror each other.
//! - A named date shows where it is on any day, a derived one moves; under a convention that shifts
//!   first, interest runs between business days for both.
//! - A market object is observed as of the day a reset is scheduled for, whatever the fixing
//!   period: observations are dated by the day from which they apply.
//! - As of a status date after the exchange, interest is owed since the last interest date; before
//!   the first one, and for call money, none is unless `accruedInterest` says so.
//! - A call with notice stops interest; what is owed by then is paid at the settlement, which
//!   belongs to the call and stays within a horizon that the call is within.
//!
//! The interest base `NTIED` is followed as both texts define it, interest on the first principal
//! throughout; one published contract has it and shows interest on what is outstanding instead.

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
/// numbers or strings, exact to 28 digits. `to` is the last day events are wanted of;
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

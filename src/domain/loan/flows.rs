//! What a loan costs, and the payments it is made of.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ScheduleError;
use super::rows::Schedule;
use crate::domain::decimal;

/// What a borrower pays over the life of a loan, in currency units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotalCost {
    /// Principal, as much as was lent.
    pub principal: Decimal,
    /// Interest.
    pub interest: Decimal,
    /// Fees, those of the disbursements included.
    pub fees: Decimal,
    /// All of it.
    pub total: Decimal,
}

/// The sums of a schedule.
///
/// # Errors
/// [`ScheduleError::Arithmetic`] for sums out of range.
pub fn total_cost(schedule: &Schedule) -> Result<TotalCost, ScheduleError> {
    let (mut principal, mut interest, mut fees) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
    for row in &schedule.rows {
        principal = decimal::add(principal, row.principal)?;
        interest = decimal::add(interest, row.interest)?;
        fees = decimal::add(fees, row.fees)?;
    }
    for disbursement in &schedule.disbursements {
        fees = decimal::add(fees, disbursement.fees)?;
    }
    let total = decimal::add(decimal::add(principal, interest)?, fees)?;
    Ok(TotalCost { principal, interest, fees, total })
}

/// The dated flows of a schedule as the borrower sees them: what is received, less fees withheld,
/// is positive, what is paid is negative. In order of date, what is received before what is paid.
/// From these follow the annual percentage rate and the effective interest rate.
///
/// # Errors
/// [`ScheduleError::Arithmetic`] for amounts out of range.
pub fn cash_flows(schedule: &Schedule) -> Result<Vec<(NaiveDate, Decimal)>, ScheduleError> {
    let mut flows = Vec::with_capacity(schedule.rows.len() + schedule.disbursements.len());
    for disbursement in &schedule.disbursements {
        flows.push((disbursement.on, decimal::sub(disbursement.amount, disbursement.fees)?));
    }
    for row in &schedule.rows {
        flows.push((row.due_date, decimal::sub(Decimal::ZERO, row.total)?));
    }
    flows.sort_by_key(|(on, _)| *on);
    Ok(flows)
}

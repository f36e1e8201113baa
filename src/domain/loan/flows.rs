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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::loan::terms::{DownPayment, Fee, FeeBasis, FeeTiming};
    use crate::domain::loan::{ScheduleTerms, schedule};

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_borrower_receives_the_loan_and_pays_its_cost() {
        let on = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
        let mut terms = ScheduleTerms::new(d("1000"), d("0.12"), 3, on);
        let fee = |value, basis, charged| Fee { name: None, value, basis, charged, on: None };
        terms.down_payment = Some(DownPayment { amount: Some(d("100")), fraction: None });
        terms.fees = vec![
            fee(d("0.02"), FeeBasis::Disbursement, FeeTiming::AtDisbursement),
            fee(d("1"), FeeBasis::Flat, FeeTiming::PerInstalment),
        ];
        let schedule = schedule(&terms).unwrap();
        let flows = cash_flows(&schedule).unwrap();
        assert_eq!(flows[0], (on, d("980")));
        assert_eq!(flows[1], (on, d("-100")));
        assert_eq!(flows[2].1, d("-307.02"));
        let cost = total_cost(&schedule).unwrap();
        assert_eq!(cost.principal, d("1000"));
        assert_eq!(cost.fees, d("23"));
        assert_eq!(cost.total, cost.principal + cost.interest + cost.fees);
        let net: Decimal = flows.iter().map(|(_, amount)| amount).sum();
        assert_eq!(net, -(cost.interest + cost.fees));
    }
}

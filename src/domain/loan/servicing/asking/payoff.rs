//! What ends a loan on a day.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

use super::super::record::Entry;
use super::super::state::amounts::Amounts;
use super::super::state::loan::{Change, Loan};
use super::super::state::operation::{Action, Operation, PaymentKind};
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::TransactionKind;
use super::super::terms::OverpaymentPolicy;
use crate::domain::calendar::add_days;
use crate::domain::decimal::sub;
use crate::domain::limits::AMOUNT_MAX;

/// What ends a loan on a day, in currency units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PayoffQuote {
    /// The day.
    pub on: NaiveDate,
    /// What is to be paid, by component.
    pub amounts: Amounts,
    /// What is to be paid in all.
    pub total: Decimal,
    /// The last day on which the same amount ends the loan; none where no day changes it.
    pub good_through: Option<NaiveDate>,
    /// By how much the amount grows on the day after.
    pub per_day: Decimal,
}

impl Loan {
    /// What ends the loan if it is paid on a day and nothing else happens before.
    ///
    /// The quote is what a payment of more than enough takes, so that quote and allocation cannot
    /// differ: paying the total on the day closes the loan.
    ///
    /// # Errors
    /// [`ServicingError::BeforeDisbursement`], and [`ServicingError::BadDate`] for a day before
    /// one on which money moved ([`loan_at`](super::super::loan_at) is the loan as it was on such a
    /// day), or on which no payment ends the loan.
    pub fn payoff_quote(&self, on: NaiveDate) -> Result<PayoffQuote, ServicingError> {
        let amounts = self.payoff(on)?;
        let total = amounts.total()?;
        let good_through = self.good_through(on, total)?;
        let per_day = match good_through {
            Some(day) if day == on => sub(self.payoff(add_day(on)?)?.total()?, total)?,
            _ => Decimal::ZERO,
        };
        Ok(PayoffQuote { on, amounts, total, good_through, per_day })
    }

    /// What a payment of more than enough takes on a day.
    pub(crate) fn payoff(&self, on: NaiveDate) -> Result<Amounts, ServicingError> {
        self.check_lent_on(on)?;
        let moved = self.transactions.iter().filter(|one| one.stands());
        let moved = moved.filter(|one| !one.kind.is_recognition() && one.on > on);
        if let Some(later) = moved.map(|one| one.on).min() {
            let reason = format!("Money moved on {later}, after it.");
            return Err(ServicingError::BadDate { on, reason });
        }
        if self.outstanding()?.is_zero() {
            return Ok(Amounts::ZERO);
        }
        let mut trial = self.clone();
        trial.terms.servicing.overpayment = OverpaymentPolicy::Hold;
        let enough = Decimal::from(AMOUNT_MAX);
        let action = Action::Repay { amount: enough, kind: PaymentKind::Repayment };
        let paid =
            trial.apply(&Operation { on, recorded_on: None, id: None, currency: None, action })?;
        // No amount at all is better than one that does not end the loan.
        if !paid.outstanding()?.is_zero() {
            let reason = "A payment on it leaves something owed, however much is paid.".into();
            return Err(ServicingError::BadDate { on, reason });
        }
        let sequence = paid.operations.last().map(|one| one.sequence);
        let last = paid
            .transactions
            .iter()
            .rfind(|one| Some(one.sequence) == sequence && one.amount == enough);
        Ok(last.map_or(Amounts::ZERO, |one| one.portions))
    }

    /// Records a payment of exactly what ends the loan.
    pub(crate) fn take_payoff(&mut self, entry: &Entry) -> Result<(), ServicingError> {
        let total = self.payoff(entry.on)?.total()?;
        if total.is_zero() {
            return Err(self.wrong_state("pay it off"));
        }
        self.record_transaction(entry, TransactionKind::Repayment, total);
        Ok(())
    }

    /// The last day on which an amount ends the loan. Between days on which something is due or
    /// changes, what ends the loan grows evenly or not at all.
    fn good_through(
        &self,
        on: NaiveDate,
        total: Decimal,
    ) -> Result<Option<NaiveDate>, ServicingError> {
        if !self.is_recalculated() || total.is_zero() {
            return Ok(None);
        }
        let same = |day| Ok::<_, ServicingError>(self.payoff(day)?.total()? == total);
        let mut good = on;
        let next = add_day(on)?;
        if !same(next)? {
            return Ok(Some(on));
        }
        for day in self.turning_days(next) {
            if !same(day)? {
                let mut bad = day;
                loop {
                    let days = bad.signed_duration_since(good).num_days();
                    if days <= 1 {
                        break;
                    }
                    let middle = add_days(good, days / 2)
                        .map_err(crate::domain::loan::ScheduleError::from)?;
                    if same(middle)? { good = middle } else { bad = middle }
                }
                return Ok(Some(good));
            }
            good = day;
        }
        Ok(None)
    }

    /// The days after one on which something is due or changes, and the one after the last.
    fn turning_days(&self, on: NaiveDate) -> Vec<NaiveDate> {
        let due = self.lines.iter().map(|line| line.due_date);
        let changes = self.variations.iter().filter(|one| one.active).flat_map(|one| {
            let end = match one.change {
                Change::InterestPause(to) => to,
                _ => one.on,
            };
            [one.on, end]
        });
        let mut days: Vec<NaiveDate> = due.chain(changes).filter(|day| *day > on).collect();
        days.sort_unstable();
        days.dedup();
        days.extend(days.last().copied().unwrap_or(on).succ_opt());
        days
    }
}

fn add_day(on: NaiveDate) -> Result<NaiveDate, ServicingError> {
    Ok(add_days(on, 1).map_err(crate::domain::loan::ScheduleError::from)?)
}

//! What ends a loan on a day.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

use super::super::state::amounts::Amounts;
use super::super::state::entry::Entry;
use super::super::state::loan::Loan;
use super::super::state::operation::{Action, Operation, PaymentKind};
use super::super::state::refusal::ServicingError;
use super::super::state::standing::LoanStatus;
use super::super::state::transaction::{Transaction, TransactionKind};
use super::super::state::variation::Change;
use super::super::terms::OverpaymentPolicy;
use crate::domain::calendar::add_days;
use crate::domain::decimal::{add, div, round, sub};
use crate::domain::limits::AMOUNT_MAX;
use crate::domain::money::RoundingMode;

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

/// How often an amount is raised by what it leaves owed.
const RAISED_AT_MOST: usize = 64;

/// What becomes of a loan if an amount is paid.
struct IfPaid {
    /// The amount.
    amount: Decimal,
    /// What of it pays something, by component.
    taken: Amounts,
    /// Whether nothing is owed then.
    settles: bool,
    /// What is still owed.
    owed: Decimal,
}

impl Loan {
    /// What ends the loan if it is paid on a day and nothing else happens before.
    ///
    /// The quote is the least amount that settles everything if it is really paid, so that quote and
    /// allocation cannot differ: paying the total on the day closes the loan.
    ///
    /// # Errors
    /// [`ServicingError::BeforeDisbursement`], and [`ServicingError::BadDate`] for a day before
    /// one on which money moved ([`loan_at`](super::super::loan_at) is the loan as it was on such a
    /// day), or on which no amount ends the loan.
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

    /// The least amount that settles everything on a day, as a payment of it is divided.
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
        let taken = self.if_paid(on, Decimal::from(AMOUNT_MAX))?.taken;
        let first = taken.total()?;
        if first <= Decimal::ZERO {
            return Ok(taken);
        }
        // More than enough is divided otherwise than what is just enough: instalments get other
        // parts of it, and charges come to something else once everything is paid.
        let paid = self.if_paid(on, first)?;
        let settling = self.raise(on, paid)?;
        Ok(self.lower(on, settling)?.taken)
    }

    /// What becomes of the loan if an amount is paid on a day and what is left of it is held.
    fn if_paid(&self, on: NaiveDate, amount: Decimal) -> Result<IfPaid, ServicingError> {
        let mut trial = self.clone();
        trial.terms.servicing.overpayment = OverpaymentPolicy::Hold;
        let action = Action::Repay { amount, kind: PaymentKind::Repayment };
        let paid =
            trial.apply(&Operation { on, recorded_on: None, id: None, currency: None, action })?;
        let sequence = paid.operations.last().map(|one| one.sequence);
        let made = |one: &&Transaction| {
            Some(one.sequence) == sequence && one.kind == TransactionKind::Repayment
        };
        let last = paid.transactions.iter().filter(|one| one.stands()).rfind(made);
        let taken = last.map_or(Amounts::ZERO, |one| one.portions);
        let owed = match paid.status {
            LoanStatus::Active => paid.outstanding()?.total()?,
            _ => Decimal::ZERO,
        };
        Ok(IfPaid { amount, taken, settles: paid.status != LoanStatus::Active, owed })
    }

    /// Raises an amount by what it leaves owed until it settles everything.
    fn raise(&self, on: NaiveDate, from: IfPaid) -> Result<IfPaid, ServicingError> {
        let mut paid = from;
        for _ in 0..RAISED_AT_MOST {
            if paid.settles {
                return Ok(paid);
            }
            paid = self.if_paid(on, add(paid.amount, paid.owed.max(self.minor_unit()))?)?;
        }
        let reason =
            format!("No amount ends the loan on it; {} leaves {} owed.", paid.amount, paid.owed);
        Err(ServicingError::BadDate { on, reason })
    }

    /// Lowers an amount that settles everything to where one minor unit less does not.
    fn lower(&self, on: NaiveDate, from: IfPaid) -> Result<IfPaid, ServicingError> {
        let unit = self.minor_unit();
        let (mut enough, mut short, mut step) = (from, Decimal::ZERO, unit);
        if !enough.settles || self.round(enough.amount)? != enough.amount {
            return Ok(enough);
        }
        while sub(enough.amount, short)? > unit {
            let middle = div(add(enough.amount, short)?, Decimal::TWO)?;
            let middle =
                round(middle, self.terms.schedule.rounding.minor_units, RoundingMode::Down);
            let paid = self.if_paid(on, middle.max(sub(enough.amount, step)?))?;
            if paid.settles {
                enough = paid;
                step = add(step, step)?;
            } else {
                short = paid.amount;
            }
        }
        Ok(enough)
    }

    /// The least amount that can be paid.
    fn minor_unit(&self) -> Decimal {
        Decimal::new(1, self.terms.schedule.rounding.minor_units)
    }

    /// Whether an amount is the least that settles everything on a day.
    fn just_settles(&self, on: NaiveDate, amount: Decimal) -> Result<bool, ServicingError> {
        let less = sub(amount, self.minor_unit())?;
        Ok(self.if_paid(on, amount)?.settles
            && (less <= Decimal::ZERO || !self.if_paid(on, less)?.settles))
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
        let same = |day| self.just_settles(day, total);
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

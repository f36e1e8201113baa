//! What a loan looks like at the end of a day, and until when that is told by straight lines.
//!
//! A book of many loans cannot ask each of them every evening. It keeps the answer of an evening
//! and asks again on the day that the answer names: until then interest grows by the same part every
//! day, and nothing else changes by time alone. What is recorded meanwhile asks again by itself.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

use super::super::state::amounts::Amounts;
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::standing::LoanStatus;
use super::super::state::transaction::{Transaction, TransactionKind};
use super::super::terms::PenaltyTerms;
use super::delinquency::days_between;
use crate::domain::calendar::add_days;
use crate::domain::decimal::{Total, add};
use crate::domain::loan::ScheduleError;

/// What a loan looks like at the end of a day. Amounts are in currency units.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outlook {
    /// The day.
    pub on: NaiveDate,
    /// Where the loan stands.
    pub status: LoanStatus,
    /// What is outstanding of all lines, by component, due or not.
    pub outstanding: Amounts,
    /// Money of the borrower's that nothing is owed for.
    pub overpaid: Decimal,
    /// The last due date.
    pub maturity: Option<NaiveDate>,
    /// The day it was closed.
    pub closed_on: Option<NaiveDate>,
    /// The day it was charged off.
    pub charged_off_on: Option<NaiveDate>,
    /// The oldest day on which something was due that is not paid, as
    /// [`Delinquency`](super::delinquency::Delinquency) has it.
    pub oldest_unpaid: Option<NaiveDate>,
    /// What is overdue in all.
    pub overdue: Decimal,
    /// Principal that is overdue.
    pub overdue_principal: Decimal,
    /// The first due date after the day on which anything is outstanding.
    pub next_due: Option<NaiveDate>,
    /// What is outstanding of what is due then.
    pub next_due_amount: Decimal,
    /// Interest, fees and penalties earned since the loan began, what was forgiven taken off;
    /// whether or not the terms recognise income as it is earned.
    pub earned: Amounts,
    /// Of each component what was paid or given up, what a chargeback took back taken off. What is
    /// earned and not settled is receivable; where more is settled than earned, it was paid ahead.
    pub settled: Amounts,
    /// Interest earned by the end of the day, not rounded.
    pub base: Decimal,
    /// What each day adds to it, not rounded.
    pub per_day: Decimal,
    /// The first day for which anything else must be said: until then `base + per_day × days`,
    /// rounded as the terms round amounts, is the interest earned, and every other member stays.
    /// None where nothing changes by time.
    pub until: Option<NaiveDate>,
    /// Whether the end of the day charges a penalty.
    pub needs_end_of_day: bool,
}

impl Outlook {
    /// Days since the oldest day on which something was due that is not paid.
    pub fn days_past_due(&self) -> u32 {
        self.oldest_unpaid.map_or(0, |oldest| days_between(oldest, self.on))
    }
}

/// The first day after one on which something changes.
struct Horizon {
    on: NaiveDate,
    until: Option<NaiveDate>,
}

impl Horizon {
    /// Something changes on a day, if it is to come.
    fn turn(&mut self, day: NaiveDate) {
        if day > self.on {
            self.until = Some(self.until.map_or(day, |until| until.min(day)));
        }
    }

    /// Something changes so many days after another.
    fn turn_after(&mut self, day: NaiveDate, days: i64) -> Result<(), ServicingError> {
        self.turn(add_days(day, days).map_err(ScheduleError::from)?);
        Ok(())
    }
}

/// What is overdue.
#[derive(Default)]
struct Overdue {
    since: Option<NaiveDate>,
    total: Decimal,
    principal: Decimal,
}

impl Loan {
    /// What the loan looks like at the end of a day, by all that is recorded, and until when.
    ///
    /// # Errors
    /// [`ServicingError`] for amounts and days beyond the range there is.
    pub fn outlook(&self, on: NaiveDate) -> Result<Outlook, ServicingError> {
        let mut horizon = Horizon { on, until: None };
        self.turn_with_transactions(&mut horizon)?;
        let interest = self.interest_line(on)?;
        let charges = self.charges_earned(on)?;
        for day in [interest.until, charges.until].into_iter().flatten() {
            horizon.turn(day);
        }
        let overdue = self.overdue(&mut horizon)?;
        let (next_due, next_due_amount) = self.next_due(&mut horizon)?;
        let needs_end_of_day = self.penalties_to_come(&mut horizon)?;
        let (outstanding, settled) = self.outstanding_and_settled()?;
        // The lines of a loan that is not lent yet say what will be owed.
        let outstanding =
            if self.status() == LoanStatus::Approved { Amounts::ZERO } else { outstanding };
        Ok(Outlook {
            on,
            status: self.status(),
            outstanding,
            overpaid: self.overpaid(),
            maturity: self.maturity(),
            closed_on: self.closed_on(),
            charged_off_on: self.charged_off_on(),
            oldest_unpaid: overdue.since,
            overdue: overdue.total,
            overdue_principal: overdue.principal,
            next_due,
            next_due_amount,
            earned: Amounts { interest: interest.earned, ..charges.amounts },
            settled,
            base: interest.base,
            per_day: interest.per_day,
            until: horizon.until,
            needs_end_of_day,
        })
    }

    /// What was forgiven ahead of its day counts from it, what was charged back from the next.
    fn turn_with_transactions(&self, horizon: &mut Horizon) -> Result<(), ServicingError> {
        use TransactionKind::{ChargeWaiver, Chargeback, InterestWaiver};
        let (on, mut waived) = (horizon.on, Vec::new());
        for one in self.transactions.iter().filter(|one| one.on >= on && one.stands()) {
            match one.kind {
                Chargeback => horizon.turn_after(one.on, 1)?,
                InterestWaiver | ChargeWaiver => waived.push(one.on),
                _ => {}
            }
        }
        for day in waived.into_iter().chain(self.closed_on).chain(self.overpaid_on) {
            if day > on {
                // Where a day is earned as it begins, the evening before tells of it.
                horizon.turn_after(day, -1)?;
                horizon.turn(day);
            }
        }
        Ok(())
    }

    /// What is outstanding and what was settled of all lines.
    fn outstanding_and_settled(&self) -> Result<(Amounts, Amounts), ServicingError> {
        let nothing = [Total::new(self.terms.schedule.rounding.minor_units); 4];
        let (mut charged, mut waived) = (nothing, nothing);
        let (mut gone, mut credited) = (nothing, nothing);
        for line in &self.lines {
            take(&mut charged, &line.charged)?;
            take(&mut gone, &line.paid)?;
            if !line.is_plain() {
                take(&mut waived, &line.waived)?;
                take(&mut gone, &line.written_off)?;
                take(&mut credited, &line.credited)?;
            }
        }
        let (charged, gone) = (amounts(charged)?, amounts(gone)?);
        let outstanding = charged.minus(&gone)?.minus(&amounts(waived)?)?;
        Ok((outstanding, gone.minus(&amounts(credited)?)?))
    }

    /// What is overdue at the end of the day, as [`Loan::delinquency`] finds it.
    fn overdue(&self, horizon: &mut Horizon) -> Result<Overdue, ServicingError> {
        let mut found = Overdue::default();
        if self.status != LoanStatus::Active {
            return Ok(found);
        }
        let on = horizon.on;
        let open = || self.lines.iter().filter(|line| !line.is_settled());
        let to_come = open().map(|line| line.due_date).filter(|due| *due >= on);
        if let Some(due) = to_come.min() {
            horizon.turn_after(due, 1)?;
        }
        let as_agreed = self.terms.servicing.recalculation.arrears_on_agreed_schedule;
        let took_back = |one: &Transaction| one.stands() && one.kind == TransactionKind::Chargeback;
        if as_agreed || self.transactions.iter().any(took_back) {
            let late = self.delinquency(on)?;
            if as_agreed {
                horizon.turn_after(on, 1)?;
            }
            found.since = late.oldest_unpaid;
            (found.total, found.principal) = (late.overdue_total, late.overdue.principal);
            return Ok(found);
        }
        for line in open().filter(|line| line.due_date < on) {
            let owed = line.outstanding()?;
            found.total = add(found.total, owed.total()?)?;
            found.principal = add(found.principal, owed.principal)?;
            found.since = found.since.or(Some(line.due_date));
        }
        if found.total <= self.terms.servicing.arrears.tolerance {
            found.since = None;
        }
        Ok(found)
    }

    /// When something is due next, and how much.
    fn next_due(
        &self,
        horizon: &mut Horizon,
    ) -> Result<(Option<NaiveDate>, Decimal), ServicingError> {
        let (mut next, mut amount) = (None, Decimal::ZERO);
        if self.status != LoanStatus::Active {
            return Ok((next, amount));
        }
        for line in self.lines.iter().filter(|line| line.due_date > horizon.on) {
            if line.is_settled() || next.is_some_and(|next| next < line.due_date) {
                continue;
            }
            let owed = line.outstanding()?.total()?;
            if owed <= Decimal::ZERO {
                continue;
            }
            if next == Some(line.due_date) {
                amount = add(amount, owed)?;
            } else {
                (next, amount) = (Some(line.due_date), owed);
            }
        }
        next.into_iter().for_each(|day| horizon.turn(day));
        Ok((next, amount))
    }

    /// Whether the end of the day charges a penalty, and when that changes.
    fn penalties_to_come(&self, horizon: &mut Horizon) -> Result<bool, ServicingError> {
        let mut any = false;
        if self.status != LoanStatus::Active || self.charged_off_on.is_some() {
            return Ok(any);
        }
        let overdue = |line: &&Line| {
            line.due_date < horizon.on && !line.is_settled() && line.kind != LineKind::Additional
        };
        let lines: Vec<&Line> = self.lines.iter().filter(overdue).collect();
        for terms in &self.terms.servicing.penalties {
            for line in &lines {
                any |= self.penalty_to_come(terms, line, horizon)?;
            }
        }
        Ok(any)
    }

    fn penalty_to_come(
        &self,
        terms: &PenaltyTerms,
        line: &Line,
        horizon: &mut Horizon,
    ) -> Result<bool, ServicingError> {
        let on = horizon.on;
        let due = self.penalty_for(terms, line, on)? > Decimal::ZERO;
        let grace_over = add_days(line.due_date, i64::from(terms.grace_days) + 1)
            .map_err(ScheduleError::from)?;
        let tomorrow = add_days(on, 1).map_err(ScheduleError::from)?;
        let next = grace_over.max(tomorrow);
        if due {
            horizon.turn(tomorrow);
        } else if grace_over > on || terms.daily {
            // One that runs by the day may take some days to make a minor unit.
            let far = if terms.daily { FAR_DAYS } else { 0 };
            let at_last = add_days(next, far).map_err(ScheduleError::from)?;
            if self.penalty_for(terms, line, at_last)? > Decimal::ZERO {
                horizon.turn(next);
            }
        }
        Ok(due)
    }
}

/// Adds amounts by component, in their order.
fn take(sums: &mut [Total; 4], more: &Amounts) -> Result<(), ServicingError> {
    let all = [&more.principal, &more.interest, &more.fee, &more.penalty];
    Ok(sums.iter_mut().zip(all).try_for_each(|(sum, amount)| sum.add(amount))?)
}

/// Sums by component, in their order.
fn amounts([principal, interest, fee, penalty]: [Total; 4]) -> Result<Amounts, ServicingError> {
    Ok(Amounts {
        principal: principal.amount()?,
        interest: interest.amount()?,
        fee: fee.amount()?,
        penalty: penalty.amount()?,
    })
}

/// Days after which a penalty that is charged by the day at all has made a minor unit.
const FAR_DAYS: i64 = 36_500;

#[cfg(test)]
mod tests;

//! What is past due is spread anew: over the instalments to come, or over new ones.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::ProgressiveModel;
use super::operations::Change;
use super::period::{Period, Segment};
use crate::domain::calendar::add_days;
use crate::domain::decimal;
use crate::domain::loan::ScheduleError;

impl ProgressiveModel {
    /// Spreads the principal past due on a day, and `more` that is not known here, over the
    /// instalments to come, which are solved anew. Instalments due by the day give up what is not
    /// paid; their interest is asked for as soon as later ones cover it. Overdue principal bears
    /// interest as before up to `borne_to`, and with the rest of the balance from then on.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`] if no instalment is due after the day.
    pub(crate) fn re_amortise(
        &mut self,
        on: NaiveDate,
        borne_to: NaiveDate,
        paid_to: NaiveDate,
        more: Decimal,
    ) -> Result<(), ScheduleError> {
        let from = self.first_after(on)?;
        let overdue = self.give_up(on, on)?;
        // What was carried forward by itself is part of the balance now.
        let natural = Change { corrected: overdue, ..Change::default() };
        self.change_balance(borne_to.max(on), natural)?;
        if paid_to < borne_to {
            self.refresh(0)?;
            let borne = self.minor(self.balance_within(borne_to)?)?;
            let paid = (borne - self.unpaid_principal()).max(0);
            self.change_balance(paid_to, Change { corrected: -paid, ..Change::default() })?;
            self.change_balance(borne_to, Change { corrected: paid, ..Change::default() })?;
        }
        self.lend_unsolved(on, more)?;
        self.plan(from)
    }

    /// The same for a loan whose payments are not known here: so much of principal, and of the
    /// interest of instalments due by the day, is asked for with those to come.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`] if no instalment is due after the day.
    pub(crate) fn ask_again(
        &mut self,
        on: NaiveDate,
        principal: Decimal,
        interest: &[(NaiveDate, Decimal)],
    ) -> Result<(), ScheduleError> {
        let from = self.first_after(on)?;
        let mut beside = Decimal::ZERO;
        let mut unpaid = vec![0; from];
        for &(due, amount) in interest {
            let at = self.due_on(due).ok();
            match at.and_then(|at| unpaid.get_mut(at)) {
                Some(of_period) => *of_period += self.minor(amount)?,
                None => beside = decimal::add(beside, amount)?,
            }
        }
        for (index, unpaid) in unpaid.into_iter().enumerate() {
            let more = self.take_for_paid(index, unpaid)?;
            beside = decimal::add(beside, self.money(more)?)?;
        }
        self.refresh(0)?;
        if !beside.is_zero() {
            self.charge_back_interest(on, beside)?;
        }
        self.lend_unsolved(on, principal)?;
        self.plan(from)
    }

    /// Takes a period for paid but for an amount of its interest, which is carried to the next. The
    /// answer is what of the amount is more than its interest.
    fn take_for_paid(&mut self, index: usize, unpaid: i128) -> Result<i128, ScheduleError> {
        let Some(period) = self.periods.get_mut(index) else { return Ok(unpaid) };
        let (principal, interest) = (period.due_principal(), period.due_interest());
        let (due, unknown) = (period.due, principal - period.paid_principal);
        let carried = unpaid.min(interest);
        (period.interest_only, period.put_off) = (false, false);
        (period.paid_principal, period.paid_interest) = (principal, interest - carried);
        period.instalment = period.paid() - period.charged_back();
        period.solved = period.instalment;
        if unknown != 0 {
            self.change_balance(due, Change { corrected: -unknown, ..Change::default() })?;
        }
        Ok(unpaid - carried)
    }

    /// Adds periods up to new due dates after the end. No interest is borne between the former end
    /// and a day after it. Nothing is asked for in the new periods yet.
    ///
    /// # Errors
    /// [`ScheduleError::NoInstalmentDue`] if the due dates do not follow one another from the end
    /// on.
    pub(crate) fn go_on_to(
        &mut self,
        due_dates: &[NaiveDate],
        on: NaiveDate,
    ) -> Result<(), ScheduleError> {
        let former = self.end();
        for span in self.spans_between(former, former, due_dates)? {
            let first = u32::try_from(self.segments.len()).unwrap_or(u32::MAX);
            self.periods.push(Period::new(&span, first, false));
            self.segments.push(Segment::new(span.start, span.due));
        }
        self.refactor(0)?;
        self.refresh(0)?;
        if on > former {
            self.pause_interest(add_days(former, 1)?, on)?;
        }
        Ok(())
    }

    /// Moves everything that is not paid of the instalments before to those after a day, of which
    /// none was solved yet, and asks for `more` principal with them.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`] if no instalment is due after the day.
    pub(crate) fn re_age(&mut self, on: NaiveDate, more: Decimal) -> Result<(), ScheduleError> {
        let from = self.first_after(on)?;
        let Some(former) = from.checked_sub(1).and_then(|last| self.due_date(last)) else {
            return Ok(());
        };
        self.give_up(former, former)?;
        self.refresh(0)?;
        let kept = self.periods.get(from - 1).map_or(0, |period| period.closing);
        let corrected = self.unpaid_principal() - kept;
        self.change_balance(former, Change { corrected, ..Change::default() })?;
        self.lend_unsolved(on, more)?;
        self.plan(from)
    }

    /// Lets instalments due by a day ask for what was paid of them and no more. Principal of theirs
    /// that was due before `since` is taken off the balance again, which it would bear interest in
    /// twice; its sum is the answer.
    fn give_up(&mut self, until: NaiveDate, since: NaiveDate) -> Result<i128, ScheduleError> {
        let mut sum = 0;
        for index in 0..self.periods.len() {
            let Some(period) = self.periods.get_mut(index).filter(|one| one.due <= until) else {
                break;
            };
            let (due, unpaid) = (period.due, period.due_principal() - period.paid_principal);
            // What was put off is asked for with what is spread anew.
            (period.interest_only, period.put_off) = (false, false);
            period.instalment = period.paid() - period.charged_back();
            period.solved = period.instalment;
            if unpaid != 0 && due < since {
                self.change_balance(due, Change { corrected: -unpaid, ..Change::default() })?;
                sum += unpaid;
            }
        }
        Ok(sum)
    }

    /// Lends an amount; nothing is solved for it yet.
    fn lend_unsolved(&mut self, on: NaiveDate, amount: Decimal) -> Result<(), ScheduleError> {
        if !amount.is_zero() {
            let disbursed = self.minor(amount)?;
            self.change_balance(on, Change { disbursed, ..Change::default() })?;
        }
        self.refresh(0)
    }

    /// The first period whose instalment is due after a day.
    pub(super) fn first_after(&self, on: NaiveDate) -> Result<usize, ScheduleError> {
        let at = self.periods.partition_point(|period| period.due <= on);
        if at == self.periods.len() {
            let (start, end) = (self.start(), self.end());
            return Err(ScheduleError::OutsideTerm { date: on, start, end });
        }
        Ok(at)
    }
}

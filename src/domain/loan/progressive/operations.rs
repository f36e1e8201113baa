//! What happens to a loan.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::period::{Period, Segment};
use super::{DatedRate, ProgressiveModel};
use crate::domain::calendar::add_days;
use crate::domain::limits::ANNUAL_RATE_MAX;
use crate::domain::loan::ScheduleError;
use crate::domain::loan::basis::Span;

/// A change of the balance, in minor units.
#[derive(Clone, Copy, Default)]
pub(super) struct Change {
    pub(super) disbursed: i128,
    pub(super) corrected: i128,
}

impl ProgressiveModel {
    /// Lends `amount` on a date. The instalments are solved anew from the period that contains the
    /// date, or from the next one if it is a due date.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`] for a date before the start or after the last due date.
    pub fn add_disbursement(
        &mut self,
        on: NaiveDate,
        amount: Decimal,
    ) -> Result<(), ScheduleError> {
        let change = Change { disbursed: self.minor(amount)?, ..Change::default() };
        let period = self.change_balance(on, change)?;
        let from = self.affected(period, on);
        if self.periods.iter().all(|period| period.instalment == 0) {
            self.refresh_range(period..from)?;
            return self.plan(from);
        }
        self.refresh(period)?;
        if self.rules.recast {
            self.adopt_plan_without_payments(from)?;
            self.refresh(from)?;
        }
        self.settle()
    }

    /// Takes over the instalments that the loan would have from `from` on had nothing been paid:
    /// paying ahead of time does not lower later instalments, it shortens the loan.
    fn adopt_plan_without_payments(&mut self, from: usize) -> Result<(), ScheduleError> {
        let mut unpaid = self.clone();
        for period in &mut unpaid.periods {
            (period.paid_principal, period.paid_interest) = (0, 0);
        }
        for segment in &mut unpaid.segments {
            segment.corrected = 0;
        }
        unpaid.refresh(0)?;
        unpaid.plan(from)?;
        for (period, planned) in self.periods.iter_mut().zip(&unpaid.periods).skip(from) {
            let paid = period.paid() - period.beside();
            (period.instalment, period.solved) = (planned.instalment.max(paid), planned.solved);
        }
        Ok(())
    }

    /// Changes the annual rate (a fraction) from a day on, that day's interest included. The
    /// instalments are solved anew from the period that contains the evening before, or from the
    /// next one if that is a due date.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`], and [`ScheduleError::NoSolution`] for a rate out of range.
    pub fn change_interest_rate(
        &mut self,
        from: NaiveDate,
        annual_rate: Decimal,
    ) -> Result<(), ScheduleError> {
        if annual_rate < Decimal::ZERO || annual_rate > Decimal::from(ANNUAL_RATE_MAX) {
            return Err(ScheduleError::NoSolution {
                reason: format!("The rate {annual_rate} is not between 0 and {ANNUAL_RATE_MAX}."),
            });
        }
        let change = DatedRate { evening: add_days(from, -1)?, annual_rate };
        self.apply_rate(change)
    }

    /// The same for a rate that is known to be one, from an evening on.
    pub(crate) fn apply_rate(&mut self, change: DatedRate) -> Result<(), ScheduleError> {
        let evening = change.evening;
        let period = self.change_balance(evening, Change::default())?;
        match self.rates.binary_search_by_key(&evening, |rate| rate.evening) {
            Ok(at) => self.rates.get_mut(at).into_iter().for_each(|rate| *rate = change),
            Err(at) => self.rates.insert(at, change),
        }
        let from = self.affected(period, evening);
        self.refactor(period)?;
        self.refresh(period)?;
        if self.rules.recast { self.plan(from) } else { self.settle() }
    }

    /// Changes the balance on a date by an amount, negative to lower it.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`].
    pub fn add_balance_correction(
        &mut self,
        on: NaiveDate,
        amount: Decimal,
    ) -> Result<(), ScheduleError> {
        let corrected = self.minor(amount)?;
        let period = self.change_balance(on, Change { corrected, ..Change::default() })?;
        self.refresh_changed(period..=period)?;
        self.settle()
    }

    /// Pays interest of the instalment due on `due`.
    ///
    /// # Errors
    /// [`ScheduleError::NoInstalmentDue`].
    pub fn pay_interest(&mut self, due: NaiveDate, amount: Decimal) -> Result<(), ScheduleError> {
        let (index, paid) = (self.due_on(due)?, self.minor(amount)?);
        if let Some(period) = self.periods.get_mut(index) {
            period.paid_interest += paid;
        }
        self.refresh_changed(index..=index)?;
        self.settle()
    }

    /// Pays principal of the instalment due on `due` on a date. Interest of the rest is saved from
    /// that date on if it is before the due date. An instalment of a later period that is paid in
    /// full is done with.
    ///
    /// # Errors
    /// [`ScheduleError::NoInstalmentDue`] and [`ScheduleError::OutsideTerm`].
    pub fn pay_principal(
        &mut self,
        due: NaiveDate,
        on: NaiveDate,
        amount: Decimal,
    ) -> Result<(), ScheduleError> {
        if amount.is_zero() {
            return Ok(());
        }
        let (index, paid) = (self.due_on(due)?, self.minor(amount)?);
        let mut ahead = false;
        if let Some(period) = self.periods.get_mut(index) {
            period.paid_principal += paid;
            ahead = on < period.start;
        }
        let changed =
            self.change_balance(on.min(due), Change { corrected: -paid, ..Change::default() })?;
        self.refresh_changed(changed.min(index)..=changed.max(index))?;
        self.settle()?;
        let Some(period) = self.periods.get_mut(index).filter(|_| ahead) else {
            return self.settle();
        };
        let (all, beside) = (period.paid(), period.beside());
        if all > period.payable() || all == period.solved + beside {
            let before = std::mem::replace(&mut period.instalment, all - beside);
            if before != all - beside {
                self.refresh_changed(index..=index)?;
            }
        }
        self.settle()
    }

    /// Bears no interest from a day to a day, both included.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`] if no day of the term is among them.
    pub fn pause_interest(&mut self, from: NaiveDate, to: NaiveDate) -> Result<(), ScheduleError> {
        let (start, end) = (self.start(), self.end());
        let evening = add_days(from, -1)?.max(start);
        let last = to.min(end);
        if evening >= last {
            return Err(ScheduleError::OutsideTerm { date: from, start, end });
        }
        let first = self.period_of(evening.max(start))?;
        for index in first..self.periods.len() {
            let Some(period) = self.periods.get(index).copied() else { break };
            if period.start >= last {
                break;
            }
            self.split(index, evening);
            self.split(index, last);
            for segment in self.segments_mut(index) {
                let within = segment.from >= evening && segment.until <= last;
                segment.paused |= within && segment.from < segment.until;
            }
            self.join_pauses(index);
            self.refactor_range(index..index + 1)?;
        }
        self.refresh(first)?;
        self.settle()
    }

    /// Adds periods at the end. The instalments are solved anew from the one due on a day or after
    /// it.
    ///
    /// # Errors
    /// [`ScheduleError::NoInstalmentDue`] if they do not follow one another from the end on, and
    /// [`ScheduleError::OutsideTerm`] for a day after the end.
    pub(crate) fn extend(&mut self, spans: &[Span], on: NaiveDate) -> Result<(), ScheduleError> {
        let from = self.period_of(on.max(self.start()))?;
        let known = self.periods.len();
        for span in spans {
            if span.start != self.end() || span.due <= span.start {
                return Err(ScheduleError::NoInstalmentDue { date: span.due });
            }
            let first = u32::try_from(self.segments.len()).unwrap_or(u32::MAX);
            self.periods.push(Period::new(span, first, false));
            self.segments.push(Segment::new(span.start, span.due));
        }
        self.refactor(known)?;
        self.refresh(from)?;
        self.plan(from)
    }

    /// Lets so many instalments from the one due on a day or after it, but for the last, be of
    /// interest only. The later ones are solved anew.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`] for a day after the end.
    pub(crate) fn spare_principal(
        &mut self,
        on: NaiveDate,
        count: usize,
    ) -> Result<(), ScheduleError> {
        let from = self.period_of(on.max(self.start()))?;
        let last = self.periods.len().saturating_sub(1);
        for period in self.periods.get_mut(from..last).unwrap_or_default().iter_mut().take(count) {
            period.interest_only = true;
        }
        self.refresh(from)?;
        self.plan(from)
    }

    /// Puts off the interest of so many instalments from the one due on a day or after it, but for
    /// the last: the first one after them asks for it. It bears none itself, and instalments stay
    /// as they are otherwise. `paid` is what was paid of instalments' interest where that is not
    /// known here.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`] for a day after the end.
    pub(crate) fn put_off_interest(
        &mut self,
        on: NaiveDate,
        count: usize,
        paid: &[(NaiveDate, Decimal)],
    ) -> Result<(), ScheduleError> {
        let from = self.period_of(on.max(self.start()))?;
        for &(due, paid) in paid {
            let (index, paid) = (self.due_on(due)?, self.minor(paid)?);
            let within = index >= from && index - from < count;
            if let Some(period) = self.periods.get_mut(index).filter(|_| within) {
                period.paid_interest = paid.min(period.due_interest());
            }
        }
        let last = self.periods.len().saturating_sub(1);
        for period in self.periods.get_mut(from..last).unwrap_or_default().iter_mut().take(count) {
            if !period.put_off {
                period.instalment = period.due_principal() - period.charged_back_principal;
                (period.solved, period.put_off) = (period.instalment, true);
            }
        }
        self.refresh(from)?;
        self.settle()
    }

    /// Takes a payment of principal back on a date: it is owed again from then and due with the
    /// instalment of the period that starts on or before the date.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`].
    pub fn charge_back_principal(
        &mut self,
        on: NaiveDate,
        amount: Decimal,
    ) -> Result<(), ScheduleError> {
        let minor = self.minor(amount)?;
        self.charge_back(on, minor, 0)
    }

    /// Takes a payment of interest back on a date: it is due again with the instalment of the
    /// period that starts on or before the date, and bears no interest.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`].
    pub fn charge_back_interest(
        &mut self,
        on: NaiveDate,
        amount: Decimal,
    ) -> Result<(), ScheduleError> {
        let minor = self.minor(amount)?;
        self.charge_back(on, 0, minor)
    }

    fn charge_back(
        &mut self,
        on: NaiveDate,
        principal: i128,
        interest: i128,
    ) -> Result<(), ScheduleError> {
        let change = Change { corrected: principal, ..Change::default() };
        let period = self.change_balance(on, change)?;
        // On a due date the next period is the one that starts then; the last one has no next.
        let due_with = self.affected(period, on);
        let starting = self.segments_mut(due_with);
        if let Some(segment) = starting.iter_mut().rfind(|segment| segment.from == on) {
            segment.charged_back_principal += principal;
            segment.charged_back_interest += interest;
        }
        self.refresh(period)?;
        self.settle()
    }

    /// Lets principal that was due before `as_of` and is not paid bear interest up to `as_of`, as
    /// loans do whose interest is recomputed daily.
    ///
    /// # Errors
    /// [`ScheduleError::OutsideTerm`] for a date before the start.
    pub fn carry_overdue(&mut self, as_of: NaiveDate) -> Result<(), ScheduleError> {
        let mut overdue = 0;
        for index in 0..self.periods.len() {
            self.refresh_range(index..index + 1)?;
            let Some(period) = self.periods.get(index).copied() else { break };
            let last = index + 1 == self.periods.len();
            if last || period.due >= as_of {
                break;
            }
            let unpaid = period.due_principal() - period.paid_principal;
            overdue += unpaid;
            self.change_balance(period.due, Change { corrected: unpaid, ..Change::default() })?;
            self.refresh(index)?;
        }
        if overdue != 0 && as_of <= self.end() {
            self.change_balance(as_of, Change { corrected: -overdue, ..Change::default() })?;
        }
        self.refresh(0)?;
        self.settle()
    }

    /// Makes one segment of neighbouring pauses between which nothing happens.
    fn join_pauses(&mut self, index: usize) {
        let mut range = self.segments_of(index);
        let mut at = range.start + 1;
        while at < range.end {
            let pair = self.segments.get(at - 1).copied().zip(self.segments.get(at).copied());
            let Some((mut left, right)) = pair else { return };
            if !(left.paused && right.paused && left.is_quiet() && right.starts_quietly()) {
                at += 1;
                continue;
            }
            left.until = right.until;
            (left.disbursed, left.corrected) = (right.disbursed, right.corrected);
            self.segments.remove(at);
            self.segments.get_mut(at - 1).into_iter().for_each(|kept| *kept = left);
            self.shift_segments(index, |first| first - 1);
            range.end -= 1;
        }
    }

    /// The first period whose instalment a change on a date affects: the one it lies in, or the
    /// next if it is a due date.
    fn affected(&self, period: usize, on: NaiveDate) -> usize {
        let due = self.periods.get(period).is_some_and(|period| period.due == on);
        if due && period + 1 < self.periods.len() { period + 1 } else { period }
    }

    /// The period a due date ends.
    pub(super) fn due_on(&self, due: NaiveDate) -> Result<usize, ScheduleError> {
        self.periods
            .binary_search_by_key(&due, |period| period.due)
            .map_err(|_| ScheduleError::NoInstalmentDue { date: due })
    }

    /// The period a date lies in, its start excluded and its end included; the first one has its
    /// start too.
    pub(super) fn period_of(&self, on: NaiveDate) -> Result<usize, ScheduleError> {
        let at = self.periods.partition_point(|period| period.due < on);
        if on < self.start() || at == self.periods.len() {
            let (start, end) = (self.start(), self.end());
            return Err(ScheduleError::OutsideTerm { date: on, start, end });
        }
        Ok(at)
    }

    /// Changes the balance at the end of a date and returns the period it lies in.
    pub(super) fn change_balance(
        &mut self,
        on: NaiveDate,
        change: Change,
    ) -> Result<usize, ScheduleError> {
        let index = self.period_of(on)?;
        // On the last day of all a segment of no length follows, for what starts on that day.
        let maturity = on == self.end();
        let range = self.segments_of(index);
        let segments = self.segments.get(range.clone()).unwrap_or_default();
        let follows = segments.last().is_some_and(|last| last.from == on && last.until == on);
        let found = segments.iter().position(|segment| segment.until == on);
        let found = found.filter(|_| follows || !maturity);
        let at = match found {
            Some(found) => range.start + found,
            None => {
                let at = self.insert_boundary(index, on);
                self.refactor_range(index..index + 1)?;
                at
            }
        };
        if let Some(segment) = self.segments.get_mut(at) {
            segment.disbursed += change.disbursed;
            segment.corrected += change.corrected;
        }
        Ok(index)
    }

    /// Divides a period at a date, where it is not divided there already.
    fn split(&mut self, index: usize, on: NaiveDate) {
        let inside =
            self.periods.get(index).is_some_and(|period| period.start < on && on < period.due);
        let range = self.segments_of(index);
        let segments = self.segments.get(range).unwrap_or_default();
        if inside && !segments.iter().any(|segment| segment.until == on) {
            self.insert_boundary(index, on);
        }
    }

    /// Ends a segment of a period on a date within it and starts the next one there; returns the
    /// index of the one that ends. What happens at the end of the old segment stays at its end.
    fn insert_boundary(&mut self, index: usize, on: NaiveDate) -> usize {
        let range = self.segments_of(index);
        let contains = |segment: &Segment| segment.from < on && on <= segment.until;
        let segments = self.segments.get(range.clone()).unwrap_or_default();
        let at = range.start + segments.iter().rposition(contains).unwrap_or_default();
        let Some(old) = self.segments.get_mut(at) else { return at };
        let mut rest = Segment::new(on, old.until);
        rest.paused = old.paused;
        if on < old.until {
            (rest.disbursed, rest.corrected) = (old.disbursed, old.corrected);
            (old.disbursed, old.corrected) = (0, 0);
        }
        old.until = on;
        self.segments.insert(at + 1, rest);
        self.shift_segments(index, |first| first + 1);
        at
    }

    /// Tells the periods after one where their segments moved.
    fn shift_segments(&mut self, index: usize, shift: impl Fn(u32) -> u32) {
        for period in self.periods.iter_mut().skip(index + 1) {
            period.first = shift(period.first);
        }
    }
}

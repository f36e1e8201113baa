//! Re-ageing: what is outstanding of principal is spread over new instalments, which come after the
//! last one or, before that is due, in place of those to come.
//!
//! Of a loan that bears interest the new instalments are solved with interest from the day of
//! re-ageing on; none is borne between the last due date and that day. Interest that is not paid
//! moves with the principal: it bears none itself and is asked for with the first new instalment,
//! or as soon as instalments cover it. Fees and penalties stay where they are.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::state::amounts::Component;
use super::super::state::entry::Entry;
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::Loan;
use super::super::state::operation::Action;
use super::super::state::refusal::ServicingError;
use super::super::state::standing::LoanStatus;
use super::super::state::transaction::{Transaction, TransactionKind};
use crate::domain::calendar::{Frequency, Recurrence, RollRule};
use crate::domain::decimal::{add, div, mul, sub};
use crate::domain::limits::INSTALMENTS_MAX;
use crate::domain::loan::{ProgressiveModel, ScheduleError};
use crate::domain::money::round_to_multiple;

impl Loan {
    /// Re-ages the loan: its principal is asked for in new instalments from a day on.
    pub(crate) fn take_re_age(
        &mut self,
        entry: &Entry,
        from: NaiveDate,
        instalments: u32,
    ) -> Result<(), ServicingError> {
        self.check_respreading(entry, TransactionKind::ReAge, "re-age")?;
        let maturity = self.maturity().unwrap_or(from);
        let is_running = self.last_instalment_on().is_some_and(|last| entry.on < last);
        if (is_running || self.bears_interest()) && from <= entry.on {
            let reason = "The first new instalment is due after the day of re-ageing.".into();
            return Err(ServicingError::BadDate { on: from, reason });
        }
        if !is_running && from <= maturity {
            return Err(ServicingError::BadDate {
                on: from,
                reason: format!("The first new instalment is due after the last one, {maturity}."),
            });
        }
        let count = usize::try_from(instalments).unwrap_or(usize::MAX);
        if count == 0 || count.saturating_add(self.lines.len()) > INSTALMENTS_MAX {
            return Err(ServicingError::NotProvided {
                reason: format!("{instalments} is no number of instalments."),
            });
        }
        self.record_transaction(entry, TransactionKind::ReAge, Decimal::ZERO);
        Ok(())
    }

    /// Refuses to spread principal anew where that is not defined: for loans that are not active,
    /// are charged off or ended or follow no plain progressive schedule, before anything is lent, and
    /// twice on one day.
    pub(crate) fn check_respreading(
        &self,
        entry: &Entry,
        kind: TransactionKind,
        name: &str,
    ) -> Result<(), ServicingError> {
        if self.status != LoanStatus::Active {
            return Err(self.wrong_state(name));
        }
        self.check_not_ended(name)?;
        self.check_lent_on(entry.on)?;
        if !self.terms.schedule.is_plain_progressive() {
            return Err(ServicingError::NotProvided {
                reason: "Principal is spread anew on progressive loans.".into(),
            });
        }
        let again = |one: &Transaction| one.stands() && one.kind == kind && one.on == entry.on;
        if self.transactions.iter().any(again) {
            return Err(ServicingError::BadDate {
                on: entry.on,
                reason: "It was done on that day already.".into(),
            });
        }
        Ok(())
    }

    /// Moves all outstanding principal into new instalments.
    pub(crate) fn re_age(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        let Some((from, count, frequency)) = self.re_age_terms(one.sequence) else {
            return Err(ServicingError::NoSuchReference { id: one.sequence.to_string() });
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let dates =
            Recurrence::new(from, frequency, RollRule::SameDay).map_err(ScheduleError::from)?;
        let mut due_dates = Vec::with_capacity(count);
        for index in 0..count {
            let at = i64::try_from(index).unwrap_or(i64::MAX);
            due_dates.push(dates.date(at).map_err(ScheduleError::from)?);
        }
        let runs = self.last_instalment_on().is_some_and(|last| one.on < last);
        if runs && due_dates.first().is_none_or(|first| *first <= one.on) {
            let reason = "The first new instalment was due by then.".into();
            return Err(ServicingError::BadDate { on: one.on, reason });
        }
        if self.bears_interest() {
            return if runs {
                self.re_age_early(one, &due_dates)
            } else {
                self.re_age_with_interest(one, &due_dates)
            };
        }
        let amount = self.clear_principal(one.on, |_| true)?;
        (one.amount, one.portions.principal) = (amount, amount);
        if amount.is_zero() {
            return Ok(());
        }
        if runs {
            self.replace_instalments(one.on, &due_dates)?;
        } else {
            let start = self.last_due_date().unwrap_or(one.on);
            self.add_re_aged_lines(start, &due_dates);
        }
        let part = self.instalment_part(div(amount, Decimal::from(count))?)?;
        let rest = sub(amount, mul(part, Decimal::from(count))?)?;
        let is_new =
            |line: &&mut Line| line.kind == LineKind::ReAged && due_dates.contains(&line.due_date);
        for (index, line) in self.lines.iter_mut().filter(is_new).enumerate() {
            let asked = if index + 1 == count { add(part, rest)? } else { part };
            line.charged.add(Component::Principal, asked)?;
            line.note_settlement(one.on)?;
        }
        if runs { self.reprice_charges() } else { Ok(()) }
    }

    /// The same before the last instalment is due: those to come are replaced by the new ones, which
    /// are solved with interest from the instalment before on.
    fn re_age_early(
        &mut self,
        one: &mut Transaction,
        due_dates: &[NaiveDate],
    ) -> Result<(), ServicingError> {
        let on = one.on;
        let past = self.past_due(on)?;
        let overdue = past.total()?;
        let mut moved = overdue;
        let to_come = |line: &&Line| line.due_date > on && line.is_modelled();
        for line in self.lines.iter().filter(to_come) {
            let owed = line.outstanding_of(Component::Principal)?.max(Decimal::ZERO);
            moved.add(Component::Principal, owed)?;
        }
        if moved.principal.is_zero() {
            return Ok(());
        }
        (one.amount, one.portions) = (moved.total()?, moved);
        let asked = self.principal_asked()?;
        let repaid = self.replace_instalments(on, due_dates)?.repaid;
        let follows = self.follows_payments();
        let unknown = if follows { Decimal::ZERO } else { repaid };
        let next = due_dates.first().copied().unwrap_or(on);
        let borne_to = self.carried_to.map_or(on, |carried| carried.max(on));
        // The next due date is that of the first new instalment.
        self.carried_to = self.carried_to.map(|carried| carried.min(next));
        self.ask_later(on, next, &past, asked, |model| {
            model.replace_periods(on, due_dates, unknown)?;
            if !follows {
                return model.ask_again(on, overdue.principal, &past.interest);
            }
            if !past.additional.interest.is_zero() {
                model.charge_back_interest(on, past.additional.interest)?;
            }
            let borne_to = borne_to.min(model.end());
            model.re_amortise(on, borne_to, borne_to.min(next), past.additional.principal)
        })
    }

    /// The same with interest: the calculator goes on and solves the new instalments.
    fn re_age_with_interest(
        &mut self,
        one: &mut Transaction,
        due_dates: &[NaiveDate],
    ) -> Result<(), ServicingError> {
        let on = one.on;
        let Some(end) = self.model.as_ref().map(ProgressiveModel::end) else { return Ok(()) };
        let past = self.past_due(on)?;
        let moved = past.total()?;
        if moved.principal.is_zero() {
            return Ok(());
        }
        (one.amount, one.portions) = (moved.total()?, moved);
        self.add_re_aged_lines(end, due_dates);
        let follows = self.follows_payments();
        let next = due_dates.first().copied().unwrap_or(on);
        self.ask_later(on, next, &past, self.principal_asked()?, |model| {
            model.go_on_to(due_dates, on)?;
            if !follows {
                return model.ask_again(on, moved.principal, &past.interest);
            }
            if !past.additional.interest.is_zero() {
                model.charge_back_interest(on, past.additional.interest)?;
            }
            model.re_age(on, past.additional.principal)
        })
    }

    /// Adds a line for each of the new due dates, the first of which starts on a day.
    fn add_re_aged_lines(&mut self, start: NaiveDate, due_dates: &[NaiveDate]) {
        let mut period_start = start;
        for &due_date in due_dates {
            let kind = LineKind::ReAged;
            self.lines.push(Line { kind, period_start, due_date, ..Line::default() });
            period_start = due_date;
        }
        self.lines.sort_by_key(|line| line.due_date);
        self.number_lines();
    }

    /// What the operation that re-aged the loan asked for.
    fn re_age_terms(&self, sequence: u32) -> Option<(NaiveDate, u32, Frequency)> {
        let found = self.operations.iter().find(|one| one.sequence == sequence)?;
        match found.operation.action {
            Action::ReAge { from, instalments, frequency } => Some((from, instalments, frequency)),
            _ => None,
        }
    }

    /// The last due date of an instalment.
    fn last_instalment_on(&self) -> Option<NaiveDate> {
        let lines = self.lines.iter().filter(|line| line.is_modelled());
        lines.map(|line| line.due_date).max()
    }

    /// The same, or that of charges after it.
    fn last_due_date(&self) -> Option<NaiveDate> {
        let lines = self.lines.iter().filter(|line| line.kind != LineKind::DownPayment);
        lines.map(|line| line.due_date).max()
    }

    /// Asks no more for the outstanding principal of the lines that are wanted, and returns it.
    pub(crate) fn clear_principal(
        &mut self,
        on: NaiveDate,
        wanted: impl Fn(&Line) -> bool,
    ) -> Result<Decimal, ServicingError> {
        let mut sum = Decimal::ZERO;
        for line in self.lines.iter_mut().filter(|line| wanted(line)) {
            let owed = line.outstanding_of(Component::Principal)?;
            if owed > Decimal::ZERO {
                sum = add(sum, owed)?;
                line.charged.principal = sub(line.charged.principal, owed)?;
                line.note_settlement(on)?;
            }
        }
        Ok(sum)
    }

    /// A part of principal as instalments are rounded.
    pub(crate) fn instalment_part(&self, exact: Decimal) -> Result<Decimal, ServicingError> {
        let part = self.round(exact)?;
        let rounding = &self.terms.schedule.rounding;
        let Some(multiple) = rounding.multiple else { return Ok(part) };
        let mode = rounding.multiple_mode.unwrap_or(rounding.mode);
        Ok(round_to_multiple(part, multiple, mode).map_err(ScheduleError::from)?)
    }
}

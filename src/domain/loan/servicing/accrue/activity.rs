//! Notes of what each period earned, on its due date and when the loan is closed.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Cause, recognition};
use crate::domain::loan::servicing::state::amounts::{Amounts, Component};
use crate::domain::loan::servicing::state::line::{Line, LineKind};
use crate::domain::loan::servicing::state::loan::Loan;
use crate::domain::loan::servicing::state::refusal::ServicingError;
use crate::domain::loan::servicing::state::standing::LoanStatus;
use crate::domain::loan::servicing::state::transaction::{Transaction, TransactionKind};

impl Loan {
    /// Notes what each period that is over on a day earned; notes that are not right any more are
    /// replaced.
    pub(super) fn note_activity(
        &mut self,
        on: NaiveDate,
        cause: Cause,
    ) -> Result<(), ServicingError> {
        if !self.terms.servicing.accrual.activity || self.status != LoanStatus::Active {
            return Ok(());
        }
        let over = |line: &&Line| line.kind != LineKind::DownPayment && line.due_date <= on;
        for period in self.wrongly_noted(over)? {
            let first = period.noted.first().copied();
            self.note(&period, first, cause)?;
            for &id in period.noted.iter().skip(1) {
                self.take_back_note(id, cause);
            }
        }
        Ok(())
    }

    /// Notes what is not noted yet once nothing is owed any more.
    pub(super) fn note_closure(&mut self, cause: Cause) -> Result<(), ServicingError> {
        if !self.terms.servicing.accrual.activity {
            return Ok(());
        }
        let met_on = self.met_on();
        for id in self.notes(|on| on > met_on) {
            self.take_back_note(id, cause);
        }
        let regular = |line: &&Line| {
            !matches!(line.kind, LineKind::DownPayment | LineKind::Additional)
                && line.due_date < met_on
        };
        for period in self.wrongly_noted(regular)? {
            if let [one] = period.noted.as_slice() {
                self.note(&period, Some(*one), cause)?;
                continue;
            }
            for &id in &period.noted {
                self.take_back_note(id, cause);
            }
            self.note(&period, None, cause)?;
        }
        let mut rest = Amounts::ZERO;
        for line in self.lines.iter().filter(|line| line.kind != LineKind::DownPayment) {
            rest = rest.plus(&line.income()?)?;
        }
        for one in self.transactions.iter().filter(|one| is_note(one)) {
            rest = rest.minus(&one.portions)?;
        }
        let components = [Component::Interest, Component::Fee, Component::Penalty];
        if components.iter().any(|&component| rest[component] > Decimal::ZERO) {
            self.push_note(rest, met_on, None, cause)?;
        }
        Ok(())
    }

    /// Puts notes right when a loan that was closed is owed again: the one of its closure becomes
    /// that of the period it is in, if that is over, or goes.
    pub(super) fn note_reopening(&mut self, cause: Cause) -> Result<(), ServicingError> {
        if !self.terms.servicing.accrual.activity {
            return Ok(());
        }
        let last = self.transactions.iter().filter(|one| is_note(one)).max_by_key(|one| one.on);
        let (mut last, since) = (last.map(|one| one.id), last.map(|one| one.on));
        let today = self.today;
        let later =
            |line: &&Line| line.due_date < today && since.is_none_or(|on| on <= line.due_date);
        let over = self.lines.iter().filter(later).map(Period::of);
        for period in over.collect::<Result<Vec<_>, _>>()? {
            self.note(&period, last.take(), cause)?;
        }
        if let Some(id) = last {
            self.take_back_note(id, cause);
        }
        Ok(())
    }

    /// The periods of lines that have no note, a wrong one, or several.
    fn wrongly_noted(
        &self,
        wanted: impl Fn(&&Line) -> bool,
    ) -> Result<Vec<Period>, ServicingError> {
        let mut notes: BTreeMap<NaiveDate, Vec<&Transaction>> = BTreeMap::new();
        for one in self.transactions.iter().filter(|one| is_note(one)) {
            notes.entry(one.on).or_default().push(one);
        }
        let mut wrong = Vec::new();
        for line in self.lines.iter().filter(wanted) {
            let period = Period::of(line)?;
            let noted = notes.get(&period.due_date).map_or(&[][..], Vec::as_slice);
            if !matches!(noted, [one] if one.portions == period.income) {
                let noted = noted.iter().map(|one| one.id).collect();
                wrong.push(Period { noted, ..period });
            }
        }
        Ok(wrong)
    }

    /// Makes the note of a period, in the place of one that there is, if that is not right.
    fn note(
        &mut self,
        period: &Period,
        noted: Option<u32>,
        cause: Cause,
    ) -> Result<(), ServicingError> {
        let (income, due) = (period.income, period.due_date);
        let old = noted.and_then(|id| self.transactions.iter().find(|one| one.id == id));
        if old.is_some_and(|old| old.on == due && old.portions == income) {
            return Ok(());
        }
        if let Some(id) = noted {
            self.take_back_note(id, cause);
        }
        self.push_note(income, due, noted, cause)
    }

    /// Adds a note of income, if there is any.
    fn push_note(
        &mut self,
        income: Amounts,
        on: NaiveDate,
        replaces: Option<u32>,
        cause: Cause,
    ) -> Result<(), ServicingError> {
        let amount = income.total()?;
        if amount <= Decimal::ZERO {
            return Ok(());
        }
        let note = recognition(TransactionKind::AccrualActivity, amount, income, on, cause);
        self.push_transaction(Transaction { replaces, ..note });
        // What is recorded for an earlier day makes notes wrong.
        let place = (on, true, cause.recorded_on, cause.sequence);
        self.latest = self.latest.max(Some(place));
        Ok(())
    }

    /// What a note comes to now that everything before it has run again: nothing where its period
    /// is neither over nor paid.
    pub(crate) fn note_again(&self, one: &mut Transaction) -> Result<(), ServicingError> {
        let first = self.first_number();
        let around = |line: &&Line| {
            one.on <= line.due_date
                && (line.period_start < one.on
                    || (line.period_start == one.on && first == Some(line.number)))
        };
        let Some(line) = self.lines.iter().find(around) else { return Ok(()) };
        let running = line.due_date > one.on || (line.due_date == one.on && one.on == self.today);
        let nothing = running && !line.is_settled();
        one.portions = if nothing { Amounts::ZERO } else { line.income()? };
        one.amount = one.portions.total()?;
        if self.is_met()
            && let Some(settled) = line.settled_on
            && line.period_start <= settled
            && settled <= line.due_date
        {
            one.on = settled;
        }
        Ok(())
    }

    /// The notes that stand of the days that are meant.
    fn notes(&self, meant: impl Fn(NaiveDate) -> bool) -> Vec<u32> {
        let meant = |one: &&Transaction| is_note(one) && meant(one.on);
        self.transactions.iter().filter(meant).map(|one| one.id).collect()
    }

    fn take_back_note(&mut self, id: u32, cause: Cause) {
        if let Some(one) = self.transactions.iter_mut().find(|one| one.id == id) {
            one.reversed.get_or_insert(cause.reversal());
        }
    }
}

/// What a note is about: what a period earned by its due date, and the notes that there are.
struct Period {
    due_date: NaiveDate,
    income: Amounts,
    noted: Vec<u32>,
}

impl Period {
    fn of(line: &Line) -> Result<Self, ServicingError> {
        Ok(Self { due_date: line.due_date, income: line.income()?, noted: Vec::new() })
    }
}

/// Whether a transaction is a note that stands.
fn is_note(one: &Transaction) -> bool {
    one.stands() && one.kind == TransactionKind::AccrualActivity
}

//! What re-ageing and re-amortising have in common on loans that bear interest: what past
//! instalments give up, and how the calculator asks for it again.
//!
//! Fees and penalties stay with the instalments they are in, and so does everything that is due
//! with a down payment. What went back to the borrower and bears no interest before it is due is
//! due with the first instalment to come.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::state::amounts::{Amounts, Component};
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use crate::domain::decimal::{add, sub};
use crate::domain::loan::{ProgressiveModel, ScheduleError};

/// What of the lines due by a day is owed in the calculator and beside it.
#[derive(Clone, Debug, Default)]
pub(crate) struct PastDue {
    /// Principal and interest of instalments.
    pub(crate) instalments: Amounts,
    /// Principal and interest of lines the calculator does not know.
    pub(crate) additional: Amounts,
    /// Interest by the due dates of lines.
    pub(crate) interest: Vec<(NaiveDate, Decimal)>,
    /// Of the principal of instalments, the part that bears no interest before it is due.
    interest_free: Decimal,
}

impl PastDue {
    /// Principal and interest in all.
    pub(crate) fn total(&self) -> Result<Amounts, ServicingError> {
        Ok(self.instalments.plus(&self.additional)?)
    }
}

impl Loan {
    /// What is owed of principal and interest of the lines due by a day.
    pub(crate) fn past_due(&self, on: NaiveDate) -> Result<PastDue, ServicingError> {
        let mut found = PastDue::default();
        for line in self.lines.iter().filter(|line| line.due_date <= on) {
            let into = match line.kind {
                LineKind::DownPayment => continue,
                LineKind::Additional => &mut found.additional,
                LineKind::Instalment | LineKind::ReAged => &mut found.instalments,
            };
            for component in [Component::Principal, Component::Interest] {
                into.add(component, line.outstanding_of(component)?.max(Decimal::ZERO))?;
            }
            let interest = line.outstanding_of(Component::Interest)?;
            if interest > Decimal::ZERO {
                found.interest.push((line.due_date, interest));
            }
            found.interest_free = add(found.interest_free, self.unpaid_free_part(line)?)?;
        }
        Ok(found)
    }

    /// What is not paid of principal of a line that the calculator does not know.
    pub(crate) fn unpaid_free_part(&self, line: &Line) -> Result<Decimal, ServicingError> {
        let Some(model) = self.model.as_ref().filter(|_| !line.interest_free.is_zero()) else {
            return Ok(Decimal::ZERO);
        };
        let known = model.period_due_on(line.due_date)?.principal_paid;
        let paid = sub(line.paid.principal, known)?.max(Decimal::ZERO);
        Ok(sub(line.interest_free, paid)?.max(Decimal::ZERO))
    }

    /// Lets the lines due by a day ask for what was paid of principal and interest and no more,
    /// and the calculator ask for it with the instalments from `next` on, by `respread`. All lines
    /// together ask for `asked` of principal in the end.
    pub(crate) fn ask_later(
        &mut self,
        on: NaiveDate,
        next: NaiveDate,
        past: &PastDue,
        asked: Decimal,
        respread: impl FnOnce(&mut ProgressiveModel) -> Result<(), ScheduleError>,
    ) -> Result<(), ServicingError> {
        let follows = self.follows_payments();
        for at in 0..self.lines.len() {
            let Some(line) = self.lines.get(at) else { continue };
            if line.due_date > on || line.kind == LineKind::DownPayment {
                continue;
            }
            let free = self.unpaid_free_part(line)?;
            let Some(line) = self.lines.get_mut(at) else { continue };
            line.interest_free = sub(line.interest_free, free)?;
            for component in [Component::Principal, Component::Interest] {
                let owed = line.outstanding_of(component)?.max(Decimal::ZERO);
                line.charged[component] = sub(line.charged[component], owed)?;
            }
        }
        if let Some(model) = &mut self.model {
            respread(model)?;
        }
        if follows {
            let next = |line: &&mut Line| line.due_date >= next && line.is_modelled();
            if let Some(line) = self.lines.iter_mut().find(next) {
                line.interest_free = add(line.interest_free, past.interest_free)?;
            }
            self.adopt_model(|_| true)?;
        } else {
            let lent = sub(asked, self.principal_asked()?)?;
            self.adopt_anew(on, lent, |line| on < line.due_date && line.is_modelled())?;
        }
        self.lines.iter_mut().try_for_each(|line| line.note_settlement(on))?;
        self.reprice_charges()
    }
}

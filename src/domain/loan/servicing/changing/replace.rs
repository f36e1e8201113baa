//! Instalments to come are replaced by others.
//!
//! One of which nothing was paid goes. One of which something was paid stays for that and asks for
//! no more, and so does one that a fee or a penalty is in. One that is due on the day of a new one
//! is the new one, and what was paid of it counts.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::state::amounts::{Amounts, Component};
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use crate::domain::decimal::{add, sub};

/// What instalments that are replaced leave.
#[derive(Default)]
pub(crate) struct Replaced {
    /// Principal that was paid of those whose dates do not stay.
    pub(crate) repaid: Decimal,
    /// What went back to the borrower, beside what the calculator knows.
    credited: Amounts,
    /// Principal that bears no interest before it is due.
    interest_free: Decimal,
}

impl Loan {
    /// Replaces the instalments due after a day by lines for due dates, which ask for nothing yet.
    pub(crate) fn replace_instalments(
        &mut self,
        on: NaiveDate,
        due_dates: &[NaiveDate],
    ) -> Result<Replaced, ServicingError> {
        let before = self.lines.iter().filter(|line| line.is_modelled() && line.due_date <= on);
        let start = before.map(|line| line.due_date).max();
        let start = start.or(self.model.as_ref().map(|model| model.start())).unwrap_or(on);
        let mut replaced = Replaced::default();
        let mut lines = Vec::with_capacity(self.lines.len() + due_dates.len());
        for mut line in std::mem::take(&mut self.lines) {
            let stays = line.due_date <= on || !line.is_modelled();
            if stays || self.replace(&mut line, due_dates, &mut replaced)? {
                lines.push(line);
            }
        }
        for &due_date in due_dates {
            let is_there = |line: &Line| line.is_modelled() && line.due_date == due_date;
            if !lines.iter().any(is_there) {
                lines.push(Line { kind: LineKind::ReAged, due_date, ..Line::default() });
            }
        }
        lines.sort_by_key(|line| line.due_date);
        let mut from = start;
        for line in lines.iter_mut().filter(|line| line.is_modelled() && line.due_date > on) {
            line.period_start = std::mem::replace(&mut from, line.due_date);
        }
        let first =
            lines.iter_mut().find(|line| line.kind == LineKind::ReAged && line.due_date > on);
        if let Some(line) = first {
            line.interest_free = add(line.interest_free, replaced.interest_free)?;
            for component in [Component::Principal, Component::Interest] {
                line.credited.add(component, replaced.credited[component])?;
            }
        }
        self.lines = lines;
        self.number_lines();
        Ok(replaced)
    }

    /// Lets an instalment ask for what was paid of it. Whether it stays.
    fn replace(
        &self,
        line: &mut Line,
        due_dates: &[NaiveDate],
        replaced: &mut Replaced,
    ) -> Result<bool, ServicingError> {
        let (bears_interest, follows) = (self.bears_interest(), self.follows_payments());
        let free = self.unpaid_free_part(line)?;
        line.interest_free = sub(line.interest_free, free)?;
        replaced.interest_free = add(replaced.interest_free, free)?;
        let settled = add(line.paid.interest, line.waived.interest)?;
        (line.charged.principal, line.charged.interest) = (line.paid.principal, settled);
        if bears_interest && !follows {
            for component in [Component::Principal, Component::Interest] {
                replaced.credited.add(component, line.credited[component])?;
                line.credited.set(component, Decimal::ZERO);
            }
        }
        if due_dates.contains(&line.due_date) {
            line.kind = LineKind::ReAged;
            return Ok(true);
        }
        if follows {
            // What else was credited the calculator asks for again.
            let known = std::mem::take(&mut line.interest_free);
            line.credited.set(Component::Principal, known);
            line.credited.set(Component::Interest, Decimal::ZERO);
        }
        line.kind = LineKind::Additional;
        replaced.repaid = add(replaced.repaid, line.paid.principal)?;
        Ok(!(line.charged == Amounts::ZERO && line.credited.is_zero()))
    }
}

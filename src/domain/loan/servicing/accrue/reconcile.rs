//! What becomes of accruals when the lines they recognise change.

use chrono::NaiveDate;

use super::Cause;
use crate::domain::decimal::sub;
use crate::domain::loan::servicing::state::amounts::{Amounts, Component};
use crate::domain::loan::servicing::state::charge::Charge;
use crate::domain::loan::servicing::state::line::Line;
use crate::domain::loan::servicing::state::loan::Loan;
use crate::domain::loan::servicing::state::refusal::ServicingError;
use crate::domain::loan::servicing::state::seldom::Seldom;
use crate::domain::loan::servicing::state::transaction::{Transaction, TransactionKind};

/// What of income can be recognised.
const RECOGNISABLE: [Component; 3] = [Component::Interest, Component::Fee, Component::Penalty];

impl Loan {
    /// Attributes accruals to the lines as they are now. On a progressive schedule they fill the
    /// lines in order; on another one, accruals that are more than their line asks for are taken
    /// back, to be made anew.
    pub(super) fn reconcile_accruals(&mut self, cause: Cause) -> Result<(), ServicingError> {
        if !self.terms.servicing.accrual.periodic
            || self.is_taken_for_lost()
            || self.accruals().next().is_none()
        {
            return Ok(());
        }
        if self.is_progressive() {
            self.fill_lines()?;
        } else {
            self.match_lines(cause)?;
        }
        if let Some(end) = self.end_of_lines() {
            self.take_back_accruals(cause, |on| on > end);
        }
        Ok(())
    }

    /// Attributes all that was recognised to the lines in order, each up to what it asks for.
    fn fill_lines(&mut self) -> Result<(), ServicingError> {
        let mut left = Amounts::ZERO;
        for one in self.accruals() {
            left = match one.kind {
                TransactionKind::Accrual => left.plus(&one.portions)?,
                _ => left.minus(&one.portions)?,
            };
        }
        for line in &mut self.lines {
            let mut accrued = *line.accrued;
            for component in RECOGNISABLE {
                let part = line.charged[component].min(left[component]);
                accrued[component] = part;
                left[component] = sub(left[component], part)?;
            }
            line.accrued = accrued.into();
        }
        Ok(())
    }

    /// Attributes each accrual to the line whose period it is in, and takes back those that make
    /// it more than the line asks for, and the latest one of a period that is not over.
    fn match_lines(&mut self, cause: Cause) -> Result<(), ServicingError> {
        let mut order: Vec<(NaiveDate, usize)> = Vec::new();
        for (at, one) in self.transactions.iter().enumerate() {
            let kinds = [TransactionKind::Accrual, TransactionKind::AccrualAdjustment];
            if one.stands() && kinds.contains(&one.kind) {
                order.push((one.on, at));
            }
        }
        order.sort_unstable();
        let first = self.first_number();
        for index in 0..self.lines.len() {
            let Some(line) = self.lines.get(index).cloned() else { continue };
            let mut sum = Amounts::ZERO;
            for &(_, at) in &order {
                let Some(one) = self.transactions.get(at) else { continue };
                let on = self.day_recognised_for(one);
                let begun = line.period_start < on
                    || (line.period_start == on && first == Some(line.number));
                if !begun || on > line.due_date {
                    continue;
                }
                let more = sum.plus(&one.portions)?;
                if self.is_too_much(&line, &more, one.on)? {
                    if let Some(one) = self.transactions.get_mut(at) {
                        one.reversed.get_or_insert(cause.reversal());
                    }
                } else {
                    sum = more;
                }
            }
            if let Some(line) = self.lines.get_mut(index) {
                line.accrued = sum.into();
            }
        }
        Ok(())
    }

    /// Whether accruals come to more than a line asks for or its period bears, or the last of them
    /// is the latest and its period goes on.
    fn is_too_much(
        &self,
        line: &Line,
        sum: &Amounts,
        on: NaiveDate,
    ) -> Result<bool, ServicingError> {
        let income = line.income()?;
        let too_much = RECOGNISABLE.iter().any(|&component| income[component] < sum[component]);
        let runs = self.bears_interest() && self.recognised_to == Some(on) && on != line.due_date;
        Ok(too_much || runs)
    }

    /// The day that tells which line an accrual is for: where charges are earned when recorded,
    /// that on which the charge is due.
    fn day_recognised_for(&self, one: &Transaction) -> NaiveDate {
        if self.terms.servicing.accrual.charges_when_due {
            return one.on;
        }
        let charge = one.charges.first().and_then(|part| self.charge_of(&part.charge));
        charge.and_then(|charge| charge.due_on).unwrap_or(one.on)
    }

    fn charge_of(&self, id: &str) -> Option<&Charge> {
        self.charges.iter().find(|one| one.id == id)
    }

    /// Keeps what was recognised of each line while the lines are made anew.
    pub(crate) fn recognised_by_line(&self) -> Vec<Recognised> {
        let any = |line: &&Line| !line.accrued.is_zero();
        self.lines
            .iter()
            .filter(any)
            .map(|line| (line.due_date, line.kind, *line.accrued))
            .collect()
    }

    /// Puts back what was kept.
    pub(crate) fn restore_recognised(&mut self, kept: &[Recognised]) {
        for line in &mut self.lines {
            let same = |one: &&Recognised| one.0 == line.due_date && one.1 == line.kind;
            line.accrued = kept.iter().find(same).map_or_else(Seldom::default, |one| one.2.into());
        }
    }
}

/// A due date, the kind of its line, and what was recognised of it.
pub(crate) type Recognised =
    (NaiveDate, crate::domain::loan::servicing::state::line::LineKind, Amounts);

//! Interest that follows what is really owed: the progressive calculator beside the lines.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::state::amounts::Component;
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::variation::{Change, Variation};
use super::super::terms::Recalculation;
use crate::domain::decimal::{self, add};

impl Loan {
    /// Whether interest follows payments.
    pub(crate) fn follows_payments(&self) -> bool {
        self.model.is_some()
            && self.terms.servicing.recalculation.interest != Recalculation::None
            && self.bears_interest()
    }

    /// Whether interest follows payments still: not since a charge-off, a write-off or the
    /// contract's end.
    pub(crate) fn is_recalculated(&self) -> bool {
        self.follows_payments() && self.stands_since.is_none()
    }

    /// Whether the loan bears interest at any time.
    pub(crate) fn bears_interest(&self) -> bool {
        let bears = |one: &Variation| {
            one.active && matches!(one.change, Change::Rate(rate) if !rate.is_zero())
        };
        !self.terms.schedule.annual_rate.is_zero() || self.variations.iter().any(bears)
    }

    /// An amount in whole minor units.
    pub(crate) fn round(&self, amount: Decimal) -> Result<Decimal, ServicingError> {
        let rounding = &self.terms.schedule.rounding;
        if rounding.family == crate::domain::loan::terms::RoundingFamily::None {
            return Ok(amount);
        }
        Ok(decimal::round(amount, rounding.minor_units, rounding.mode))
    }

    /// Shows principal and interest of the calculator's periods on the lines that are wanted.
    pub(crate) fn adopt_model(
        &mut self,
        wanted: impl Fn(&Line) -> bool,
    ) -> Result<(), ServicingError> {
        let Some(model) = self.model.as_ref().filter(|_| self.stands_since.is_none()) else {
            return Ok(());
        };
        let follows = self.follows_payments();
        let mut period = 0;
        let periods = model.period_count();
        for line in &mut self.lines {
            if !line.is_modelled() {
                continue;
            }
            while model.due_date(period).is_some_and(|due| due < line.due_date) {
                period += 1;
            }
            if period == periods {
                break;
            }
            if !wanted(line) {
                continue;
            }
            if model.due_date(period) != Some(line.due_date) {
                continue;
            }
            let shown = [&line.charged.principal, &line.charged.interest];
            if line.credited.is_zero()
                && line.interest_free.is_zero()
                && model.asks_for(period, shown)
            {
                continue;
            }
            let [principal, interest] = model.due_of(period)?;
            if follows {
                let [back_principal, back_interest] = model.charged_back_of(period)?;
                let principal_back = add(back_principal, line.interest_free)?;
                line.credited.set(Component::Principal, principal_back);
                line.credited.set(Component::Interest, back_interest);
                line.charged.principal = add(principal, line.interest_free)?;
                line.charged.interest = interest;
            } else {
                // What went back is owed beside what the calculator knows.
                line.charged.principal = add(principal, line.credited.principal)?;
                line.charged.interest = add(interest, line.credited.interest)?;
            }
        }
        Ok(())
    }

    /// Shows what changed in the calculator on the lines after something was paid on a day.
    pub(crate) fn follow_model(&mut self, on: NaiveDate) -> Result<(), ServicingError> {
        let Some(model) = &mut self.model else { return Ok(()) };
        let touched = model.take_touched();
        let (Some(first), Some(last)) = (touched.clone().next(), touched.last()) else {
            return Ok(());
        };
        let (from, until) = (model.period(first)?.due, model.period(last)?.due);
        let within = |line: &Line| from <= line.due_date && line.due_date <= until;
        self.adopt_model(within)?;
        for line in self.lines.iter_mut().filter(|line| within(line)) {
            if line.kind != LineKind::DownPayment {
                line.note_settlement(on)?;
            }
        }
        Ok(())
    }

    /// Whether principal is overdue on a day and bears interest for it.
    pub(crate) fn carries_overdue(&self, day: NaiveDate) -> bool {
        self.is_recalculated()
            && self.lines.iter().any(|line| {
                line.due_date < day
                    && !line.is_settled()
                    && !matches!(line.kind, LineKind::DownPayment | LineKind::Additional)
            })
    }

    /// Lets principal that is overdue on a day bear interest up to the day. Says whether any does.
    pub(crate) fn recalculate_to(&mut self, day: NaiveDate) -> Result<bool, ServicingError> {
        if !self.carries_overdue(day) {
            return Ok(false);
        }
        let normal =
            |line: &&Line| !matches!(line.kind, LineKind::DownPayment | LineKind::Additional);
        let overdue: Vec<Line> = self
            .lines
            .iter()
            .filter(normal)
            .filter(|line| line.due_date < day && !line.is_settled())
            .cloned()
            .collect();
        let Some(last) = self.lines.iter().rfind(normal).cloned() else { return Ok(false) };
        // After the last due date there is no interest to come.
        if overdue.is_empty() || self.carried_to.is_some_and(|to| last.due_date <= to) {
            return Ok(false);
        }
        let current = self
            .lines
            .iter()
            .filter(normal)
            .find(|line| line.period_start < day && day <= line.due_date)
            .cloned()
            .unwrap_or_else(|| last.clone());
        let (mut previous, mut sum) = (Decimal::ZERO, Decimal::ZERO);
        for line in &overdue {
            if !previous.is_zero() {
                self.carry_into(day, line, previous, sum)?;
            }
            // What was carried may have changed what is due.
            let now = self.lines.iter().find(|one| one.number == line.number).unwrap_or(line);
            previous = now.outstanding_of(Component::Principal)?;
            sum = add(sum, previous)?;
        }
        if current.number != last.number || last.due_date >= day || last.is_settled() {
            self.carry_into(day, &current, previous, sum)?;
        }
        if last.due_date < day && !self.terms.servicing.recalculation.spare_overdue_principal {
            self.carried_to = Some(last.due_date);
        }
        Ok(true)
    }

    /// Overdue principal that bears interest up to the next due date, whenever it is paid, bears
    /// none after the day all principal is paid.
    pub(crate) fn stop_carrying(&mut self, on: NaiveDate) -> Result<(), ServicingError> {
        let Some(until) = self.carried_to.filter(|&until| on < until) else { return Ok(()) };
        if !self.is_recalculated() || self.outstanding()?.principal > Decimal::ZERO {
            return Ok(());
        }
        self.carried_to = Some(on);
        self.bear_nothing(on, until)
    }

    /// Principal paid ahead of its due date that bears interest up to it bears none after the day
    /// nothing is owed any more: that interest is paid, and nothing that is agreed later adds to it.
    pub(crate) fn stop_bearing(&mut self, on: NaiveDate) -> Result<(), ServicingError> {
        let end = self.model.as_ref().filter(|_| self.is_recalculated()).map(|model| model.end());
        if end.is_none_or(|end| end <= on) || !self.lines.iter().all(Line::is_settled) {
            return Ok(());
        }
        let modelled = |line: &&Line| line.is_modelled() && on < line.due_date;
        let due = self.lines.iter().find(modelled).map(|line| line.due_date);
        due.map_or(Ok(()), |due| self.bear_nothing(on, due))
    }

    /// Lets what the calculator has bear no interest between two days.
    fn bear_nothing(&mut self, on: NaiveDate, until: NaiveDate) -> Result<(), ServicingError> {
        let Some(model) = &mut self.model else { return Ok(()) };
        let borne = model.balance_within(until)?;
        if borne > Decimal::ZERO {
            model.add_balance_correction(on, decimal::sub(Decimal::ZERO, borne)?)?;
            model.add_balance_correction(until, borne)?;
        }
        self.follow_model(on)
    }

    /// Lets principal overdue from the line before bear interest in a line's period, up to a day.
    fn carry_into(
        &mut self,
        day: NaiveDate,
        line: &Line,
        overdue: Decimal,
        sum: Decimal,
    ) -> Result<(), ServicingError> {
        let terms = self.terms.servicing.recalculation;
        if terms.spare_overdue_principal || self.carried_to == Some(day) {
            return Ok(());
        }
        let from = match self.carried_to {
            Some(carried) if line.period_start <= carried => carried,
            _ => line.period_start,
        };
        let Some(model) = &mut self.model else { return Ok(()) };
        model.add_balance_correction(from, overdue)?;
        if line.period_start < day && day <= line.due_date {
            let until = match terms.interest {
                Recalculation::AtDueDates => line.due_date,
                Recalculation::Daily | Recalculation::None => day,
            };
            model.add_balance_correction(until, decimal::sub(Decimal::ZERO, sum)?)?;
            self.carried_to = Some(until);
        }
        self.adopt_model(|_| true)
    }
}

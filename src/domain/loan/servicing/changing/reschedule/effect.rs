//! How what is agreed anew takes effect: on the periods before anything is run, and on the lines and
//! the calculator of a progressive loan in value order.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::domain::calendar::add_days;
use crate::domain::decimal::{add, div, sub};
use crate::domain::loan::amendment::{Amendments, Move};
use crate::domain::loan::basis::Span;
use crate::domain::loan::plan::Plan;
use crate::domain::loan::servicing::state::amounts::Component;
use crate::domain::loan::servicing::state::line::{Line, LineKind};
use crate::domain::loan::servicing::state::loan::Loan;
use crate::domain::loan::servicing::state::refusal::ServicingError;
use crate::domain::loan::servicing::state::variation::{Change, Variation};
use crate::domain::loan::{ProgressiveModel, ScheduleError, ScheduleTerms};

impl Loan {
    /// Everything agreed anew, as far as the periods of a progressive loan of these terms are
    /// concerned.
    pub(crate) fn amendments(&self, terms: &ScheduleTerms) -> Result<Amendments, ServicingError> {
        let mut amendments = Amendments::default();
        for variation in self.variations.iter().filter(|one| one.active) {
            amend(terms, &mut amendments, variation)?;
        }
        Ok(amendments)
    }

    /// Lets a change of what is agreed take effect on a progressive loan. The lines of others have
    /// it from the beginning.
    pub(crate) fn vary(&mut self, at: usize) -> Result<(), ServicingError> {
        let Some(Variation { on, change, .. }) = self.variations.get(at).cloned() else {
            return Ok(());
        };
        let owed = self.lines.iter().any(|line| !line.is_settled());
        let Some(model) = &mut self.model else { return Ok(()) };
        match change {
            // A rate that was foreseen for after the end.
            Change::Rate(_) if model.end() < on => return Ok(()),
            Change::Rate(annual_rate) => {
                let first = add_days(model.start(), 1).map_err(ScheduleError::from)?;
                model.change_interest_rate(on.max(first), annual_rate)?;
            }
            Change::InterestPause(to) => model.pause_interest(on, to)?,
            Change::ExtraInstalments(extra) => self.add_instalments(on, extra)?,
            Change::PrincipalGrace(count) => self.spare_principal(on, count)?,
            Change::InterestGrace(count) => self.put_off_interest(on, count)?,
            _ => return Ok(()),
        }
        let follows = self.follows_payments();
        if !owed && !follows {
            // Of what was paid already nothing more is asked for.
            self.lines.iter_mut().try_for_each(|line| line.note_settlement(on))?;
        } else if self.bears_interest() {
            // Where the calculator knows what was paid, a larger instalment opens one that was
            // settled again, and one before the day takes what later ones are paid already; where
            // it does not, what is settled stays as it is.
            let wanted = |line: &Line| follows || (on <= line.due_date && !line.is_settled());
            self.adopt_anew(on, Decimal::ZERO, wanted)?;
        }
        // Of what is paid and settled nothing more is asked for.
        if owed { self.reprice_charges() } else { Ok(()) }
    }

    /// Shows what the calculator asks for in the lines that are wanted, once so much more is lent.
    /// Where it knows nothing of payments, an instalment asks for no less than was paid of it, and
    /// the last ones take the difference.
    pub(crate) fn adopt_anew(
        &mut self,
        on: NaiveDate,
        lent: Decimal,
        wanted: impl Fn(&Line) -> bool,
    ) -> Result<(), ServicingError> {
        if self.follows_payments() {
            self.adopt_model(wanted)?;
            return self.reopen_lines();
        }
        let asked = add(self.principal_asked()?, lent)?;
        self.adopt_model(&wanted)?;
        for line in self.lines.iter_mut().filter(|line| wanted(line)) {
            if !line.is_modelled() || (line.paid.is_zero() && line.waived.is_zero()) {
                continue;
            }
            for component in [Component::Principal, Component::Interest] {
                let missing = sub(Decimal::ZERO, line.outstanding_of(component)?)?;
                line.charged.add(component, missing.max(Decimal::ZERO))?;
            }
        }
        let mut rest = sub(asked, self.principal_asked()?)?;
        for settled in [false, true] {
            if rest.is_zero() {
                break;
            }
            for line in self.lines.iter_mut().rev() {
                let takes = line.is_modelled() && line.is_settled() == settled;
                if takes && wanted(line) {
                    let least = sub(Decimal::ZERO, line.outstanding_of(Component::Principal)?)?;
                    let more = rest.max(least);
                    line.charged.add(Component::Principal, more)?;
                    rest = sub(rest, more)?;
                }
            }
        }
        let wanted = self.lines.iter_mut().filter(|line| wanted(line));
        Ok(wanted.into_iter().try_for_each(|line| line.note_settlement(on))?)
    }

    /// The principal asked for in all.
    pub(crate) fn principal_asked(&self) -> Result<Decimal, ServicingError> {
        let principal = self.lines.iter().map(|line| line.charged.principal);
        Ok(principal.into_iter().try_fold(Decimal::ZERO, add)?)
    }

    /// Adds instalments at the end; what is left from a day on is spread over all from there.
    fn add_instalments(&mut self, on: NaiveDate, extra: u32) -> Result<(), ServicingError> {
        let spans = self.spans_to_come(extra)?;
        let principal = self.principal_from(on)?;
        if let Some(model) = &mut self.model {
            model.extend(&spans, on)?;
        }
        for span in &spans {
            self.lines.push(Line {
                period_start: span.start,
                due_date: span.due,
                ..Line::default()
            });
        }
        self.lines.sort_by_key(|line| line.due_date);
        self.number_lines();
        self.spread_from(on, principal, 0)
    }

    /// Lets so many instalments from a day on be without principal.
    fn spare_principal(&mut self, on: NaiveDate, count: u32) -> Result<(), ServicingError> {
        let principal = self.principal_from(on)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if let Some(model) = &mut self.model {
            model.spare_principal(on, count)?;
        }
        self.spread_from(on, principal, count)
    }

    /// Lets so many instalments from a day on ask for no interest. Where the calculator knows
    /// nothing of payments it is told what was paid of that interest, so that it is not asked for
    /// again.
    fn put_off_interest(&mut self, on: NaiveDate, count: u32) -> Result<(), ServicingError> {
        let follows = self.follows_payments();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let Some(model) = &mut self.model else { return Ok(()) };
        let mut paid = Vec::new();
        let known = |line: &&Line| line.is_modelled() && model.has_due(line.due_date);
        for line in self.lines.iter().filter(|_| !follows).filter(known) {
            let had = add(line.paid.interest, line.waived.interest)?;
            paid.push((line.due_date, sub(had, line.credited.interest)?.max(Decimal::ZERO)));
        }
        Ok(model.put_off_interest(on, count, &paid)?)
    }

    /// The periods of instalments that are added to those the calculator has.
    fn spans_to_come(&self, extra: u32) -> Result<Vec<Span>, ServicingError> {
        let terms = self.terms_as_lent();
        let amendments = self.amendments(&terms)?;
        let plan = Plan::amended(&amendments.terms(&terms), &amendments)?;
        let known = self.model.as_ref().map_or(0, ProgressiveModel::period_count);
        let extra = usize::try_from(extra).unwrap_or(usize::MAX);
        Ok(plan.periods.iter().skip(known).take(extra).map(|period| period.span).collect())
    }

    /// Of a loan without interest, the principal of the instalments due from a day on, asked for
    /// no more.
    fn principal_from(&mut self, on: NaiveDate) -> Result<Decimal, ServicingError> {
        if self.bears_interest() {
            return Ok(Decimal::ZERO);
        }
        self.clear_principal(on, |line| on <= line.due_date && line.kind == LineKind::Instalment)
    }

    /// Asks for principal of a loan without interest in the instalments due from a day on, but for
    /// the first ones.
    fn spread_from(
        &mut self,
        on: NaiveDate,
        principal: Decimal,
        spared: usize,
    ) -> Result<(), ServicingError> {
        if self.bears_interest() {
            return Ok(());
        }
        let mut later: Vec<usize> = (0..self.lines.len())
            .filter(|&at| {
                let line = self.lines.get(at);
                line.is_some_and(|line| on <= line.due_date && line.kind == LineKind::Instalment)
            })
            .collect();
        later.drain(..spared.min(later.len().saturating_sub(1)));
        let part = div(principal, Decimal::from(later.len().max(1)))?;
        let part = self.instalment_part(part)?;
        let mut rest = principal;
        for (number, &at) in (1..).zip(&later) {
            let more = if number == later.len() { rest } else { part };
            if let Some(line) = self.lines.get_mut(at) {
                line.charged.add(Component::Principal, more)?;
                line.note_settlement(on)?;
            }
            rest = sub(rest, more)?;
        }
        Ok(())
    }
}

/// Adds a variation to what was agreed anew before it.
fn amend(
    terms: &ScheduleTerms,
    amendments: &mut Amendments,
    variation: &Variation,
) -> Result<(), ServicingError> {
    let on = variation.on;
    let plan = || Plan::amended(&amendments.terms(terms), amendments);
    let first = |wanted: &dyn Fn(NaiveDate) -> bool| {
        let found = plan()?.periods.iter().position(|period| wanted(period.due));
        found.ok_or_else(|| ServicingError::BadDate {
            on,
            reason: "No instalment is due to which a change counts.".into(),
        })
    };
    match variation.change {
        Change::DueDate(to) => {
            let at = first(&|due| due == on)?;
            amendments.moves.push((at, Move::To(to)));
        }
        Change::Holiday(to) => {
            let at = first(&|due| on <= due && due <= to)?;
            amendments.moves.push((at, Move::After(to)));
        }
        Change::Skip => {
            let at = first(&|due| due == on)?;
            amendments.moves.push((at, Move::After(on)));
        }
        Change::ExtraInstalments(extra) => {
            amendments.extra = amendments.extra.saturating_add(extra);
        }
        Change::PrincipalGrace(_)
        | Change::InterestGrace(_)
        | Change::Rate(_)
        | Change::InterestPause(_)
        | Change::DelinquencyPause(_) => {}
    }
    Ok(())
}

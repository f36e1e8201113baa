//! Interest earned: of periods that are over what is asked for, of the current one by the day.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Earned, Reach};
use crate::domain::decimal::{add, div, mul, sub};
use crate::domain::loan::ProgressiveModel;
use crate::domain::loan::amendment::{Pause, days_borne};
use crate::domain::loan::servicing::state::line::{Line, LineKind};
use crate::domain::loan::servicing::state::loan::Loan;
use crate::domain::loan::servicing::state::refusal::ServicingError;
use crate::domain::loan::servicing::state::transaction::{Transaction, TransactionKind};
use crate::domain::loan::servicing::state::variation::{Change, Variation};
use crate::domain::loan::terms::YearEnd;

/// Interest earned up to a day, and how much of it was recognised. Amounts are in currency units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccruedInterest {
    /// Earned up to the day, what was forgiven taken off.
    pub earned: Decimal,
    /// Recognised as income, for days until then.
    pub recognised: Decimal,
    /// Earned and not recognised; negative where more was recognised than is earned.
    pub unrecognised: Decimal,
}

impl Loan {
    /// Interest earned up to a day, and what of it was recognised for days until then. Interest of
    /// a loan that was charged off is earned and not recognised.
    ///
    /// # Errors
    /// [`ServicingError`] for amounts beyond the exact range.
    pub fn accrued_interest(&self, on: NaiveDate) -> Result<AccruedInterest, ServicingError> {
        let recognised = self.interest_recognised(on)?;
        let mut earned = Decimal::ZERO;
        if self.is_lent() {
            let until = self.end_of_lines().map_or(on, |end| on.min(end));
            let met = self.is_met() && self.met_on() <= on;
            let reach = if met { Reach::Everything } else { Reach::ToDay };
            for line in self.earned(until, reach)? {
                earned = add(earned, line.interest)?;
            }
        }
        Ok(AccruedInterest { earned, recognised, unrecognised: sub(earned, recognised)? })
    }

    /// Whether a day's interest is earned as the day begins, in place of as it ends.
    pub(super) fn earns_at_dawn(&self) -> bool {
        self.terms.schedule.interest.year_end == YearEnd::January1
    }

    /// Interest recognised by accruals for days until one, adjustments taken off.
    fn interest_recognised(&self, until: NaiveDate) -> Result<Decimal, ServicingError> {
        let mut sum = Decimal::ZERO;
        for one in self.accruals().filter(|one| one.on <= until) {
            sum = match one.kind {
                TransactionKind::Accrual => add(sum, one.portions.interest)?,
                _ => sub(sum, one.portions.interest)?,
            };
        }
        Ok(sum)
    }

    /// Adds interest earned up to a day, and what of it was recognised, to each line.
    pub(super) fn add_interest(
        &self,
        earned: &mut [Earned],
        until: NaiveDate,
        reach: Reach,
    ) -> Result<(), ServicingError> {
        self.add_interest_by_line(earned, until, reach)?;
        for line in self.lines.iter().filter(|line| line.is_forgiven_for_others()) {
            self.forgive_for_others(line, earned, until, reach)?;
        }
        Ok(())
    }

    /// Takes what was forgiven of a line beyond the interest of its own period off the periods that
    /// bore it.
    fn forgive_for_others(
        &self,
        line: &Line,
        earned: &mut [Earned],
        until: NaiveDate,
        reach: Reach,
    ) -> Result<(), ServicingError> {
        let waived = Waivers::default().of(self, line, until)?.0;
        let own = self.interest_reached(line, until, reach)?;
        let most = sub(waived, own)?.min(line.carried_over);
        let mut left = most.max(Decimal::ZERO);
        for one in earned.iter_mut().rev().filter(|one| one.due_date < line.due_date) {
            let part = left.min(one.interest).max(Decimal::ZERO);
            one.forgive(part)?;
            one.interest = sub(one.interest, part)?;
            left = sub(left, part)?;
        }
        let part = sub(left, most.max(Decimal::ZERO))?;
        let of_line = |one: &&mut Earned| one.number == line.number;
        earned.iter_mut().find(of_line).map_or(Ok(()), |one| one.forgive(part))
    }

    /// Interest of a line's period as far as a recognition looks.
    fn interest_reached(
        &self,
        line: &Line,
        until: NaiveDate,
        reach: Reach,
    ) -> Result<Decimal, ServicingError> {
        match reach {
            Reach::Everything => Ok(line.interest_borne()?),
            Reach::ToDay => self.interest_of(line, until),
        }
    }

    /// The same, each line for itself.
    fn add_interest_by_line(
        &self,
        earned: &mut [Earned],
        until: NaiveDate,
        reach: Reach,
    ) -> Result<(), ServicingError> {
        let mut waivers = Waivers::default();
        let mut left = if self.is_progressive() {
            self.interest_recognised(NaiveDate::MAX)?
        } else {
            Decimal::ZERO
        };
        for one in earned {
            let Some(line) = self.lines.get(one.at) else { continue };
            if line.kind == LineKind::Additional {
                continue;
            }
            let interest = self.interest_reached(line, until, reach)?;
            let waived = if interest.is_zero() {
                Decimal::ZERO
            } else {
                let (waived, accounted) = waivers.of(self, line, until)?;
                one.interest = sub(interest, waived)?.max(Decimal::ZERO);
                accounted
            };
            let recognised = if self.is_progressive() {
                // What earlier lines do not account for is the current one's.
                let current = line.period_start < until && until <= line.due_date;
                let part = if current { left } else { left.min(line.accrued.interest) };
                left = sub(left, part)?.max(Decimal::ZERO);
                part
            } else if until >= line.due_date {
                line.accrued.interest
            } else {
                self.accrued_within(line)?
            };
            one.interest_recognised = sub(recognised, waived)?;
            one.interest_forgiven = waived;
        }
        Ok(())
    }

    /// Interest accruals dated within a line's period.
    fn accrued_within(&self, line: &Line) -> Result<Decimal, ServicingError> {
        let within = |one: &&Transaction| {
            one.kind == TransactionKind::Accrual
                && line.period_start < one.on
                && one.on <= line.due_date
        };
        let mut sum = Decimal::ZERO;
        for one in self.accruals().filter(within) {
            sum = add(sum, one.portions.interest)?;
        }
        Ok(sum)
    }

    /// Interest a line bears up to a day.
    pub(super) fn interest_of(
        &self,
        line: &Line,
        until: NaiveDate,
    ) -> Result<Decimal, ServicingError> {
        if until > line.due_date {
            return Ok(line.interest_borne()?);
        }
        if until <= line.period_start || line.kind == LineKind::DownPayment {
            return Ok(Decimal::ZERO);
        }
        // The calculator does not know the line of a contract that ended before its time.
        let known = |model: &&ProgressiveModel| model.has_due(line.due_date);
        match self.model.as_ref().filter(known) {
            Some(model) if self.bears_interest() => self.modelled_interest(model, line, until),
            Some(_) => Ok(Decimal::ZERO),
            None => self.share_of_days(line, until),
        }
    }

    /// Interest of a line up to a day by the calculator, overdue principal carried up to that day.
    fn modelled_interest(
        &self,
        model: &ProgressiveModel,
        line: &Line,
        until: NaiveDate,
    ) -> Result<Decimal, ServicingError> {
        let overdue = |line: &Line| line.due_date < until && !line.is_settled();
        let carried = self.carried_to.is_some_and(|carried| until <= carried);
        if !self.follows_payments() || carried || !self.lines.iter().any(overdue) {
            return Ok(model.interest_until(line.due_date, until, false)?);
        }
        let mut seen = self.clone();
        if let Some(bare) = seen.bare.take() {
            (seen.lines, seen.model, seen.carried_to) = *bare;
        }
        seen.recalculate_to(until)?;
        let model = seen.model.as_ref().unwrap_or(model);
        Ok(model.interest_until(line.due_date, until, false)?)
    }

    /// The days on which a fixed loan bears no interest.
    pub(super) fn interest_pauses(&self) -> Vec<Pause> {
        let paused = |one: &Variation| match one.change {
            Change::InterestPause(last) if one.active => {
                Some(Pause { evening: one.on.pred_opt().unwrap_or(one.on), last })
            }
            _ => None,
        };
        self.variations.iter().filter_map(paused).collect()
    }

    /// Interest of a line in proportion to the days that have passed and bear any.
    pub(super) fn share_of_days(
        &self,
        line: &Line,
        until: NaiveDate,
    ) -> Result<Decimal, ServicingError> {
        let pauses = self.interest_pauses();
        let start = line.period_start;
        let whole = days_borne(&pauses, start, line.due_date);
        let part = days_borne(&pauses, start, until.max(start));
        if part <= 0 || whole <= 0 {
            return Ok(Decimal::ZERO);
        }
        let borne = line.interest_borne()?;
        if part >= whole {
            return Ok(borne);
        }
        let share = mul(borne, Decimal::from(part))?;
        self.round(div(share, Decimal::from(whole))?)
    }
}

/// Interest forgiven before it was recognised, line by line.
#[derive(Debug, Default)]
pub(super) struct Waivers {
    /// Unrecognised, of the lines before.
    spent: Decimal,
}

impl Waivers {
    /// What of a line's interest was forgiven up to a day, and what of that by transactions that
    /// are divided among lines.
    pub(super) fn of(
        &mut self,
        loan: &Loan,
        line: &Line,
        until: NaiveDate,
    ) -> Result<(Decimal, Decimal), ServicingError> {
        if line.waived.interest.is_zero() {
            return Ok((Decimal::ZERO, Decimal::ZERO));
        }
        let (mut accounted, mut unrecognised) = (Decimal::ZERO, Decimal::ZERO);
        let waives = |one: &&Transaction| {
            one.stands() && one.kind == TransactionKind::InterestWaiver && one.on <= until
        };
        for one in loan.transactions.iter().filter(waives) {
            for part in one.allocations.iter().filter(|part| part.due_date == line.due_date) {
                accounted = add(accounted, part.amounts.interest)?;
            }
            if one.on <= line.due_date {
                unrecognised = add(unrecognised, sub(one.amount, one.portions.interest)?)?;
            }
        }
        let open = sub(unrecognised, self.spent)?.max(Decimal::ZERO);
        let rest = sub(line.waived.interest, accounted)?.max(Decimal::ZERO);
        let unrecognised = open.min(rest);
        self.spent = add(self.spent, unrecognised)?;
        let waived = if until > line.due_date {
            line.waived.interest
        } else {
            add(accounted, unrecognised)?
        };
        Ok((waived, accounted))
    }
}

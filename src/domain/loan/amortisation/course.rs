//! What happens to a balance between two instalments: money is lent, rates change, interest
//! accrues.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::domain::decimal;
use crate::domain::loan::ScheduleError;
use crate::domain::loan::amendment::{Pause, days_borne};
use crate::domain::loan::basis::{Basis, Charge, Factors, Span, days, regular_units};
use crate::domain::loan::context::{Context, amount};
use crate::domain::loan::plan::Plan;
use crate::domain::loan::terms::{RateCourse, RoundingFamily, ScheduleTerms};

/// An amount lent, without the part paid back the same day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tranche {
    pub(crate) on: NaiveDate,
    pub(crate) amount: Decimal,
}

/// A stretch of a period over which balance and rate are constant.
#[derive(Clone, Copy, Debug)]
struct Piece {
    charge: Charge,
    /// Its part in the factor from which instalments are solved.
    factor: Decimal,
    /// Lent at its end.
    lent: Decimal,
}

/// A period seen as the stretches it is made of.
#[derive(Clone, Debug)]
pub(crate) struct Accrual {
    pieces: Vec<Piece>,
}

impl Accrual {
    /// What is lent within the period.
    pub(crate) fn lent(&self) -> Result<Decimal, ScheduleError> {
        let mut sum = Decimal::ZERO;
        for piece in &self.pieces {
            sum = decimal::add(sum, piece.lent)?;
        }
        Ok(sum)
    }

    /// The factor of the whole period for solving instalments.
    pub(crate) fn factor(&self) -> Result<Decimal, ScheduleError> {
        let mut sum = Decimal::ZERO;
        for piece in &self.pieces {
            sum = decimal::add(sum, piece.factor)?;
        }
        Ok(sum)
    }

    /// The interest of the period on the balance it opens with.
    ///
    /// The progressive family rounds the sum of the stretches, the cumulative one each stretch.
    pub(crate) fn interest(
        &self,
        opening: Decimal,
        money: &Money,
    ) -> Result<Decimal, ScheduleError> {
        if let [only] = self.pieces.as_slice()
            && let Some(interest) = money.plain_interest(opening, &only.charge)?
        {
            return Ok(interest);
        }
        let (mut sum, mut balance) = (Decimal::ZERO, opening);
        for piece in &self.pieces {
            let interest = piece.charge.interest(balance, money.context)?;
            sum = decimal::add(sum, money.of_stretch(interest)?)?;
            balance = decimal::add(balance, piece.lent)?;
        }
        money.round(sum)
    }
}

/// The periods from one on as they look when it is reached: what is lent in it is known, later
/// tranches and rates are not. In the cumulative family all tranches are known.
pub(crate) struct Outlook {
    pub(crate) from: usize,
    accruals: Vec<Accrual>,
}

impl Outlook {
    /// A period, counted from the start of the loan.
    pub(crate) fn accrual(&self, period: usize) -> Option<&Accrual> {
        period.checked_sub(self.from).and_then(|offset| self.accruals.get(offset))
    }

    /// One past the last period.
    pub(crate) fn end(&self) -> usize {
        self.from + self.accruals.len()
    }
}

/// How amounts of a loan are rounded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Money {
    pub(crate) context: Context,
    family: RoundingFamily,
    minor_units: u32,
}

impl Money {
    pub(crate) fn of(terms: &ScheduleTerms) -> Self {
        Self {
            context: Context::of(&terms.rounding),
            family: terms.rounding.family,
            minor_units: terms.rounding.minor_units,
        }
    }

    /// An amount in the family's rounding: to the minor unit, or not at all.
    pub(crate) fn round(&self, amount: Decimal) -> Result<Decimal, ScheduleError> {
        Ok(match self.family {
            RoundingFamily::None => amount,
            _ => self.context.fixed(amount, self.minor_units)?,
        })
    }

    /// The rounded interest of a charge for the whole of its days, where no rounding on the way
    /// matters: the short way to most periods.
    fn plain_interest(
        &self,
        balance: Decimal,
        charge: &Charge,
    ) -> Result<Option<Decimal>, ScheduleError> {
        if self.family == RoundingFamily::None || charge.part != charge.whole {
            return Ok(None);
        }
        let minor = self.context.minor(balance, self.minor_units)?;
        match self.context.certain_product(minor, charge.factor) {
            Some(interest) => Ok(Some(amount(interest, self.minor_units)?)),
            None => Ok(None),
        }
    }

    fn of_stretch(&self, interest: Decimal) -> Result<Decimal, ScheduleError> {
        match self.family {
            RoundingFamily::Cumulative => self.round(interest),
            _ => Ok(interest),
        }
    }

    /// The smallest amount there is; for unrounded terms one too small to matter.
    pub(crate) fn unit(&self) -> Decimal {
        match self.family {
            RoundingFamily::None => Decimal::new(1, 12),
            _ => Decimal::new(1, self.minor_units),
        }
    }
}

/// The periods of a loan with what happens in them.
pub(crate) struct Course<'a> {
    plan: &'a Plan,
    tranches: Vec<Tranche>,
    rates: RateCourse,
    basis: Basis<'a>,
    factors: Factors<'a>,
    family: RoundingFamily,
    interest_from: Option<NaiveDate>,
    pauses: Vec<Pause>,
}

impl<'a> Course<'a> {
    pub(crate) fn new(
        terms: &ScheduleTerms,
        plan: &'a Plan,
        rates: RateCourse,
        tranches: Vec<Tranche>,
    ) -> Self {
        let basis = Basis {
            context: Context::of(&terms.rounding),
            interest: terms.interest,
            frequency: terms.frequency,
            whole: plan.whole(),
        };
        Self {
            plan,
            tranches,
            rates,
            basis,
            factors: Factors::new(basis),
            family: terms.rounding.family,
            interest_from: terms.grace.interest_from,
            pauses: Vec::new(),
        }
    }

    /// The same with days on which no interest is borne. Instalments are solved as if they bore it.
    pub(crate) fn pausing(self, pauses: &[Pause]) -> Self {
        Self { pauses: pauses.to_vec(), ..self }
    }

    pub(crate) fn len(&self) -> usize {
        self.plan.periods.len()
    }

    fn span(&self, period: usize) -> Option<Span> {
        self.plan.periods.get(period).map(|planned| planned.span)
    }

    /// How many rate changes are known once a period is reached.
    fn rates_known(&self, period: usize) -> usize {
        let due = self.span(period).map_or(NaiveDate::MAX, |span| span.due);
        self.rates.changes.partition_point(|change| change.evening < due)
    }

    /// Whether the rate changes in a period.
    pub(crate) fn rate_turns(&self, period: usize) -> bool {
        let before = period.checked_sub(1).map_or(0, |before| self.rates_known(before));
        self.rates_known(period) > before
    }

    /// Whether money is lent in a period.
    pub(crate) fn lends(&self, period: usize) -> bool {
        self.span(period)
            .is_some_and(|span| self.tranches.iter().any(|one| self.takes(period, &span, one.on)))
    }

    /// Whether money lent on a day counts with a period. On a due date it counts with the period
    /// that begins; in the cumulative family with the one that ends, whose instalment repays a
    /// part of it already.
    fn takes(&self, period: usize, span: &Span, on: NaiveDate) -> bool {
        match self.family {
            RoundingFamily::Cumulative => on <= span.due && (period == 0 || span.start < on),
            _ => span.start <= on && on < span.due,
        }
    }

    /// The view from a period on.
    pub(crate) fn outlook(&mut self, from: usize) -> Result<Outlook, ScheduleError> {
        let known = self.rates_known(from);
        let all_tranches = self.family == RoundingFamily::Cumulative;
        let mut accruals = Vec::with_capacity(self.len().saturating_sub(from));
        for period in from..self.len() {
            accruals.push(self.accrual(period, known, all_tranches || period == from, false)?);
        }
        Ok(Outlook { from, accruals })
    }

    /// A period of the view from another one without the interest of paused days; nothing where
    /// none are in it.
    pub(crate) fn paused(
        &mut self,
        period: usize,
        from: usize,
    ) -> Result<Option<Accrual>, ScheduleError> {
        if self.borne(period).is_none() {
            return Ok(None);
        }
        let known = self.rates_known(from);
        let with_tranches = self.family == RoundingFamily::Cumulative || period == from;
        self.accrual(period, known, with_tranches, true).map(Some)
    }

    /// The days of a period that bear interest, and all its days, where some are paused.
    pub(crate) fn borne(&self, period: usize) -> Option<(i64, i64)> {
        let span = self.span(period)?;
        let borne = days_borne(&self.pauses, span.start, span.due);
        let all = days(span.start, span.due);
        (borne < all).then_some((borne, all))
    }

    /// The interest of a period on a balance that changes within it.
    pub(crate) fn interest(
        &mut self,
        period: usize,
        opening: Decimal,
        changes: Vec<Tranche>,
        money: &Money,
    ) -> Result<Decimal, ScheduleError> {
        self.tranches = changes;
        self.tranches.sort_by_key(|change| change.on);
        let known = self.rates_known(period);
        let interest = self.accrual(period, known, true, true)?.interest(opening, money);
        self.tranches.clear();
        interest
    }

    /// The interest of a balance between two dates after the last period.
    pub(crate) fn interest_between(
        &mut self,
        from: NaiveDate,
        until: NaiveDate,
        balance: Decimal,
        money: &Money,
    ) -> Result<Decimal, ScheduleError> {
        let units = self.plan.measure.units(from, until)?;
        let span = Span { start: from, due: until, units };
        let rate = self.rates.on(from, self.rates.changes.len());
        let mut pauses = self.pauses.clone();
        pauses.retain(|pause| pause.touches(from, until));
        pauses.sort_by_key(|pause| pause.evening);
        let (mut sum, mut start) = (Decimal::ZERO, from);
        for (end, next) in pauses.iter().map(|one| (one.evening, one.last)).chain([(until, until)])
        {
            if start < end {
                let (charge, _) = self.bear(rate, &span, start, end)?;
                sum = decimal::add(sum, charge.interest(balance, money.context)?)?;
            }
            start = next;
        }
        money.round(sum)
    }

    /// A period as it is known when `known` rate changes are, with its tranches or without, and with
    /// pauses or as if all days bore interest.
    fn accrual(
        &mut self,
        period: usize,
        known: usize,
        with_tranches: bool,
        with_pauses: bool,
    ) -> Result<Accrual, ScheduleError> {
        let Some(span) = self.span(period) else { return Ok(Accrual { pieces: Vec::new() }) };
        let mut ends = self.boundaries(period, &span, known, with_tranches);
        let pauses = if with_pauses { self.pauses.clone() } else { Vec::new() };
        let evenings = pauses.iter().flat_map(|pause| [pause.evening, pause.last]);
        let inside = evenings.filter(|on| span.start < *on && *on < span.due);
        ends.extend(inside.map(|on| (on, Decimal::ZERO)));
        ends.sort_by_key(|(evening, _)| *evening);
        let mut pieces = Vec::with_capacity(ends.len() + 1);
        let mut from = span.start;
        for (until, lent) in ends.into_iter().chain([(span.due, Decimal::ZERO)]) {
            let paused = pauses.iter().any(|pause| pause.evening <= from && from < pause.last);
            let free = paused || self.interest_from.is_some_and(|first| from < first);
            let rate = if free { Decimal::ZERO } else { self.rates.on(from, known) };
            let (charge, factor) = self.bear(rate, &span, from, until)?;
            pieces.push(Piece { charge, factor, lent });
            from = until;
        }
        Ok(Accrual { pieces })
    }

    /// The evenings within a period at which something changes, with what is lent then.
    fn boundaries(
        &self,
        period: usize,
        span: &Span,
        known: usize,
        with_tranches: bool,
    ) -> Vec<(NaiveDate, Decimal)> {
        let inside = |on: &NaiveDate| span.start < *on && *on < span.due;
        let changes = self.rates.changes.get(..known).unwrap_or_default();
        let mut ends: Vec<(NaiveDate, Decimal)> = changes
            .iter()
            .map(|change| change.evening)
            .chain(self.interest_from)
            .filter(inside)
            .map(|evening| (evening, Decimal::ZERO))
            .collect();
        if with_tranches {
            let lent = |tranche: &&Tranche| self.takes(period, span, tranche.on);
            ends.extend(self.tranches.iter().filter(lent).map(|one| (one.on, one.amount)));
        }
        ends.sort_by_key(|(evening, _)| *evening);
        ends
    }

    /// What a stretch bears, and its part in the factor for solving.
    fn bear(
        &mut self,
        rate: Decimal,
        span: &Span,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<(Charge, Decimal), ScheduleError> {
        match self.family {
            RoundingFamily::Progressive => {
                let regular = regular_units(self.basis.frequency);
                let charge = self.factors.charge(rate, span, from, until)?;
                Ok((charge, self.factors.factor(rate, span, regular, from, until)?))
            }
            RoundingFamily::None => {
                let factor = self.factors.factor(rate, span, span.units, from, until)?;
                Ok((Charge::exactly(factor), factor))
            }
            RoundingFamily::Cumulative => {
                let measure = &self.plan.measure;
                let factor = self.basis.periodic_rate(rate, measure, span, from, until)?;
                let level = if from < until && until == span.due {
                    self.basis.regular_rate(rate)?
                } else {
                    Decimal::ZERO
                };
                Ok((Charge::exactly(factor), level))
            }
        }
    }
}

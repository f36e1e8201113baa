//! Level schedules in machine integers: the same cents as the exact arithmetic, at the speed of one
//! multiplication a row.
//!
//! Most loans are plain: lent at once, one rate, equal instalments. Theirs is a recurrence,
//! `balance - (instalment - round(balance × factor))`, over whole minor units. The factor is taken to a binary fraction of
//! 64 bits, so interest is the upper half of a 64 x 64 bit product. That product is off by a known
//! amount; where the rounding could go either way within it, the row is decided by the exact
//! arithmetic instead. So every row is exact, and nearly every row is fast. The instalment is found
//! in floating point with a bound on its error; where that bound leaves two answers, and for terms
//! that are not plain, the general engine has the loan.

#[cfg(test)]
mod tests;

use rust_decimal::Decimal;

use super::ScheduleError;
use super::basis::{Basis, Charge, Factors, Span, Whole, regular_units};
use super::context::Context;
use super::kernel::{FixedFactor, Rounder};
use super::terms::{DaysInYear, DueDates, Levelling, ScheduleTerms};
use crate::domain::calendar::civil::{date_of, day_number};
use crate::domain::calendar::{Recurrence, RollRule};
use crate::domain::decimal::to_f64;
use crate::domain::money::{RoundingMode, round_to_multiple};

pub use super::kernel::{LevelRow, level_rows};

/// A level schedule in minor units and day numbers, kept to be filled again for the next loan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LevelSchedule {
    /// What is due, in order.
    pub rows: Vec<LevelRow>,
    /// The day each row is due, as days from 1970-01-01.
    pub due: Vec<i32>,
    /// The day the loan is lent, likewise.
    pub start: i32,
    /// The amount lent, in minor units.
    pub principal: i64,
    /// The instalment of all rows but the last, in minor units.
    pub instalment: i64,
    /// Decimals of the minor unit.
    pub minor_units: u32,
    factors: Vec<FixedFactor>,
    tried: Vec<LevelRow>,
}

/// Relative error of the instalment in floating point, some hundred times what is seen.
const INSTALMENT_ERROR: f64 = 1e-12;
/// Part of a minor unit below which the general engine takes a solved instalment for noise.
const NOISE: f64 = 1e-6;
/// Most rounds of smoothing, as in the general engine.
const SMOOTHING_MAX: u32 = 3;

/// The schedule of plain terms, into `found`; false if the terms are not plain, or the loan is one
/// of the few that only the general engine can decide.
///
/// # Errors
/// As [`super::schedule`], whose rows these are to the last minor unit.
pub fn level_schedule(
    terms: &ScheduleTerms,
    found: &mut LevelSchedule,
) -> Result<bool, ScheduleError> {
    terms.validate().map_err(ScheduleError::Terms)?;
    if !is_plain(terms) {
        return Ok(false);
    }
    found.minor_units = terms.rounding.minor_units;
    let Some(principal) = whole_minor_units(terms.principal, found.minor_units) else {
        return Ok(false);
    };
    found.principal = principal;
    if !dates(terms, found)? {
        return Ok(false);
    }
    let Some(charges) = Charges::of(terms, found)? else { return Ok(false) };
    Ok(charges.solve(terms, found).is_some())
}

/// Whether the loan is lent at once, bears one rate over regular periods and is repaid in equal
/// instalments.
fn is_plain(terms: &ScheduleTerms) -> bool {
    let dates = DueDates { roll: terms.due_dates.roll, ..DueDates::default() };
    terms.is_plain_progressive()
        && terms.grace.principal == 0
        && terms.instalment.is_none()
        && terms.down_payment.is_none()
        && terms.disbursements.is_empty()
        && terms.rate_changes.is_empty()
        && terms.index.is_none()
        && terms.fees.is_empty()
        && terms.starts_on.is_none()
        && terms.first_due_on.is_none()
        && terms.last_due_on.is_none()
        && terms.due_dates == dates
        // The first period up to an n-th weekday is an odd one.
        && !matches!(terms.due_dates.roll, RollRule::NthWeekday { .. })
        && terms.interest.day_count.is_none()
        && terms.interest.days_in_year != DaysInYear::Actual
        && terms.rounding.levelling() != Levelling::Remainder
        && (terms.frequency.months().is_some() || terms.frequency.days().is_some())
}

fn whole_minor_units(amount: Decimal, minor_units: u32) -> Option<i64> {
    let mut scaled = amount;
    scaled.rescale(minor_units);
    (scaled == amount).then(|| i64::try_from(scaled.mantissa()).ok()).flatten()
}

/// Fills the due dates; false if the calendar ends before the loan.
fn dates(terms: &ScheduleTerms, found: &mut LevelSchedule) -> Result<bool, ScheduleError> {
    let series = Recurrence::new(terms.disbursed_on, terms.frequency, terms.due_dates.roll)?;
    // Refuses a loan that outlives the calendar.
    series.day_number(i64::from(terms.instalments))?;
    found.start = day_number(terms.disbursed_on);
    found.due.clear();
    let count = usize::try_from(terms.instalments).unwrap_or_default();
    found.due.extend(series.day_numbers().take(count));
    Ok(found.due.len() == count)
}

/// What the periods of a loan bear: one charge for each length in days, and which of them each
/// period has.
struct Charges {
    context: Context,
    distinct: Vec<Distinct>,
    of_period: Vec<u8>,
}

struct Distinct {
    days: i32,
    charge: Charge,
    fixed: FixedFactor,
    factor: f64,
}

impl Charges {
    /// Fills the kernel's factors too; `None` where one of them is too large for it.
    fn of(terms: &ScheduleTerms, found: &mut LevelSchedule) -> Result<Option<Self>, ScheduleError> {
        let context = Context::of(&terms.rounding);
        let end = found.due.last().copied().map_or(Ok(terms.disbursed_on), date_of)?;
        let whole = Whole { start: terms.disbursed_on, end, end_of_month: false, calendar: None };
        let basis = Basis { context, interest: terms.interest, frequency: terms.frequency, whole };
        let mut factors = Factors::new(basis);
        let mut distinct: Vec<Distinct> = Vec::with_capacity(4);
        let mut of_period = Vec::with_capacity(found.due.len());
        found.factors.clear();
        let mut from = found.start;
        for &due in &found.due {
            let days = due - from;
            let at = match distinct.iter().position(|one| one.days == days) {
                Some(at) => at,
                None => {
                    let span = Span {
                        start: date_of(from)?,
                        due: date_of(due)?,
                        units: regular_units(terms.frequency),
                    };
                    let charge = factors.charge(terms.annual_rate, &span, span.start, span.due)?;
                    let (mantissa, scale) = (charge.factor.mantissa(), charge.factor.scale());
                    let Some(fixed) = FixedFactor::new(mantissa, scale) else { return Ok(None) };
                    let factor = to_f64(charge.factor);
                    distinct.push(Distinct { days, charge, fixed, factor });
                    distinct.len() - 1
                }
            };
            let Some(one) = distinct.get(at) else { return Ok(None) };
            found.factors.push(one.fixed);
            of_period.push(at as u8);
            from = due;
        }
        Ok((distinct.len() <= usize::from(u8::MAX)).then_some(Self {
            context,
            distinct,
            of_period,
        }))
    }

    /// The instalment per unit lent: what a unit grows to over what payments of one grow to.
    fn level_share(&self) -> f64 {
        let periods = self.of_period.len() as f64;
        // Where months count thirty days the factors do not differ, whatever the periods' lengths.
        let first = self.distinct.first().map_or(0.0, |one| one.factor);
        if self.distinct.iter().all(|one| one.factor == first) {
            return match first {
                0.0 => 1.0 / periods,
                factor => factor / -libm::expm1(-periods * libm::log1p(factor)),
            };
        }
        let (mut growth, mut payments) = (1.0, 0.0);
        for &at in &self.of_period {
            let grown = 1.0 + self.distinct.get(usize::from(at)).map_or(0.0, |one| one.factor);
            growth *= grown;
            payments = payments * grown + 1.0;
        }
        growth / payments
    }

    /// The interest of a period on a balance by the exact arithmetic.
    fn exact(&self, index: usize, balance: i64) -> Option<i64> {
        let at = usize::from(*self.of_period.get(index)?);
        let charge = self.distinct.get(at)?.charge;
        let interest = charge.interest(Decimal::from(balance), self.context).ok()?;
        i64::try_from(self.context.minor(interest, 0).ok()?).ok()
    }

    /// Solves the instalment and runs it, smoothed as the general engine smooths; `None` where
    /// floating point cannot tell the instalment or the loan does not amortise.
    fn solve(&self, terms: &ScheduleTerms, found: &mut LevelSchedule) -> Option<()> {
        let rounding = &terms.rounding;
        let rounder = Rounder::new(rounding.mode, rounding.precision);
        let principal = found.principal;
        let run = |instalment: i64, factors: &[FixedFactor], rows: &mut Vec<LevelRow>| {
            level_rows(principal, instalment, factors, rounder, |at, b| self.exact(at, b), rows)
        };
        let count = self.of_period.len() as i64;
        let digits = i32::try_from(rounding.precision).unwrap_or(i32::MAX);
        let error = INSTALMENT_ERROR + 8.0 * count as f64 * 10f64.powi(-digits);
        let exact = found.principal as f64 * self.level_share();
        let mut instalment = rounded(terms, exact, exact * error)?;
        run(instalment, &found.factors, &mut found.rows)?;
        let gap_of =
            |rows: &[LevelRow], instalment: i64| rows.last().map(|row| row.total - instalment);
        let level = count > 1 && rounding.levelling() == Levelling::Smooth;
        let rounds = if level { SMOOTHING_MAX } else { 0 };
        for _ in 0..rounds {
            let gap = gap_of(&found.rows, instalment)?;
            if gap.abs() <= count / 2 {
                break;
            }
            let share = self.context.div(Decimal::from(gap), Decimal::from(count)).ok()?;
            let share = i64::try_from(self.context.minor(share, 0).ok()?).ok()?;
            let candidate = multiple(terms, instalment.checked_add(share)?)?;
            if candidate == instalment {
                break;
            }
            run(candidate, &found.factors, &mut found.tried)?;
            if gap_of(&found.tried, candidate)?.abs() >= gap.abs() {
                break;
            }
            std::mem::swap(&mut found.rows, &mut found.tried);
            instalment = candidate;
        }
        found.instalment = instalment;
        Some(())
    }
}

/// `value` in whole units, or `None` where an error of up to `error` leaves it open.
pub(crate) fn certain_round(value: f64, error: f64, mode: RoundingMode) -> Option<i64> {
    let whole = value.floor();
    let part = value - whole;
    let up = match mode {
        RoundingMode::HalfEven | RoundingMode::HalfUp | RoundingMode::HalfDown => {
            if (part - 0.5).abs() <= error {
                return None;
            }
            part > 0.5
        }
        _ if part <= error || part >= 1.0 - error => return None,
        RoundingMode::Up | RoundingMode::Ceiling => true,
        RoundingMode::Down | RoundingMode::Floor => false,
    };
    // A double holds every whole number up to here.
    (whole < 9e15).then(|| whole as i64 + i64::from(up))
}

/// The exact instalment, in minor units and with the bound of its error, rounded as agreed: at once
/// to the multiple, or first to the minor unit.
fn rounded(terms: &ScheduleTerms, exact: f64, error: f64) -> Option<i64> {
    let rounding = &terms.rounding;
    let Some((step, mode)) = rounding.at_once() else {
        return multiple(terms, certain_round(exact, error, rounding.mode)?);
    };
    let step = whole_minor_units(step, rounding.minor_units)?;
    let steps = exact / step as f64;
    certain_round(steps, error.max(NOISE) / step as f64, mode)?.checked_mul(step)
}

/// An instalment rounded to the agreed multiple.
fn multiple(terms: &ScheduleTerms, instalment: i64) -> Option<i64> {
    let rounding = &terms.rounding;
    let Some(multiple) = rounding.multiple else { return Some(instalment) };
    let mode = rounding.multiple_mode.unwrap_or(rounding.mode);
    let exact = Decimal::new(instalment, rounding.minor_units);
    whole_minor_units(round_to_multiple(exact, multiple, mode).ok()?, rounding.minor_units)
}

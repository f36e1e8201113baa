//! Present value and rate of return of flows on dates: `xnpv` and `xirr`.
//!
//! The present value at rate r is the sum of `amount (1 + r)^-t`, where t is the time in years
//! from the earliest date by the day count, ACT/365F unless another is asked for; spreadsheets use
//! the same equation. Which rate is meant where several solve it, and when there is none, is
//! written in [`DatedFlows::xirr`].

use chrono::NaiveDate;

use super::CashflowError;
use super::error::finite;
use super::rate_of_return::{BothSides, Flows};
use crate::domain::calendar::civil::{date_of, day_number};
use crate::domain::calendar::{DayCount, DayCountContext, fraction};
use crate::domain::limits::CASH_FLOWS_MAX;

/// Flows on dates, sorted and summed by date once, to be valued at many rates.
#[derive(Clone, Debug)]
pub struct DatedFlows {
    /// None if every date's flows cancel.
    flows: Option<Flows>,
    base: NaiveDate,
}

impl DatedFlows {
    /// Flows in any order: the result does not depend on it, to the last bit.
    ///
    /// # Errors
    /// [`CashflowError::Missing`] for no flow, [`CashflowError::TooManyFlows`] above
    /// [`CASH_FLOWS_MAX`], [`CashflowError::NotFinite`] with the place of the flow, and what the
    /// day count refuses.
    pub fn new(
        flows: &[(NaiveDate, f64)],
        day_count: DayCount,
        context: &DayCountContext<'_>,
    ) -> Result<Self, CashflowError> {
        let mut days = Vec::with_capacity(flows.len());
        for (index, &(date, amount)) in flows.iter().enumerate() {
            days.push((day_number(date), finite(amount, "a cash flow", Some(index + 1))?));
        }
        Self::of_days(days, day_count, context)
    }

    /// The same of day numbers and finite amounts.
    pub(super) fn of_days(
        mut days: Vec<(i32, f64)>,
        day_count: DayCount,
        context: &DayCountContext<'_>,
    ) -> Result<Self, CashflowError> {
        if days.len() > CASH_FLOWS_MAX {
            return Err(CashflowError::TooManyFlows { count: days.len() });
        }
        // Amounts of one day are put in order too, so that their sum is the same in any order.
        let order = |a: &(i32, f64), b: &(i32, f64)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1));
        if !days.is_sorted_by(|a, b| order(a, b).is_le()) {
            days.sort_unstable_by(order);
        }
        let first = days.first().ok_or(CashflowError::Missing { what: "cash flow" })?.0;
        let base = date_of(first)?;
        let flows = match days_per_year(day_count) {
            Some(per_year) => Flows::new(
                days.iter().map(|&(day, amount)| (f64::from(day - first), amount)),
                per_year,
            ),
            None => {
                let (times, per_year) = times_by_fraction(&days, base, day_count, context)?;
                Flows::new(times, per_year)
            }
        };
        Ok(Self { flows, base })
    }

    /// The earliest date, to which [`DatedFlows::npv`] discounts.
    pub fn base(&self) -> NaiveDate {
        self.base
    }

    /// The present value on the earliest date at an effective annual rate.
    ///
    /// # Errors
    /// [`CashflowError::RateTooLow`] at or below minus one, [`CashflowError::NotFinite`], and
    /// [`CashflowError::OutOfRange`] for a value no double holds.
    pub fn npv(&self, rate: f64) -> Result<f64, CashflowError> {
        Ok(self.npv_and_derivative(rate)?.0)
    }

    /// The present value and its derivative with respect to the rate.
    ///
    /// # Errors
    /// As [`DatedFlows::npv`].
    pub fn npv_and_derivative(&self, rate: f64) -> Result<(f64, f64), CashflowError> {
        let force = force_of(rate)?;
        let Some(flows) = &self.flows else { return Ok((0.0, 0.0)) };
        let (value, slope) = flows.value_at(force);
        // From the first date whose flows do not cancel to the earliest date.
        let wait = flows.delay();
        let discount = (-force * wait).exp();
        let value_today = value * discount;
        let derivative = (slope - wait * value) * discount / (1.0 + rate);
        if !(value_today.is_finite() && derivative.is_finite()) {
            return Err(CashflowError::OutOfRange { what: "the present value" });
        }
        Ok((value_today, derivative))
    }

    /// The effective annual rate at which the present value is zero; None if there is none.
    ///
    /// Flows whose sign changes once have one rate. Where several solve the equation, the choice
    /// is, with the distance of a rate from zero measured as `|ln(1 + r)|`:
    ///
    /// 1. if the flows sum to zero, zero;
    /// 2. if more is received than paid, the smallest positive rate, unless it is above 10,000 per
    ///    cent; then the rate nearest to zero;
    /// 3. if less is received than paid, the negative rate nearest to zero, unless a positive one
    ///    is less than half as far away.
    ///
    /// [`DatedFlows::rates`] lists them all. None is given for flows of one sign; where no rate
    /// solves the equation; where the sign changes more than once and the only rates that solve it
    /// lie so far below zero that the last flow weighs more than 10^15 times the first, which then
    /// is less than the rounding of the last; and where the rate is too close to minus one, or too
    /// large, for a double to tell.
    ///
    /// The rate is right to the last digits that doubles allow, and the present value at it is
    /// verified to vanish in the rounding of its terms.
    ///
    /// # Errors
    /// [`CashflowError::NotVerified`] if it does not; no flows that do this are known.
    pub fn xirr(&self) -> Result<Option<f64>, CashflowError> {
        match self.flows.as_ref().and_then(BothSides::of) {
            Some(sides) => sides.rate(),
            None => Ok(None),
        }
    }

    /// Every rate between minus one and the largest double at which the present value is zero, in
    /// order.
    ///
    /// # Errors
    /// As [`DatedFlows::xirr`].
    pub fn rates(&self) -> Result<Vec<f64>, CashflowError> {
        match self.flows.as_ref().and_then(BothSides::of) {
            Some(sides) => sides.all_rates(),
            None => Ok(Vec::new()),
        }
    }
}

/// The present value of flows on dates at an effective annual rate: see [`DatedFlows::npv`].
///
/// # Errors
/// As [`DatedFlows::new`] and [`DatedFlows::npv`].
pub fn xnpv(
    rate: f64,
    flows: &[(NaiveDate, f64)],
    day_count: DayCount,
    context: &DayCountContext<'_>,
) -> Result<f64, CashflowError> {
    DatedFlows::new(flows, day_count, context)?.npv(rate)
}

/// The rate of return of flows on dates: see [`DatedFlows::xirr`].
///
/// # Errors
/// As [`DatedFlows::new`] and [`DatedFlows::xirr`].
pub fn xirr(
    flows: &[(NaiveDate, f64)],
    day_count: DayCount,
    context: &DayCountContext<'_>,
) -> Result<Option<f64>, CashflowError> {
    DatedFlows::new(flows, day_count, context)?.xirr()
}

/// The force of interest `ln(1 + r)` of a rate above minus one.
pub(super) fn force_of(rate: f64) -> Result<f64, CashflowError> {
    finite(rate, "the rate", None)?;
    if rate <= -1.0 {
        return Err(CashflowError::RateTooLow { rate: rate.to_string(), above: "-1".into() });
    }
    Ok(rate.ln_1p())
}

/// Days in a year of the day counts that only count days.
fn days_per_year(day_count: DayCount) -> Option<f64> {
    match day_count {
        DayCount::Act365Fixed => Some(365.0),
        DayCount::Act360 => Some(360.0),
        DayCount::Act364 => Some(364.0),
        DayCount::Act366 => Some(366.0),
        DayCount::Act336 => Some(336.0),
        DayCount::Act36525 => Some(365.25),
        _ => None,
    }
}

/// Times by a day count's fractions: whole units where all denominators agree, as 360 does for
/// the 30/360 family, and years where they do not.
fn times_by_fraction(
    days: &[(i32, f64)],
    base: NaiveDate,
    day_count: DayCount,
    context: &DayCountContext<'_>,
) -> Result<(Vec<(f64, f64)>, f64), CashflowError> {
    let mut fractions = Vec::with_capacity(days.len());
    for &(day, amount) in days {
        fractions.push((fraction(day_count, base, date_of(day)?, context)?, amount));
    }
    let mut denominators =
        fractions.iter().filter(|(part, _)| part.numerator != 0).map(|(part, _)| part.denominator);
    let common = denominators.next().unwrap_or(1);
    let agree = denominators.all(|denominator| denominator == common);
    let mut times: Vec<(f64, f64)> = fractions
        .iter()
        .map(|&(part, amount)| match agree {
            true => (part.numerator as f64, amount),
            false => (part.to_f64(), amount),
        })
        .collect();
    // Under some conventions a later day can come sooner: 29 February turns 365 into 366.
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok((times, if agree { common as f64 } else { 1.0 }))
}

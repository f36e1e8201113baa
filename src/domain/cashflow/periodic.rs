//! Flows at equal intervals: present value, internal rate of return and its modified form.

use rust_decimal::Decimal;

use super::CashflowError;
use super::compounding::check_rate;
use super::dated::force_of;
use super::error::finite;
use super::rate_of_return::{BothSides, CarefulSum, Flows};
use crate::domain::decimal::{add, div};
use crate::domain::limits::CASH_FLOWS_MAX;

/// The present value of `values` at a rate per period: the sum of `v_k (1 + r)^-k`, k counted from
/// zero, so that the first value is not discounted. (Spreadsheets' NPV discounts the first by one
/// period and is this divided by `1 + r`.)
///
/// # Errors
/// [`CashflowError::RateTooLow`] at or below minus one, [`CashflowError::NotFinite`],
/// [`CashflowError::TooManyFlows`], and [`CashflowError::OutOfRange`] for a value no double holds.
pub fn npv(rate: f64, values: &[f64]) -> Result<f64, CashflowError> {
    force_of(rate)?;
    check_values(values)?;
    let discount = 1.0 / (1.0 + rate);
    let value = values.iter().rev().fold(0.0, |later, value| later * discount + value);
    if value.is_finite() {
        Ok(value)
    } else {
        Err(CashflowError::OutOfRange { what: "the present value" })
    }
}

/// [`npv`] in decimals, for values that are posted: each step is rounded to 28 digits.
///
/// # Errors
/// As [`npv`], and [`CashflowError::Arithmetic`] for what does not fit.
pub fn npv_exact(rate: Decimal, values: &[Decimal]) -> Result<Decimal, CashflowError> {
    check_rate(rate)?;
    check_count(values.len())?;
    let growth = add(Decimal::ONE, rate)?;
    let mut later = Decimal::ZERO;
    for &value in values.iter().rev() {
        later = add(div(later, growth)?, value)?;
    }
    Ok(later)
}

/// The rate per period at which `values` are worth nothing today; None if there is none.
///
/// Values whose sign changes once have one rate; where several solve the equation the choice is
/// that of [`super::DatedFlows::xirr`], a period taking the place of the year.
///
/// # Errors
/// [`CashflowError::NotFinite`] with the place of the value, [`CashflowError::TooManyFlows`] and
/// [`CashflowError::NotVerified`].
pub fn irr(values: &[f64]) -> Result<Option<f64>, CashflowError> {
    match periods(values)?.as_ref().and_then(BothSides::of) {
        Some(sides) => sides.rate(),
        None => Ok(None),
    }
}

/// Every rate per period at which `values` are worth nothing today, in order.
///
/// # Errors
/// As [`irr`].
pub fn irr_all(values: &[f64]) -> Result<Vec<f64>, CashflowError> {
    match periods(values)?.as_ref().and_then(BothSides::of) {
        Some(sides) => sides.all_rates(),
        None => Ok(Vec::new()),
    }
}

/// The modified internal rate of return: what is paid is discounted to the start at
/// `finance_rate`, what is received is carried to the end at `reinvest_rate`, and the rate is the
/// one that turns the first into the second over the periods. None unless something is paid,
/// something is received and there are two values at least.
///
/// # Errors
/// As [`npv`].
pub fn mirr(
    values: &[f64],
    finance_rate: f64,
    reinvest_rate: f64,
) -> Result<Option<f64>, CashflowError> {
    let (finance, reinvest) = (force_of(finance_rate)?, force_of(reinvest_rate)?);
    check_values(values)?;
    let last = values.len().saturating_sub(1) as f64;
    let worth = |sign: f64, weight: &dyn Fn(f64) -> f64| {
        let part = values.iter().enumerate().map(|(at, v)| (v * sign).max(0.0) * weight(at as f64));
        part.collect::<CarefulSum>().total()
    };
    let paid = worth(-1.0, &|at| (-finance * at).exp());
    let received = worth(1.0, &|at| (reinvest * (last - at)).exp());
    if paid == 0.0 || received == 0.0 || last < 1.0 {
        return Ok(None);
    }
    let rate = ((received / paid).ln() / last).exp_m1();
    if rate.is_finite() {
        Ok(Some(rate))
    } else {
        Err(CashflowError::OutOfRange { what: "the modified rate of return" })
    }
}

fn periods(values: &[f64]) -> Result<Option<Flows>, CashflowError> {
    check_values(values)?;
    Ok(Flows::new(values.iter().enumerate().map(|(index, &value)| (index as f64, value)), 1.0))
}

fn check_values(values: &[f64]) -> Result<(), CashflowError> {
    check_count(values.len())?;
    for (index, &value) in values.iter().enumerate() {
        finite(value, "a value", Some(index + 1))?;
    }
    Ok(())
}

fn check_count(count: usize) -> Result<(), CashflowError> {
    if count > CASH_FLOWS_MAX { Err(CashflowError::TooManyFlows { count }) } else { Ok(()) }
}

//! The maturity of a contract that does not name one.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::contract::{Amortisation, ContractType};
use super::cycle::Period;
use super::error::ActusError;
use super::terms::{RedemptionSegment, Terms};
use super::time::ContractTime;
use crate::domain::calendar::{DayCountContext, year_fraction};
use crate::domain::decimal::{add, div, mul, sub};
use crate::domain::limits::INSTALMENTS_MAX;

/// When the principal of an amortising contract has come back, from its redemptions alone.
///
/// # Errors
/// [`ActusError::NeverMatures`] if the redemptions do not add up to the principal, or only within
/// more redemptions than a contract may have.
pub fn derived_maturity(terms: &Terms) -> Result<ContractTime, ActusError> {
    match terms.contract_type {
        ContractType::Lax => of_arrays(terms),
        _ => of_cycle(terms),
    }
}

/// The n-th redemption after the status date, where n payments redeem the principal:
/// n = ⌈NT / PRNXT⌉ for a LAM, and n = ⌈NT / (PRNXT - NT · IPNR · Y)⌉ with the year fraction Y of
/// one cycle for a NAM or ANN, whose payment is interest first (technical specification, sections
/// 7.2 and 7.4; the n-th redemption itself is the maturity, as published contracts show).
fn of_cycle(terms: &Terms) -> Result<ContractTime, ActusError> {
    let never = |reason: String| ActusError::NeverMatures { reason };
    let dates = terms.redemption.dates;
    let anchor = terms.dates.anchor(dates, terms.initial_exchange)?;
    let (Some(anchor), Some(cycle), Some(payment)) =
        (anchor, dates.cycle, terms.redemption.payment)
    else {
        return Err(never("Neither maturityDate nor redemptions that end are given.".into()));
    };
    let next = first_after(terms, anchor, cycle.period)?;
    let principal = match terms.contract_type.amortisation() {
        Amortisation::Payment => {
            let from = next.saturating_sub(1);
            let start = terms.dates.step(anchor, cycle.period, from)?;
            let end = terms.dates.step(anchor, cycle.period, from + 1)?;
            let interest = interest_of(terms, start.accrual_date(), end.accrual_date())?;
            sub(payment, interest)?
        }
        Amortisation::Principal | Amortisation::None => payment,
    };
    if principal <= Decimal::ZERO {
        return Err(never(format!(
            "Of a payment of {payment} nothing is left after interest on {}.",
            terms.notional
        )));
    }
    let payments = div(terms.notional, principal)?.ceil().to_i64();
    match payments.filter(|count| (1..=INSTALMENTS_MAX as i64).contains(count)) {
        Some(count) => Ok(terms.dates.step(anchor, cycle.period, next + count - 1)?),
        None => Err(never(format!(
            "Payments of {payment} take more than {INSTALMENTS_MAX} redemptions for {}.",
            terms.notional
        ))),
    }
}

/// Which redemption, counted from zero, is the first after the status date.
fn first_after(terms: &Terms, anchor: ContractTime, period: Period) -> Result<i64, ActusError> {
    for count in 0..=INSTALMENTS_MAX as i64 {
        if terms.dates.step(anchor, period, count)? > terms.status {
            return Ok(count);
        }
    }
    Err(ActusError::TooManyEvents { limit: INSTALMENTS_MAX })
}

fn interest_of(terms: &Terms, start: NaiveDate, end: NaiveDate) -> Result<Decimal, ActusError> {
    let part = year_fraction(terms.interest.day_count, start, end, &DayCountContext::default())?;
    Ok(mul(mul(terms.notional, terms.interest.rate)?, part)?)
}

/// The redemption of the arrays with which nothing is left of the principal (technical
/// specification, section 7.3).
fn of_arrays(terms: &Terms) -> Result<ContractTime, ActusError> {
    let mut left = terms.notional;
    let mut counted = 0;
    let segments = &terms.arrays.redemptions;
    for (index, segment) in segments.iter().enumerate() {
        let until = segments.get(index + 1).map(|next| next.dates.anchor);
        let mut count = 0;
        while let Some(time) = time_of(terms, segment, count, until)? {
            count += 1;
            counted += 1;
            if counted > INSTALMENTS_MAX {
                return Err(ActusError::TooManyEvents { limit: INSTALMENTS_MAX });
            }
            if time <= terms.status {
                continue;
            }
            left =
                if segment.draws { add(left, segment.amount)? } else { sub(left, segment.amount)? };
            if left <= Decimal::ZERO {
                return Ok(time);
            }
            if until.is_none() && (segment.draws || segment.amount.is_zero()) {
                break;
            }
        }
    }
    Err(ActusError::NeverMatures {
        reason: format!("The redemptions leave {left} of the principal."),
    })
}

/// The `count`-th time of a segment that ends before `until`.
fn time_of(
    terms: &Terms,
    segment: &RedemptionSegment,
    count: i64,
    until: Option<ContractTime>,
) -> Result<Option<ContractTime>, ActusError> {
    let time = match segment.dates.cycle {
        Some(cycle) => terms.dates.step(segment.dates.anchor, cycle.period, count)?,
        None if count == 0 => segment.dates.anchor,
        None => return Ok(None),
    };
    Ok(Some(time).filter(|time| until.is_none_or(|until| *time < until)))
}

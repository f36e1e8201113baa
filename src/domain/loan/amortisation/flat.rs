//! Interest that does not follow the balance: flat loans and simple interest over the term.

use rust_decimal::Decimal;

use super::course::Money;
use crate::domain::calendar::Frequency;
use crate::domain::decimal;
use crate::domain::loan::ScheduleError;
use crate::domain::loan::basis::{Basis, Measure};
use crate::domain::loan::plan::Plan;
use crate::domain::loan::terms::{Method, RoundingFamily, ScheduleTerms};

/// The interest of each instalment where it is a part of a total known from the start; nothing
/// for methods whose interest follows the balance.
pub(crate) fn given_interest(
    terms: &ScheduleTerms,
    plan: &Plan,
    money: &Money,
) -> Result<Option<Vec<Decimal>>, ScheduleError> {
    let total = match terms.method {
        Method::Flat => flat_total(terms, plan, money)?,
        Method::SimpleInterest => simple_total(terms, plan, money)?,
        _ => return Ok(None),
    };
    spread(terms, money, total).map(Some)
}

fn term(plan: &Plan, terms: &ScheduleTerms) -> (chrono::NaiveDate, chrono::NaiveDate) {
    let start = terms.grace.interest_from.unwrap_or(terms.disbursed_on);
    let end = plan.periods.last().map_or(start, |period| period.span.due);
    (start, end)
}

/// Principal × the periodic rate × the periods of the term. A down payment does not lower it; in
/// the cumulative family tranches add to it.
fn flat_total(terms: &ScheduleTerms, plan: &Plan, money: &Money) -> Result<Decimal, ScheduleError> {
    let basis = Basis {
        context: money.context,
        interest: terms.interest,
        frequency: terms.frequency,
        whole: plan.whole(),
    };
    let (start, end) = term(plan, terms);
    let rate =
        basis.rate_of_term(terms.annual_rate, &plan.measure, start, end, terms.instalments)?;
    let mut principal = terms.principal;
    if terms.rounding.family == RoundingFamily::Cumulative {
        for tranche in &terms.disbursements {
            principal = decimal::add(principal, tranche.amount)?;
        }
    }
    money.round(money.context.mul(principal, rate)?)
}

/// Principal × annual rate × calendar months / 12, months counted between the dates whatever the
/// frequency.
fn simple_total(
    terms: &ScheduleTerms,
    plan: &Plan,
    money: &Money,
) -> Result<Decimal, ScheduleError> {
    let (start, end) = term(plan, terms);
    let measure = Measure::new(Frequency::MONTHLY, terms.due_dates.roll, &[start], money.context)?;
    let months = measure.between(start, end)?;
    let of_year = decimal::mul(money.context.round(terms.annual_rate)?, months)?;
    let rate = money.context.div(of_year, Decimal::from(12))?;
    money.round(money.context.mul(terms.principal, rate)?)
}

/// The total in equal parts over the instalments, those in free periods without theirs. The last
/// part takes what rounding leaves.
///
/// Interest that grace keeps from being paid is spread over the instalments after it if
/// `grace.spread` says so, and deferred to the first of them otherwise.
fn spread(
    terms: &ScheduleTerms,
    money: &Money,
    total: Decimal,
) -> Result<Vec<Decimal>, ScheduleError> {
    let count = terms.instalments;
    let free = terms.grace.interest_free.min(count - 1);
    let usual = money.round(money.context.div(total, Decimal::from(count))?)?;
    let charged = decimal::sub(total, decimal::mul(usual, Decimal::from(free))?)?;
    let grace = terms.grace.interest_payment.max(terms.grace.moratorium).min(count - 1);
    let skipped = if terms.grace.spread { grace.max(free) } else { free };
    let part = if skipped == free && !terms.grace.spread {
        usual
    } else {
        money.round(money.context.div(charged, Decimal::from(count - skipped))?)?
    };
    let mut left = charged.max(Decimal::ZERO);
    let mut parts = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
    for number in 1..=count {
        let interest = match number {
            _ if number <= skipped => Decimal::ZERO,
            _ if number == count => left,
            _ => part.min(left),
        };
        left = decimal::sub(left, interest)?;
        parts.push(interest);
    }
    Ok(parts)
}

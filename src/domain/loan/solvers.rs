//! Finding one term of a loan from the others.
//!
//! Each answer is checked on the real schedule, to the last minor unit: the closed formulas of
//! annuities know neither the rounding nor the calendar of a loan. The search is by bisection,
//! which needs no more than that a larger loan or a higher rate has no smaller instalment.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ScheduleError;
use super::schedule::schedule;
use super::terms::ScheduleTerms;
use crate::domain::decimal;
use crate::domain::limits::{AMOUNT_MAX, ANNUAL_RATE_MAX, INSTALMENTS_MAX};
use crate::domain::money::RoundingMode;

/// Decimals of the finest rate that is looked for.
const RATE_DECIMALS: u32 = 14;
/// Most halvings of an interval; enough for every decimal a number has.
const HALVINGS_MAX: u32 = 200;

/// A number of instalments that repays a loan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SolvedTerm {
    /// How many instalments.
    pub instalments: u32,
    /// The last of them, which is not larger than the others.
    pub last_instalment: Decimal,
}

/// The regular instalment of a loan without fees: the level one of an annuity, the first one of
/// methods whose instalments differ.
///
/// # Errors
/// As [`schedule`].
pub fn instalment_amount(terms: &ScheduleTerms) -> Result<Decimal, ScheduleError> {
    Ok(schedule(terms)?.instalment)
}

/// The number of instalments with which a loan is repaid by instalments of a given amount: the
/// smallest with which the last one is not larger than the others. `terms.instalments` is not
/// used.
///
/// # Errors
/// [`ScheduleError::NoSolution`] if the amount does not repay the loan, for instance because it
/// does not cover the interest.
pub fn solve_term(terms: &ScheduleTerms, instalment: Decimal) -> Result<SolvedTerm, ScheduleError> {
    let last_of = |instalments: u32| -> Result<Option<Decimal>, ScheduleError> {
        let tried = ScheduleTerms { instalment: Some(instalment), instalments, ..terms.clone() };
        let last = schedule(&tried)?.rows.last().map(|row| decimal::sub(row.total, row.fees));
        Ok(last.transpose()?.filter(|last| *last <= instalment))
    };
    let most = u32::try_from(INSTALMENTS_MAX).unwrap_or(u32::MAX);
    // Doubling finds a term that is long enough, halving the shortest.
    let (mut short, mut long) = (fewest(terms) - 1, None);
    let mut tried = short + 1;
    while long.is_none() {
        match last_of(tried) {
            Ok(Some(last)) => long = Some((tried, last)),
            Ok(None) if tried < most => {
                short = tried;
                tried = tried.saturating_mul(2).min(most);
            }
            // Beyond the calendar's end there is no term either.
            Ok(None) | Err(ScheduleError::Calendar(_)) => return Err(never_repaid(instalment)),
            Err(ScheduleError::InterestNotCovered { .. }) => return Err(never_repaid(instalment)),
            Err(error) => return Err(error),
        }
    }
    let (mut long, mut last) = long.ok_or_else(|| never_repaid(instalment))?;
    while long - short > 1 {
        let middle = short + (long - short) / 2;
        match last_of(middle)? {
            Some(found) => (long, last) = (middle, found),
            None => short = middle,
        }
    }
    Ok(SolvedTerm { instalments: long, last_instalment: last })
}

/// The fewest instalments the other terms allow.
fn fewest(terms: &ScheduleTerms) -> u32 {
    let grace = &terms.grace;
    [grace.principal, grace.interest_payment, grace.moratorium, grace.recurring_principal]
        .into_iter()
        .map(|count| count.saturating_add(1))
        .chain([grace.interest_free])
        .chain(terms.custom.iter().map(|custom| custom.number))
        .fold(1, u32::max)
}

fn never_repaid(instalment: Decimal) -> ScheduleError {
    ScheduleError::NoSolution {
        reason: format!(
            "Instalments of {instalment} do not repay the loan within {INSTALMENTS_MAX} of them."
        ),
    }
}

/// The largest principal whose regular instalment is not more than a given one, in whole minor
/// units. `terms.principal` and `terms.instalment` are not used.
///
/// # Errors
/// [`ScheduleError::NoSolution`] if not even the smallest unit can be borrowed for it.
pub fn solve_principal(
    terms: &ScheduleTerms,
    instalment: Decimal,
) -> Result<Decimal, ScheduleError> {
    let decimals = terms.rounding.minor_units;
    let affordable = |minor: i64| -> Result<bool, ScheduleError> {
        let principal = super::context::amount(i128::from(minor), decimals)?;
        let tried = ScheduleTerms { principal, instalment: None, ..terms.clone() };
        Ok(schedule(&tried)?.instalment <= instalment)
    };
    let scale = 10i64.checked_pow(decimals).unwrap_or(i64::MAX);
    let most = AMOUNT_MAX.saturating_mul(scale);
    let (mut low, mut high) = (0, 1);
    while high < most && affordable(high)? {
        low = high;
        high = high.saturating_mul(2).min(most);
    }
    if low == 0 || instalment <= Decimal::ZERO {
        return Err(ScheduleError::NoSolution {
            reason: format!("Nothing can be borrowed for instalments of {instalment}."),
        });
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if affordable(middle)? { low = middle } else { high = middle }
    }
    Ok(super::context::amount(i128::from(low), decimals)?)
}

/// The annual rate with which the regular instalment is exactly a given one. Rounding makes that
/// an interval of rates; of these the one with the fewest decimals is given. `terms.annual_rate`
/// and `terms.instalment` are not used.
///
/// # Errors
/// [`ScheduleError::NoSolution`] if the instalment is smaller than that of a loan without interest,
/// larger than that at the highest rate, or between two that rounding leaves.
pub fn solve_rate(terms: &ScheduleTerms, instalment: Decimal) -> Result<Decimal, ScheduleError> {
    let at = |annual_rate: Decimal| -> Result<Option<Decimal>, ScheduleError> {
        let tried = ScheduleTerms { annual_rate, instalment: None, ..terms.clone() };
        match schedule(&tried) {
            Ok(schedule) => Ok(Some(schedule.instalment)),
            // A rate at which the balance outgrows every number has an instalment above any.
            Err(ScheduleError::Arithmetic(_)) => Ok(None),
            Err(error) => Err(error),
        }
    };
    let none = |why: &str| ScheduleError::NoSolution {
        reason: format!("An instalment of {instalment} is {why}."),
    };
    if at(Decimal::ZERO)?.is_none_or(|least| least > instalment) {
        return Err(none("smaller than that of a loan without interest"));
    }
    let reaches = |rate, more: bool| -> Result<bool, ScheduleError> {
        Ok(at(rate)?
            .is_none_or(|found| if more { found > instalment } else { found >= instalment }))
    };
    let most = Decimal::from(ANNUAL_RATE_MAX);
    if !reaches(most, false)? {
        return Err(none("larger than that at any rate"));
    }
    let low = first_rate(|rate| reaches(rate, false), most)?;
    let high = first_rate(|rate| reaches(rate, true), most)?;
    if at(low)? != Some(instalment) {
        return Err(none("not among those that rounding leaves"));
    }
    simplest_between(low, high)
}

/// The smallest rate, to the finest decimals, for which something holds that holds for `most`.
fn first_rate(
    holds: impl Fn(Decimal) -> Result<bool, ScheduleError>,
    most: Decimal,
) -> Result<Decimal, ScheduleError> {
    let finest = Decimal::new(1, RATE_DECIMALS);
    let (mut low, mut high) = (Decimal::ZERO, Decimal::new(1, 2));
    if holds(low)? {
        return Ok(low);
    }
    while high < most && !holds(high)? {
        low = high;
        high = decimal::add(high, high)?.min(most);
    }
    for _ in 0..HALVINGS_MAX {
        if decimal::sub(high, low)? <= finest {
            break;
        }
        let middle = decimal::div(decimal::add(low, high)?, Decimal::TWO)?;
        let middle = decimal::round(middle, RATE_DECIMALS, RoundingMode::Down);
        if middle <= low {
            break;
        }
        if holds(middle)? { high = middle } else { low = middle }
    }
    Ok(high)
}

/// The number with the fewest decimals from `low` up to but not `high`.
fn simplest_between(low: Decimal, high: Decimal) -> Result<Decimal, ScheduleError> {
    for decimals in 0..RATE_DECIMALS {
        let up = decimal::round(low, decimals, RoundingMode::Ceiling);
        if up < high {
            return Ok(up.normalize());
        }
    }
    Ok(low.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::loan::terms::{Method, RoundingFamily};
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn terms(principal: &str, rate: &str, instalments: u32) -> ScheduleTerms {
        let on = chrono::NaiveDate::from_ymd_opt(2024, 1, 31).unwrap();
        ScheduleTerms::new(d(principal), d(rate), instalments, on)
    }

    /// The textbook mortgage: 100,000 at 6 per cent over 360 months is 599.55.
    #[test]
    fn a_mortgage_is_solved_from_every_side() {
        let mortgage = terms("100000", "0.06", 360);
        assert_eq!(instalment_amount(&mortgage).unwrap(), d("599.55"));
        assert_eq!(solve_rate(&mortgage, d("599.55")).unwrap(), d("0.06"));
        let term = solve_term(&mortgage, d("600")).unwrap();
        assert_eq!(term.instalments, 360);
        assert!(term.last_instalment < d("600"));
        let most = solve_principal(&mortgage, d("599.55")).unwrap();
        assert!((d("100000")..d("100002")).contains(&most), "{most}");
    }

    #[test]
    fn what_has_no_solution_is_refused() {
        let loan = terms("1000", "0.12", 12);
        let none = |answer: Result<(), ScheduleError>| {
            assert!(matches!(answer, Err(ScheduleError::NoSolution { .. })), "{answer:?}");
        };
        none(solve_term(&loan, d("10")).map(drop));
        none(solve_term(&loan, d("9.99")).map(drop));
        none(solve_rate(&loan, d("83.32")).map(drop));
        none(solve_principal(&loan, d("0")).map(drop));
        let mut whole = loan.clone();
        whole.rounding.multiple = Some(Decimal::TEN);
        none(solve_rate(&whole, d("95")).map(drop));
        // One instalment more than the interest takes ten years, not for ever.
        assert!(solve_term(&loan, d("10.01")).unwrap().instalments > 600);
    }

    #[test]
    fn solvers_keep_the_other_terms() {
        let mut loan = terms("1200", "0.12", 3);
        loan.grace.principal = 1;
        loan.balloon = d("300");
        let instalment = instalment_amount(&loan).unwrap();
        assert_eq!(solve_rate(&loan, instalment).unwrap(), d("0.12"));
        loan.balloon = Decimal::ZERO;
        loan.method = Method::EqualPrincipal;
        assert_eq!(instalment_amount(&loan).unwrap(), d("12"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn answers_agree_with_the_schedule(
            principal in 1_000u32..1_000_000, rate in 1u32..40_000, instalments in 1u32..120, family in 0usize..3,
        ) {
            let mut loan = terms("1", "0", instalments);
            loan.principal = Decimal::from(principal);
            loan.annual_rate = Decimal::new(i64::from(rate), 5);
            loan.rounding.family =
                [RoundingFamily::Progressive, RoundingFamily::Cumulative, RoundingFamily::None][family];
            let instalment = decimal::round(instalment_amount(&loan).unwrap(), 2, RoundingMode::Ceiling);

            let term = solve_term(&loan, instalment).unwrap();
            let last_with = |count| {
                let tried = ScheduleTerms { instalments: count, instalment: Some(instalment), ..loan.clone() };
                schedule(&tried).unwrap().rows.last().unwrap().total
            };
            prop_assert_eq!(last_with(term.instalments), term.last_instalment);
            prop_assert!(term.last_instalment <= instalment);
            prop_assert!(term.instalments == 1 || last_with(term.instalments - 1) > instalment);
            prop_assert!(term.instalments <= instalments + 1);

            let most = solve_principal(&loan, instalment).unwrap();
            let costs = |principal| instalment_amount(&ScheduleTerms { principal, ..loan.clone() }).unwrap();
            prop_assert!(costs(most) <= instalment);
            prop_assert!(costs(most + Decimal::new(1, 2)) > instalment);
        }

        #[test]
        fn a_rate_is_found_again(
            principal in 1_000u32..1_000_000, rate in 1u32..40_000, instalments in 2u32..60,
        ) {
            let mut loan = terms("1", "0", instalments);
            loan.principal = Decimal::from(principal);
            loan.annual_rate = Decimal::new(i64::from(rate), 5);
            let instalment = instalment_amount(&loan).unwrap();
            let found = solve_rate(&loan, instalment).unwrap();
            let again = ScheduleTerms { annual_rate: found, ..loan.clone() };
            prop_assert_eq!(instalment_amount(&again).unwrap(), instalment);
            prop_assert!(found.normalize().scale() <= loan.annual_rate.normalize().scale());
        }
    }
}

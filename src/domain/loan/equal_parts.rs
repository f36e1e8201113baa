//! Principal of progressive loans without interest.
//!
//! Each amount is divided as it is lent, among the instalments to come then. What was asked for before
//! stays, so that the instalments of a loan lent in parts may differ by what each division rounds.

use rust_decimal::Decimal;

use super::ScheduleError;
use super::amortisation::Money;
use super::terms::ScheduleTerms;
use crate::domain::decimal::{add, div, sub};
use crate::domain::money::round_to_multiple;

/// Adds an amount to the principal of instalments in equal parts, the last with what rounding
/// leaves. Where the instalment is agreed each is filled up to it in place of a part.
///
/// # Errors
/// [`ScheduleError::Arithmetic`] beyond the exact range, and what rounding to a multiple refuses.
pub(crate) fn add_in_equal_parts(
    terms: &ScheduleTerms,
    amount: Decimal,
    instalments: &mut [&mut Decimal],
) -> Result<(), ScheduleError> {
    let count = Decimal::from(instalments.len().max(1));
    let part = Money::of(terms).round(div(amount, count)?)?;
    let rounding = &terms.rounding;
    let Some((last, others)) = instalments.split_last_mut() else { return Ok(()) };
    let mut rest = amount;
    for principal in others {
        let mut wanted = match terms.instalment {
            Some(agreed) => agreed,
            None => add(**principal, part)?,
        };
        if let Some(multiple) = rounding.multiple {
            let mode = rounding.multiple_mode.unwrap_or(rounding.mode);
            wanted = round_to_multiple(wanted, multiple, mode)?;
        }
        // Parts that are rounded up leave less to the last ones.
        let more = sub(wanted, **principal)?.max(Decimal::ZERO).min(rest);
        **principal = add(**principal, more)?;
        rest = sub(rest, more)?;
    }
    **last = add(**last, rest)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn divided(amount: i64, into: &[i64], change: impl FnOnce(&mut ScheduleTerms)) -> Vec<String> {
        let start = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
        let mut terms = ScheduleTerms::new(Decimal::ONE_HUNDRED, Decimal::ZERO, 3, start);
        change(&mut terms);
        let mut parts: Vec<Decimal> = into.iter().map(|cents| Decimal::new(*cents, 2)).collect();
        let mut wanted: Vec<&mut Decimal> = parts.iter_mut().collect();
        add_in_equal_parts(&terms, Decimal::new(amount, 2), &mut wanted).unwrap();
        parts.iter().map(|part| format!("{part:.2}")).collect()
    }

    #[test]
    fn the_last_part_has_what_rounding_leaves() {
        assert_eq!(divided(10_000, &[0, 0, 0], |_| ()), ["33.33", "33.33", "33.34"]);
        assert_eq!(divided(2_000, &[3_333, 3_334], |_| ()), ["43.33", "43.34"]);
    }

    /// Twenty cents in six parts are 0.03 each; two cents are left for the last. Four cents in six
    /// parts are a cent each, and nothing for the last two.
    #[test]
    fn no_part_is_less_than_nothing() {
        let small = ["0.01", "0.01", "0.01", "0.01", "0.00", "0.00"];
        assert_eq!(divided(4, &[0; 6], |_| ()), small);
        let whole = |terms: &mut ScheduleTerms| terms.rounding.multiple = Some(Decimal::TEN);
        assert_eq!(divided(4_000, &[0; 6], whole)[3..], ["10.00", "0.00", "0.00"]);
    }

    #[test]
    fn an_agreed_instalment_is_filled() {
        let agreed = |terms: &mut ScheduleTerms| terms.instalment = Some(Decimal::from(40));
        assert_eq!(divided(10_000, &[0, 0, 0], agreed), ["40.00", "40.00", "20.00"]);
        assert_eq!(divided(5_000, &[4_000, 2_000], agreed), ["40.00", "70.00"]);
    }
}
